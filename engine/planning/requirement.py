"""Requirement: how many standard injectors a scenario takes, where, and for how many LI-minutes.

Plans are quoted on this, so it depends on the scenario alone and not on the machines that are
rented for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from msgspec import Struct

from engine.planning.capacity import (
    GIVEN,
    STANDARD_INJECTOR,
    Capacity,
    Demand,
    bounds_of,
    capacity_of,
    demand_of,
    outlook,
)
from engine.scenario import Scenario
from engine.scenario.profile import OpenProfile
from kernel.division import ceil_div
from kernel.errors import BadInputError
from kernel.words import counted
from pricing.money import divide_half_up
from pricing.tariffs import Tariff, li_minutes, load_tariff

HOUSE_TARIFF = "on-demand"
"""The tariff by whose rule the own plans count LI-minutes."""

_ALL = Fraction(1)

PUBLISHED = "published figures"


class UnknownPeakError(BadInputError):
    """An open model does not say how many users it has at once."""

    code = "unknown_peak_users"


class ImpossibleLoadError(BadInputError):
    """No injector, or no number of them, could carry the load as it is described."""

    code = "impossible_load"


class RegionRequirement(Struct, frozen=True):
    """One region's part.

    Attributes:
        region: Its name; None: the provider's default region.
        users: Most users at once from there.
        injectors: Standard injectors that carry them.
        reference_injectors: Injectors with a single user beside them, to measure against.
    """

    region: str | None
    users: int
    injectors: int
    reference_injectors: int


class Outlook(Struct, frozen=True):
    """What a scenario would take if an injector carried so many users.

    Attributes:
        users_per_injector: The payload.
        injectors: Standard injectors in all.
        li_minutes: What they take.
        demand: What one user would take of a machine.
    """

    users_per_injector: int
    injectors: int
    li_minutes: int
    demand: Demand


class Requirement(Struct, frozen=True):
    """What a scenario takes.

    Attributes:
        injectors: Standard injectors in all, the reference injectors among them.
        users_per_injector: Users on the fullest of them: the payload.
        recommended_users_per_injector: What a standard injector carries by the capacity model.
        binding: What bounds the payload: ``cpu``, ``memory``, ``sockets``, ``network``; ``given``
            when the scenario fixes it.
        li_minutes: Minutes started by all injectors, with the floor for the fleet's size.
        startup_li_minutes: The part of them that starting the injectors costs.
        regions: The parts.
        bounds: Users of a standard injector by each bound of the capacity model; the first binds.
        at_most: If users turn out to take as much as they may.
        at_least: If they turn out to take as little as they may.
        demand: What one user takes.
        basis: What the users per injector rest on: what was measured, ``PUBLISHED``, or ``GIVEN``.
    """

    injectors: int
    users_per_injector: int
    recommended_users_per_injector: int
    binding: str
    li_minutes: int
    startup_li_minutes: int
    regions: tuple[RegionRequirement, ...]
    bounds: tuple[Capacity, ...]
    at_most: Outlook
    at_least: Outlook
    demand: Demand
    basis: str


def require(scenario: Scenario, *, at: date | None = None) -> Requirement:
    """The injectors that carry the scenario's peak, and their LI-minutes.

    Args:
        scenario: What is to be run.
        at: The day whose version of the tariff counts; None: the newest.

    Raises:
        UnknownPeakError: An open model without the length of an iteration.
        ImpossibleLoadError: A standard injector does not carry a single user; or more injectors
            are asked for than there are users, or fewer than regions.
    """
    users = peak_users(scenario)
    demand = demand_of(scenario)
    bounds = bounds_of(STANDARD_INJECTOR, demand)
    recommended = bounds[0]
    if recommended.users == 0:
        raise ImpossibleLoadError(
            f"{scenario.name}: a single user takes more {recommended.binding} than a standard "
            "injector has; check the requests per user and their sizes",
            binding=recommended.binding,
        )
    split_users = split(users, _shares(scenario))
    parts = [part for part in zip(_names(scenario), split_users, strict=True) if part[1]]
    users_by_region = [users_there for _, users_there in parts]
    if scenario.injectors is not None:
        counts = _fixed_injectors(scenario.injectors, users_by_region)
        payload = max(map(ceil_div, users_by_region, counts))
    else:
        payload = scenario.users_per_injector or recommended.users
        counts = [ceil_div(users_there, payload) for users_there in users_by_region]
    reference = 1 if scenario.reference_injector else 0
    injectors = sum(counts) + reference * len(counts)
    tariff = load_tariff(HOUSE_TARIFF, at)
    startup, total = li_minutes(tariff, injectors, planned_seconds(scenario))
    is_given = scenario.injectors is not None or scenario.users_per_injector is not None
    expected = Outlook(payload, injectors, total, demand)
    at_most, at_least = (
        (expected, expected) if is_given else _range(scenario, demand, users, expected, tariff)
    )
    return Requirement(
        injectors=injectors,
        users_per_injector=payload,
        recommended_users_per_injector=recommended.users,
        binding=GIVEN if is_given else recommended.binding,
        li_minutes=total,
        startup_li_minutes=startup,
        regions=tuple(
            RegionRequirement(region, users_there, count, reference)
            for (region, users_there), count in zip(parts, counts, strict=True)
        ),
        bounds=bounds,
        at_most=at_most,
        at_least=at_least,
        demand=demand,
        basis=_basis(scenario) if not is_given else GIVEN,
    )


def _range(
    scenario: Scenario, demand: Demand, users: int, expected: Outlook, tariff: Tariff
) -> tuple[Outlook, Outlook]:
    """The dearest and the cheapest outlook; the expected one lies between them."""
    heaviest, lightest = outlook(scenario, demand)
    at_most = capacity_of(STANDARD_INJECTOR, heaviest).users
    at_least = capacity_of(STANDARD_INJECTOR, lightest).users
    return (
        # Where not a single user might fit, an injector for each is the worst that can be told.
        _outlook(
            scenario, users, max(1, min(at_most, expected.users_per_injector)), tariff, heaviest
        ),
        _outlook(scenario, users, max(at_least, expected.users_per_injector), tariff, lightest),
    )


def _basis(scenario: Scenario) -> str:
    return PUBLISHED if scenario.measured is None else scenario.measured.basis


def _outlook(
    scenario: Scenario, users: int, payload: int, tariff: Tariff, demand: Demand
) -> Outlook:
    injectors = injectors_for(scenario, users, payload)
    _, total = li_minutes(tariff, injectors, planned_seconds(scenario))
    return Outlook(payload, injectors, total, demand)


def peak_users(scenario: Scenario) -> int:
    """Most users at once.

    Raises:
        UnknownPeakError: An open model says neither how long an iteration takes nor a maximum.
    """
    users = scenario.profile.peak_users
    if users is None:
        raise UnknownPeakError(
            f"{scenario.name}: how many users are active at once depends on how long one stays; "
            "give --iteration-seconds, or iteration: under arrivals: in the file",
            field="load.arrivals.iteration",
        )
    return users


def planned_seconds(scenario: Scenario) -> int:
    """Whole seconds from the start to the planned end."""
    return math.ceil(scenario.profile.duration_s)


def user_seconds(scenario: Scenario) -> float:
    """The area under the users curve; the most that it can be, where an open model is capped."""
    profile = scenario.profile
    if isinstance(profile, OpenProfile) and profile.user_seconds is None:
        return peak_users(scenario) * profile.duration_s
    area = profile.user_seconds
    assert area is not None
    return area


def injectors_for(scenario: Scenario, users: int, payload: int) -> int:
    """Injectors for so many users of a scenario, region by region, reference injectors among them.

    Never fewer for more users.
    """
    parts = [part for part in split(users, _shares(scenario)) if part]
    reference = len(parts) if scenario.reference_injector else 0
    return sum(ceil_div(part, payload) for part in parts) + reference


def split(total: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole numbers in proportion to the shares that sum to the total.

    By the method of Webster (largest quotients), in which no part shrinks when the total grows;
    with largest remainders it can, and one more user could then cost less (R3).
    """
    if len(shares) == 1:
        return [total]
    scale = math.lcm(*(share.denominator for share in shares))
    weights = [share.numerator * (scale // share.denominator) for share in shares]
    whole = sum(weights)
    parts = [divide_half_up(total * weight, whole) for weight in weights]
    order = range(len(parts))
    while sum(parts) < total:
        parts[max(order, key=lambda i: (Fraction(weights[i], 2 * parts[i] + 1), -i))] += 1
    while sum(parts) > total:
        held = [i for i in order if parts[i]]
        parts[min(held, key=lambda i: (Fraction(weights[i], 2 * parts[i] - 1), -i))] -= 1
    return parts


def _fixed_injectors(injectors: int, users_by_region: Sequence[int]) -> list[int]:
    """A fixed number of injectors over the regions: at least one each, and none without users."""
    users, regions = sum(users_by_region), len(users_by_region)
    if not regions <= injectors <= users:
        least = "one" if regions == 1 else f"{regions}, one for each region"
        raise ImpossibleLoadError(
            f"injectors: {injectors} cannot share {counted(users, 'user')}; give at least {least}, "
            f"and at most one for each user",
            injectors=injectors,
            users=users,
            regions=regions,
        )
    beyond_first = [Fraction(there - 1) for there in users_by_region]
    if not sum(beyond_first):
        return [1] * regions
    return [1 + more for more in split(injectors - regions, beyond_first)]


def _shares(scenario: Scenario) -> list[Fraction]:
    if len(scenario.regions) <= 1:
        return [_ALL]
    return [Fraction(each.share) for each in scenario.regions]


def _names(scenario: Scenario) -> list[str | None]:
    return [each.region for each in scenario.regions] or [None]
