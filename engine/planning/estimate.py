"""Estimate: what a load test takes, what it costs on each cloud, and what it would be billed.

    Scenario -> Requirement -> Fleet -> Offer

Pure: the same scenario, catalogue, plans and day give the same estimate. Which plans are on sale is
the caller's to say; nothing here reads the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.cliffs import house_cliffs
from engine.planning.costs import CostItem
from engine.planning.fleet import Fleet, cheapest_fleet
from engine.planning.fleet_outlook import fleet_with_outlook
from engine.planning.offers import TariffOffer, offers
from engine.planning.places import ANY_PROVIDER, check_somewhere, equal_shares, places_on
from engine.planning.regional_fleet import FleetGroup, RegionalFleet
from engine.planning.requirement import (
    HOUSE_TARIFF,
    ImpossibleLoadError,
    RegionRequirement,
    Requirement,
    peak_users,
    require,
)
from engine.planning.script_load import check_script_load
from engine.planning.spreading import unkept_notes, unspread_notes
from engine.planning.unknowns import Unknown, unknowns
from engine.planning.warnings import warnings_of
from engine.scenario import Scenario
from engine.scenario.profile import OpenProfile
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.catalog import Catalog, UnknownProviderError, UnknownRegionError
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, estimated_plans
from pricing.tariffs import Cliff, Rates, Tariff, load_tariff

__all__ = [
    "CostItem",
    "Estimate",
    "Fleet",
    "FleetGroup",
    "PlannedLoad",
    "RegionRequirement",
    "RegionalFleet",
    "Requirement",
    "TariffOffer",
    "Unknown",
    "estimate",
    "require",
]


class PlannedLoad(Struct, frozen=True):
    """The planned load, without the overlap of users that finish gracefully.

    Attributes:
        peak_users: Most users at once.
        duration_s: From the start to the planned end.
        user_seconds: Area under the users curve; None: it depends on an unknown length.
        arrivals: Users that arrive in all; None: a closed model.
    """

    peak_users: int
    duration_s: float
    user_seconds: float | None
    arrivals: float | None


class Estimate(Struct, frozen=True):
    """What a load test takes and costs.

    Attributes:
        scenario: What was estimated.
        load: Its planned load.
        requirement: Standard injectors and LI-minutes.
        clouds: The cheapest fleet of each cloud that was asked for, cheapest first; last those
            whose cost is not known in full.
        quotes: The same run on our plans and at load-testing services.
        unknown: What is not known, or was assumed.
        warnings: What to know before trusting or paying it.
        cliffs: Slightly smaller or larger tests that take far fewer or more LI-minutes.
    """

    scenario: Scenario
    load: PlannedLoad
    requirement: Requirement
    clouds: tuple[Fleet, ...]
    quotes: tuple[TariffOffer, ...]
    unknown: tuple[Unknown, ...]
    warnings: tuple[str, ...]
    cliffs: tuple[Cliff, ...]

    @property
    def fleet(self) -> Fleet:
        """The cheapest fleet of all."""
        return self.clouds[0]


def estimate(  # noqa: PLR0913 - one keyword a thing that decides what it costs
    scenario: Scenario,
    *,
    catalog: Catalog | None = None,
    provider: str = ANY_PROVIDER,
    or_on: Sequence[str] = (),
    regions: Sequence[str] = (),
    at: date | None = None,
    plan: Plan | None = None,
    plans: Sequence[Plan] | None = None,
    rates: Rates | None = None,
) -> Estimate:
    """Estimate a load test.

    Args:
        scenario: What is to be run.
        catalog: Machine types and prices; None: the bundled catalogue.
        provider: ``aws``, ``azure``, or ``any`` for both.
        or_on: Clouds that may stand in for the provider, each with its regions nearest to those
            that are named.
        regions: Where the load comes from, in equal shares; replaces the scenario's. A pattern such
            as ``eu-*``, or ``any``, stands for the cheapest region that matches.
        at: The day that decides which tariffs hold and which prices are old; None: the newest
            tariffs, and no judgement on ages.
        plan: The plan of the account that asks; of our plans only it is quoted.
        plans: Those that are sold; None: the bundled ones that ``estimated_plans`` chooses.
        rates: Contract rates, which services are priced at in place of what they publish.

    Raises:
        UnknownProviderError, UnknownRegionError, UnknownFamilyError: No such place or machines.
        UnknownPeakError: An open model without the length of an iteration.
        ImpossibleLoadError: The load, as described, fits no injector, or no machines that may be
            taken.
        ScriptLoadError: Its program's script surely plays another load.
    """
    if regions:
        scenario = replace(scenario, regions=equal_shares(regions))
    catalog = catalog or Catalog.bundled()
    requirement = require(scenario, at=at)
    check_script_load(scenario, requirement)
    clouds, left_out = _clouds(scenario, requirement, catalog, provider, or_on)
    quotes = offers(
        scenario,
        requirement,
        plans=estimated_plans(BUNDLED_PLANS) if plans is None else plans,
        account_plan=plan,
        at=at,
        rates=rates,
    )
    unspread = unspread_notes(
        scenario,
        requirement,
        clouds,
        lambda other, fleet: cheapest_fleet(
            other,
            requirement,
            catalog=catalog,
            provider=fleet.provider,
            places=[[site.place] for site in fleet.sites],
        ),
    )
    steps = house_cliffs(_house_tariff(plan, at), scenario, requirement)
    return Estimate(
        scenario=scenario,
        load=_load(scenario),
        requirement=requirement,
        clouds=clouds,
        quotes=quotes,
        unknown=(
            *unknowns(scenario, requirement, clouds, quotes, catalog),
            *left_out,
        ),
        warnings=(
            *warnings_of(scenario, requirement, clouds, steps=steps, catalog=catalog, at=at),
            *unspread,
            *unkept_notes(scenario, clouds),
        ),
        cliffs=steps,
    )


def _house_tariff(plan: Plan | None, at: date | None) -> Tariff:
    """The own plans' tariff; without its rates for a subscriber, who pays in LI-minutes (R28)."""
    tariff = load_tariff(HOUSE_TARIFF, at)
    if plan is None or not plan.is_subscription:
        return tariff
    return replace(
        tariff,
        usd_micros_per_unit=None,
        usd_micros_per_user=0,
        price_from=None,
        no_price="runs of a subscription are paid in LI-minutes",
    )


