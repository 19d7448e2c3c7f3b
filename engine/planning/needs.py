"""Needs: what the machines of a test have to carry, and what one machine carries of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from engine.planning.capacity import (
    GIVEN,
    STANDARD_INJECTOR,
    Capacity,
    Demand,
    Host,
    capacity_of,
)
from engine.planning.machines import Candidate, candidates
from engine.planning.requirement import RegionRequirement, Requirement
from engine.scenario import MachineWishes, Scenario
from kernel.division import ceil_div
from pricing.catalog import Catalog

NO_WISHES = MachineWishes()


class Needs(Struct, frozen=True):
    """What holds for the whole test.

    Attributes:
        demand: What one user takes.
        payload: Users per standard injector, if the scenario fixes it: then machines host whole
            injectors instead of users by the capacity model.
        wishes: Which machines may be taken.
        unmeasured_percent: What a processor counts that nobody measured; None: as the slowest that
            was.
    """

    demand: Demand
    payload: int | None = None
    wishes: MachineWishes = NO_WISHES
    unmeasured_percent: int | None = None

    @property
    def candidate_wishes(self) -> MachineWishes:
        """The wishes by which machines are looked for.

        An injector of a fixed payload is two virtual processors, whatever they do: whoever fixes
        the payload has judged that.
        """
        if self.payload is None:
            return self.wishes
        return replace(self.wishes, cores_alike=True)

    def whole(self, part: RegionRequirement) -> int:
        """What has to be carried of the part in all, in the unit of ``Strength.weight``."""
        return part.users if self.payload is None else part.users * part.injectors

    def carried(self, own: Strength, part: RegionRequirement) -> int:
        """What one machine is given of the part at most, in the unit of ``Strength.weight``.

        Where the load is to be spread, no more than one of so many has to, whatever it could
        carry; in whole users, so that a handful may still come from fewer machines.
        """
        return min(own.weight(part), self.most(part))

    def most(self, part: RegionRequirement) -> int:
        """No machine is given more of the part, whatever it could carry."""
        return ceil_div(self.whole(part), self.wishes.spread)

    def without_processor_limit(self) -> Needs:
        """The same with any number of virtual processors."""
        if self.wishes.vcpus_max is None:
            return self
        return replace(self, wishes=replace(self.wishes, vcpus_max=None))

    def of_one_type(self) -> Needs:
        """The same, with machines of one type only."""
        return replace(self, wishes=replace(self.wishes, mixed=False))

    def among(self, machines: int) -> Needs:
        """The same for a part that is shared out among so many machines already."""
        spread = machines if self.wishes.spread > 1 else 1
        return replace(self, wishes=replace(self.wishes, spread=spread))


class Strength(Struct, frozen=True):
    """What one machine carries.

    Attributes:
        capacity: Users, and what bounds them; at least one.
        room: Users for whom it has memory, sockets and network.
        hosted: Injectors of a fixed payload; None: the payload is not fixed.
    """

    capacity: Capacity
    room: int
    hosted: int | None

    def weight(self, part: RegionRequirement) -> int:
        """What the machine carries of a part, in the unit of ``Needs.whole``.

        With a fixed payload the load is shared out in proportion: a machine carries no greater
        share than that of the injectors that it hosts, or of the users for whom it has room.
        """
        if self.hosted is None:
            return self.capacity.users
        return min(self.hosted * part.users, self.room * part.injectors)


def needs_of(scenario: Scenario, requirement: Requirement) -> Needs:
    """What a scenario's machines have to carry."""
    payload = requirement.users_per_injector if requirement.binding == GIVEN else None
    return Needs(requirement.demand, payload, scenario.machines)


def strength_of(host: Host, needs: Needs) -> Strength | None:
    """What one machine carries; None: not a single user."""
    if needs.payload is None:
        capacity = capacity_of(host, needs.demand)
        return Strength(capacity, capacity.users, None) if capacity.users else None
    # A fixed payload replaces what the model knows of the processor; the other bounds stay.
    room = capacity_of(host, replace(needs.demand, payload=None, processor_us_per_request=None))
    hosted = host.vcpus // STANDARD_INJECTOR.vcpus
    capacity = min(Capacity(hosted * needs.payload, GIVEN), room, key=lambda each: each.users)
    return Strength(capacity, room.users, hosted) if capacity.users else None


@lru_cache(maxsize=1_024)
def viable_machine_types(
    catalog: Catalog, provider: str, region: str, needs: Needs, without: frozenset[str]
) -> Sequence[tuple[Candidate, Strength]]:
    """The machine types of a region that carry users, by price, and what each carries.

    Those are left out that carry no more than a cheaper one, and those that are in ``without``.
    """
    wishes = needs.wishes
    kept: list[tuple[Candidate, Strength]] = []
    for candidate in candidates(
        catalog, provider, region, needs.candidate_wishes, without, needs.unmeasured_percent
    ):
        own = strength_of(candidate.host, needs)
        if own is not None and (
            wishes.vcpus_max is not None
            or not any(_as_strong(other, own) for _, other in reversed(kept))
        ):
            kept.append((candidate, own))
    return tuple(kept)


def _as_strong(one: Strength, other: Strength) -> bool:
    return one.room >= other.room and (one.hosted or 0) >= (other.hosted or 0)
