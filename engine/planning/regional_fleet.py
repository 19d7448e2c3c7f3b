"""Sites: the cheapest machines that carry one part of the load in one region.

Any number of any types: a few of the type with the best price for what it carries, and smaller
ones for the remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.covering_bound import Piece
from engine.planning.covering_knapsack import (
    Cover,
    cheapest_cover,
    cheapest_uniform_cover,
)
from engine.planning.machines import Candidate, host_in, is_wished
from engine.planning.needs import Needs, Strength, strength_of, viable_machine_types
from engine.planning.places import CandidateRegion
from engine.planning.requirement import RegionRequirement
from kernel.division import ceil_div
from pricing.catalog import Catalog, Offering


class FleetGroup(Struct, frozen=True):
    """Machines of one type in one region.

    Attributes:
        offering: Machine type and price.
        count: Machines.
        part: What of the load they carry; a reference injector's machine has a group of its own.
        users_per_machine: What one of them could carry.
        binding: What bounds that: ``cpu``, ``memory``, ``sockets``, ``network``, or ``given``.
        place: Where, and for which region of the scenario.
    """

    offering: Offering
    count: int
    part: RegionRequirement
    users_per_machine: int
    binding: str
    place: CandidateRegion

    @property
    def users(self) -> int:
        """Most users at once that they carry."""
        return self.part.users

    @property
    def hourly_usd_micros(self) -> int:
        """List price of all of them."""
        return self.count * self.offering.hourly_usd_micros


class RegionalFleet(Struct, frozen=True):
    """The machines for one part of the load.

    Attributes:
        part: What of the load.
        place: Where.
        groups: By type, the one that carries the most first.
        monthly_usd_micros: Their price for 730 hours with disks and public addresses.
        least_monthly_usd_micros: No machines there that carry the part cost less.
        linear_monthly_usd_micros: What they cost at least if parts of machines could be rented.
    """

    part: RegionRequirement
    place: CandidateRegion
    groups: tuple[FleetGroup, ...]
    monthly_usd_micros: int
    least_monthly_usd_micros: int
    linear_monthly_usd_micros: int

    @property
    def machines(self) -> int:
        """How many."""
        return sum(group.count for group in self.groups)


def cheapest_site(  # noqa: PLR0913 - one keyword a thing that decides what is taken
    part: RegionRequirement,
    place: CandidateRegion,
    needs: Needs,
    catalog: Catalog,
    *,
    machines_max: int | None = None,
    without: frozenset[str] = frozenset(),
    is_worth: Callable[[int], bool] | None = None,
    roughly: bool = False,
) -> RegionalFleet | None:
    """The cheapest machines that carry a part of the load; None: none may, or none can.

    Args:
        part: Users and injectors there.
        place: Where it is.
        needs: What they take, and which machines may be taken.
        catalog: Machine types and prices.
        machines_max: At most so many.
        without: Names of machine types that are not to be taken.
        is_worth: Whether machines at that price, or dearer ones, are of any use; None: they are.
        roughly: Where limits bind, machines will do that are near the cheapest.
    """
    strong = viable_machine_types(catalog, place.provider, place.region, needs, without)
    reference = [each for each, _ in strong[:1] for _ in range(part.reference_injectors)]
    limits = _limits(reference, needs, machines_max)
    if not strong or any(limit < 1 for limit in limits):
        return None
    weights = [needs.carried(own, part) for _, own in strong]
    beside = sum(each.monthly_usd_micros for each in reference)
    mixed = partial(cheapest_cover, roughly=roughly)
    choose = mixed if needs.wishes.mixed else cheapest_uniform_cover
    pieces = [
        Piece(weight, each.monthly_usd_micros, _uses(each, needs, machines_max))
        for (each, _), weight in zip(strong, weights, strict=True)
    ]
    whole = needs.whole(part)
    if (
        limits
        and is_worth is not None
        and _is_hopeless(choose, pieces, whole, lambda price: is_worth(price + beside))
    ):
        return None
    cover = choose(pieces, whole, limits)
    if cover is None:
        return None
    taken = [
        (each, own, count, count * weight)
        for (each, own), weight, count in zip(strong, weights, cover.counts, strict=True)
        if count
    ]
    return RegionalFleet(
        part=part,
        place=place,
        groups=(*_groups(taken, part, place), *_references(part, place, strong[0])),
        monthly_usd_micros=cover.price + beside,
        least_monthly_usd_micros=cover.least_price + beside,
        linear_monthly_usd_micros=cover.linear_price + beside,
    )


def _is_hopeless(
    choose: Callable[[Sequence[Piece], int], Cover | None],
    pieces: Sequence[Piece],
    whole: int,
    is_worth: Callable[[int], bool],
) -> bool:
    """Whether any cover within limits is too dear, since that without any is, found much faster."""
    free = choose([Piece(each.carries, each.price) for each in pieces], whole)
    return free is None or not is_worth(free.least_price)


def stand_ins(group: FleetGroup, needs: Needs, catalog: Catalog, most: int) -> tuple[Offering, ...]:
    """Other machine types that carry as much each as the group's have to, cheapest first.

    For when the region has none left of the group's own type: then price comes second. They go
    into the same create call, so they are such as it may name together.
    """
    chosen = group.offering.machine
    one_image = CLOUDS[chosen.provider].one_image_a_launch
    share = replace(
        group.part,
        users=ceil_div(group.part.users, group.count),
        injectors=ceil_div(group.part.injectors, group.count),
    )
    found: list[Offering] = []
    offerings = catalog.offerings(chosen.provider, group.place.region)
    for offering in sorted(offerings, key=lambda each: (each.hourly_usd_micros, each.machine.name)):
        if len(found) == most:
            break
        machine = offering.machine
        if machine == chosen or not is_wished(machine, needs.wishes):
            continue
        if one_image and machine.architecture != chosen.architecture:
            continue
        host = host_in(catalog, machine, needs.candidate_wishes, needs.unmeasured_percent)
        own = strength_of(host, needs)
        if own is not None and own.weight(share) >= needs.whole(share):
            found.append(offering)
    return tuple(found)


def least_monthly(
    part: RegionRequirement, place: CandidateRegion, needs: Needs, catalog: Catalog
) -> int | None:
    """No machines in the place carry the part for less by the month; None: none carry it at all.

    Found much faster than the cheapest ones: by the best price for what a machine carries.
    """
    whole, most = needs.whole(part), needs.most(part)
    # Without the types that a limit on processors may be needed for: none has a better price.
    strong = viable_machine_types(
        catalog, place.provider, place.region, needs.without_processor_limit(), frozenset()
    )
    if not strong:
        return None
    beside = strong[0][0].monthly_usd_micros * part.reference_injectors
    return beside + min(
        ceil_div(each.monthly_usd_micros * whole, min(own.weight(part), most))
        for each, own in strong
    )


def _uses(candidate: Candidate, needs: Needs, machines_max: int | None) -> tuple[int, ...]:
    """What one machine takes of each limit, in the order of ``_limits``."""
    vcpus = () if needs.wishes.vcpus_max is None else (candidate.host.vcpus,)
    return vcpus if machines_max is None else (1, *vcpus)


def _limits(
    reference: Sequence[Candidate], needs: Needs, machines_max: int | None
) -> tuple[int, ...]:
    """What the reference injectors leave of the machines and of the virtual processors."""
    limits = [] if machines_max is None else [machines_max - len(reference)]
    if needs.wishes.vcpus_max is not None:
        limits.append(needs.wishes.vcpus_max - sum(each.host.vcpus for each in reference))
    return tuple(limits)


def _groups(
    taken: Sequence[tuple[Candidate, Strength, int, int]],
    part: RegionRequirement,
    place: CandidateRegion,
) -> tuple[FleetGroup, ...]:
    """A group for each type, with its share of users and injectors; the largest share first."""
    ordered = sorted(taken, key=lambda each: -each[3])
    weights = [weight for _, _, _, weight in ordered]
    users, injectors = _shared_out(part.users, weights), _shared_out(part.injectors, weights)
    return tuple(
        _group((each, strength), count, RegionRequirement(part.region, own, hosted, 0), place)
        for (each, strength, count, _), own, hosted in zip(ordered, users, injectors, strict=True)
    )


def _references(
    part: RegionRequirement, place: CandidateRegion, cheapest: tuple[Candidate, Strength]
) -> tuple[FleetGroup, ...]:
    """A reference injector has a machine of its own, the cheapest, and a single user."""
    alone = RegionRequirement(part.region, 1, 1, 0)
    return tuple(_group(cheapest, 1, alone, place) for _ in range(part.reference_injectors))


def _group(
    chosen: tuple[Candidate, Strength], count: int, part: RegionRequirement, place: CandidateRegion
) -> FleetGroup:
    candidate, strength = chosen
    capacity = strength.capacity
    return FleetGroup(candidate.offering, count, part, capacity.users, capacity.binding, place)


def _shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the weights, by largest remainders.

    None is above its share rounded up, so that no machine carries more than it can.
    """
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    order = sorted(range(len(parts)), key=lambda i: (-remainders[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
