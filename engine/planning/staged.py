"""Staged: the same test with injectors that come and go with its load, beside all at once.

Pure. Plans count LI-minutes by the shift, each with the floor of the whole fleet's size; machines
are billed for each shift with its start-up. Staged is never dearer: an injector may stay all the
time. What is saved is paid for with a risk, which is said: machines that are late are missing when
their users are due.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.costs import billed_seconds
from engine.planning.estimate import Estimate
from engine.planning.fleet import Fleet
from engine.planning.machines import HOURS_PER_MONTH, around_monthly_usd_micros, cost_by_time
from engine.planning.needs import needs_of, viable_machine_types
from engine.planning.regional_fleet import RegionalFleet
from engine.planning.requirement import (
    HOUSE_TARIFF,
    RegionRequirement,
    peak_users,
    planned_seconds,
)
from engine.planning.shifts import Cost, Roster, rosters
from engine.scenario import Scenario
from engine.scenario.profile import Curve, LoadProfile, Point
from kernel.division import ceil_div
from kernel.durations import format_duration
from pricing.catalog import Catalog, Offering
from pricing.tariffs import Tariff, li_minutes, load_tariff


class Crew(Struct, frozen=True):
    """Machines of one type for one part of the load, with their shifts."""

    offering: Offering
    rosters: tuple[Roster, ...]


class StagedFleet(Struct, frozen=True):
    """One cloud's machines, all at once and staged.

    Attributes:
        provider: ``aws`` or ``azure``.
        usd_micros: What the test is expected to cost with shifts.
        static_usd_micros: And with all machines all the time.
        crews: Who works when.
        start_up_s: How long a machine takes at most until it is ready: so much earlier it has to be
            asked for.
    """

    provider: str
    usd_micros: int
    static_usd_micros: int
    crews: tuple[Crew, ...]
    start_up_s: int


class Staged(Struct, frozen=True):
    """The test in shifts.

    Attributes:
        li_minutes: Of standard injectors that come and go.
        static_li_minutes: Of standard injectors that are there all the time.
        rosters: The standard injectors' shifts, over all regions.
        fleets: By cloud, in the order of the estimate.
    """

    li_minutes: int
    static_li_minutes: int
    rosters: tuple[Roster, ...]
    fleets: tuple[StagedFleet, ...]

    @property
    def saved_li_minutes(self) -> int:
        """Never negative."""
        return self.static_li_minutes - self.li_minutes


def stage(planned: Estimate, *, catalog: Catalog, at: date | None = None) -> Staged:
    """The estimated test in shifts.

    Args:
        planned: The test with all injectors at once.
        catalog: Machine types and prices.
        at: The day whose version of the tariff counts; None: the newest.
    """
    scenario, requirement = planned.scenario, planned.requirement
    curve = users_over_time(scenario.profile)
    tariff = load_tariff(HOUSE_TARIFF, at)

    def of_shift(length_s: int) -> int:
        return _li_minutes(tariff, requirement.injectors, max(1, length_s))

    all_rosters = tuple(
        roster
        for part in requirement.regions
        for roster in _standard(part, _scaled(curve, scenario, part), of_shift)
    )
    return Staged(
        li_minutes=sum(roster.cost(of_shift) for roster in all_rosters),
        static_li_minutes=requirement.li_minutes,
        rosters=all_rosters,
        fleets=tuple(_staged_fleet(planned, fleet, curve, catalog) for fleet in planned.clouds),
    )


def risk_in_words(staged: Staged) -> str:
    """What is risked for what is saved."""
    slowest = max(staged.fleets, key=lambda fleet: fleet.start_up_s)
    return (
        f"a machine takes up to {format_duration(slowest.start_up_s)} to start, and capacity has "
        "to be found for every shift: one that is late leaves its users unplayed"
    )


def users_over_time(profile: LoadProfile) -> Curve:
    """Users at once; where only a cap is known, it may be reached at any time."""
    if profile.users is not None:
        return profile.users
    most = profile.peak_users
    assert most is not None, "the estimate refuses a load whose users are not known"
    return Curve((Point(0.0, most), Point(profile.duration_s, most)))


def _standard(part: RegionRequirement, curve: Curve, of_shift: Cost) -> tuple[Roster, ...]:
    """Standard injectors of a region; reference injectors measure from beginning to end."""
    payload = ceil_div(part.users, part.injectors)
    found = rosters(curve, [number * payload for number in range(part.injectors)], of_shift)
    if not part.reference_injectors:
        return found
    whole = rosters(curve, [0.0], of_shift)[0]
    return (*found, replace(whole, count=part.reference_injectors))


def _staged_fleet(planned: Estimate, fleet: Fleet, curve: Curve, catalog: Catalog) -> StagedFleet:
    """The cheapest crew for each part, or the machines that are there all the time."""
    scenario = planned.scenario
    duration_s = planned_seconds(scenario)
    whole_s = billed_seconds(fleet.provider, duration_s).expected

    def of_shift(length_s: int) -> int:
        return billed_seconds(fleet.provider, length_s).expected

    crews: list[Crew] = []
    time_cost = static_cost = 0
    for site in fleet.sites:
        own = _scaled(curve, scenario, site.part)
        static = site.monthly_usd_micros * whole_s
        chosen, cost = _best_crews(planned, site, own, of_shift, catalog)
        if chosen is None or cost >= static:
            chosen, cost = _as_they_are(site, duration_s), static
        crews.extend(chosen)
        time_cost += cost
        static_cost += static
    saved = cost_by_time(static_cost, 1) - cost_by_time(time_cost, 1)
    return StagedFleet(
        provider=fleet.provider,
        usd_micros=fleet.usd_micros - saved,
        static_usd_micros=fleet.usd_micros,
        crews=tuple(crews),
        start_up_s=CLOUDS[fleet.provider].start_up.high_s,
    )


def _best_crews(
    planned: Estimate, site: RegionalFleet, curve: Curve, of_shift: Cost, catalog: Catalog
) -> tuple[tuple[Crew, ...] | None, int]:
    """The chosen machines in shifts, or those of one type, whichever costs least; cost by month."""
    needs = needs_of(planned.scenario, planned.requirement)
    wishes, part = needs.wishes, site.part
    if part.reference_injectors or wishes.machines_max is not None or wishes.vcpus_max is not None:
        return None, 0
    around = around_monthly_usd_micros(
        catalog, site.place.provider, site.place.region, nat=wishes.nat
    )
    ways = [_chosen_in_shifts(site, curve, of_shift, around)]
    whole = needs.whole(part)
    for candidate, strength in viable_machine_types(
        catalog, site.place.provider, site.place.region, needs, frozenset()
    ):
        weight = needs.carried(strength, part)
        count = ceil_div(whole, weight)
        tops = [part.users * number * weight / whole for number in range(count)]
        shifts = rosters(curve, tops, of_shift)
        cost = candidate.monthly_usd_micros * sum(each.cost(of_shift) for each in shifts)
        ways.append(((Crew(candidate.offering, shifts),), cost))
    return min(ways, key=lambda way: way[1])


def _chosen_in_shifts(
    site: RegionalFleet, curve: Curve, of_shift: Cost, around_usd_micros: int
) -> tuple[tuple[Crew, ...], int]:
    """The estimate's own machines, the strongest at the bottom."""
    crews, cost, below = [], 0, 0.0
    for group in site.groups:
        each = group.part.users / group.count
        tops = [below + number * each for number in range(group.count)]
        shifts = rosters(curve, tops, of_shift)
        monthly = group.offering.hourly_usd_micros * HOURS_PER_MONTH + around_usd_micros
        crews.append(Crew(group.offering, shifts))
        cost += monthly * sum(roster.cost(of_shift) for roster in shifts)
        below += group.part.users
    return tuple(crews), cost


def _as_they_are(site: RegionalFleet, duration_s: int) -> tuple[Crew, ...]:
    curve = Curve((Point(0.0, 1.0), Point(float(duration_s), 1.0)))
    return tuple(
        Crew(group.offering, rosters(curve, [0.0] * group.count, lambda length_s: length_s))
        for group in site.groups
    )


def _scaled(curve: Curve, scenario: Scenario, part: RegionRequirement) -> Curve:
    """A region's part of the users over time."""
    whole = peak_users(scenario)
    if part.users == whole:
        return curve
    return Curve(tuple(Point(each.at_s, each.level * part.users / whole) for each in curve.points))


def _li_minutes(tariff: Tariff, fleet: int, length_s: int) -> int:
    """Of one injector of a fleet of that size."""
    _, total = li_minutes(tariff, fleet, length_s)
    return total // fleet