def _clouds(
    scenario: Scenario,
    requirement: Requirement,
    catalog: Catalog,
    provider: str,
    or_on: Sequence[str],
) -> tuple[tuple[Fleet, ...], tuple[Unknown, ...]]:
    """The fleets of the clouds asked for, cheapest first, and the clouds that were left out."""
    known = (*CLOUDS, ANY_PROVIDER)
    for name in (provider, *or_on):
        if name not in known:
            raise UnknownProviderError(
                f"no provider {name!r}{meant(name, known)}; there are {', '.join(known)}",
                provider=name,
            )
    names = [part.region for part in requirement.regions]
    check_somewhere(names, catalog)
    for family in scenario.machines.families:
        catalog.check_family(family, tuple(CLOUDS))
    is_free = provider == ANY_PROVIDER
    fleets, left_out, errors = [], [], []
    for candidate in CLOUDS if is_free else (provider, *or_on):
        try:
            may_stand_in = is_free or candidate in or_on
            fleet = _fleet_on(candidate, scenario, requirement, catalog, may_stand_in=may_stand_in)
        except (UnknownRegionError, ImpossibleLoadError) as error:
            if not is_free:
                raise
            errors.append(error)
            left_out.append(Unknown(f"clouds.{candidate}", error.line))
            continue
        fleets.append(fleet)
    if not fleets:
        raise _refusal(errors, names)
    return tuple(sorted(fleets, key=partial(_cost_order, scenario))), tuple(left_out)


def _fleet_on(
    provider: str,
    scenario: Scenario,
    requirement: Requirement,
    catalog: Catalog,
    *,
    may_stand_in: bool,
) -> Fleet:
    names = [part.region for part in requirement.regions]
    places = places_on(provider, names, catalog, may_stand_in=may_stand_in)
    return fleet_with_outlook(
        scenario, requirement, catalog=catalog, provider=provider, places=places
    )


def _cost_order(scenario: Scenario, fleet: Fleet) -> tuple[bool, int]:
    """Cheapest first; a cost that lacks what is not known comes after those that are whole."""
    return scenario.machines.nat and not fleet.has_nat_gateway, fleet.usd_micros


def _refusal(errors: Sequence[BadInputError], names: Sequence[str | None]) -> BadInputError:
    """Why no cloud carries the load: what the load lacks says more than what a cloud lacks."""
    for error in errors:
        if isinstance(error, ImpossibleLoadError) or len(errors) == 1:
            return error
    return UnknownRegionError(
        "no single cloud has all of these regions: " + ", ".join(str(name) for name in names)
    )


def _load(scenario: Scenario) -> PlannedLoad:
    profile = scenario.profile
    return PlannedLoad(
        peak_users=peak_users(scenario),
        duration_s=float(profile.duration_s),
        user_seconds=profile.user_seconds,
        arrivals=profile.arrivals if isinstance(profile, OpenProfile) else None,
    )
