"""What a choice of machines does not count, where all processors are wished to count alike.

Where it is known how much those of the chosen machines do, and that others of the region do more of
it for the money, that is told beside such a choice: for a load that the processor bounds, they may
be the cheaper ones.
"""

from __future__ import annotations

from fractions import Fraction

from msgspec import Struct

from engine.planning.machines import is_wished
from engine.planning.regional_fleet import FleetGroup
from engine.scenario import MachineWishes
from pricing.catalog import Catalog, CoreSpeed, Offering

CPU = "cpu"


class FasterMachine(Struct, frozen=True):
    """A machine that does more for its price than the chosen one, by what was measured.

    Attributes:
        chosen: The chosen machine, and how much its processors do.
        chosen_speed: Its processors'.
        offering: The other one, of as many virtual processors.
        speed: Its processors'.
    """

    chosen: Offering
    chosen_speed: CoreSpeed
    offering: Offering
    speed: CoreSpeed

    @property
    def work_ratio(self) -> float:
        """How many times as much one of its virtual processors does, all of them busy."""
        return self.speed.busy_vcpu / self.chosen_speed.busy_vcpu

    @property
    def price_ratio(self) -> float:
        """How many times as much it costs."""
        return self.offering.hourly_usd_micros / self.chosen.hourly_usd_micros


def faster_for_the_price(
    group: FleetGroup, catalog: Catalog, wishes: MachineWishes
) -> FasterMachine | None:
    """The machine of the region that does most for its price, if that is more than the chosen one.

    None where speeds count in the choice, where the processor is not what binds, where the chosen
    machine was not measured, and where nothing that was measured does more for the money. Machines
    of as many virtual processors count.
    """
    if not wishes.cores_alike:
        return None
    chosen = group.offering
    speed = _speed_of(chosen, catalog)
    if group.binding != CPU or speed is None:
        return None
    best: tuple[Fraction, Offering, CoreSpeed] | None = None
    for each in catalog.offerings(chosen.machine.provider, chosen.region):
        other = _speed_of(each, catalog)
        if (
            other is None
            or each.machine.vcpus != chosen.machine.vcpus
            or not is_wished(each.machine, wishes)
        ):
            continue
        worth = Fraction(other.busy_vcpu, each.hourly_usd_micros)
        if best is None or worth > best[0]:
            best = (worth, each, other)
    if best is None or best[0] <= Fraction(speed.busy_vcpu, chosen.hourly_usd_micros):
        return None
    return FasterMachine(chosen, speed, best[1], best[2])


def _speed_of(offering: Offering, catalog: Catalog) -> CoreSpeed | None:
    return catalog.core_speed(offering.machine.provider, offering.machine.family)
