"""What a tariff sees of a test: servers, what is counted, time in steps, and the floor.

Pure and exact: quantities are fractions until they are shown.
"""

from __future__ import annotations

from fractions import Fraction

from msgspec import Struct

from kernel.division import ceil_div
from kernel.words import counted
from pricing.tariffs.model import INJECTORS_MAX, Counted, Floor, LoadSize, Tariff, UsageError


class MeteredTest(Struct, frozen=True):
    """A test as a tariff sees it.

    Attributes:
        injectors: Servers; None where the tariff does not look at them.
        counted: What is multiplied by time.
        billed_s: The duration in whole steps.
        floor: The floor of a fleet of this size, if any.
        used_s: Seconds of all that is counted, for what the test uses.
        least_s: Those that the floor asks for.
        startup_s: Those that are due once injectors are requested.
        unit_s: Seconds of one unit.
    """

    injectors: int | None
    counted: int
    billed_s: int
    floor: Floor | None
    used_s: int
    least_s: int
    startup_s: int
    unit_s: int

    @property
    def used(self) -> Fraction:
        """Units for what the test uses."""
        return Fraction(self.used_s, self.unit_s)

    @property
    def least(self) -> Fraction:
        """Units that the floor asks for."""
        return Fraction(self.least_s, self.unit_s)

    @property
    def startup(self) -> Fraction:
        """Units that are due once injectors are requested."""
        return Fraction(self.startup_s, self.unit_s)

    @property
    def quantity_s(self) -> int:
        """Seconds in all."""
        return max(self.used_s, self.least_s)

    @property
    def quantity(self) -> Fraction:
        """Units in all."""
        return Fraction(self.quantity_s, self.unit_s)


def measure(tariff: Tariff, usage: LoadSize) -> MeteredTest:
    """The test in the tariff's units.

    Raises:
        UsageError: The tariff needs a number that the usage does not give.
    """
    injectors = _injectors(tariff, usage)
    counted = _counted(tariff, usage, injectors)
    billed_s = tariff.billed_s(usage.duration_s)
    multiplier = tariff.multipliers.get(usage.protocol, 1)
    floor = tariff.floor_for(injectors or 1)
    minimum_s = floor.minimum_s if floor else 0
    counted_by_floor = counted
    if tariff.floor_users_per_injector is not None:
        counted_by_floor = (injectors or 1) * tariff.floor_users_per_injector
    return MeteredTest(
        injectors=injectors,
        counted=counted,
        billed_s=billed_s,
        floor=floor,
        used_s=multiplier * counted * billed_s,
        least_s=multiplier * counted_by_floor * max(billed_s, minimum_s),
        startup_s=multiplier * counted_by_floor * minimum_s,
        unit_s=tariff.unit_s,
    )


def users_per_injector(tariff: Tariff, protocol: str) -> int:
    """What one of the service's servers carries.

    Raises:
        UsageError: The service publishes no such number.
    """
    users = tariff.users_per_injector.get(protocol)
    if users is None:
        known = ", ".join(tariff.users_per_injector) or "no protocol"
        way_out = (
            "" if tariff.counts is Counted.RESERVED_USERS else "; give the number of injectors"
        )
        raise UsageError(
            f"{tariff.title} publishes no number of {protocol} users per injector, "
            f"only for {known}{way_out}",
            tariff=tariff.name,
            protocol=protocol,
        )
    return users


def _injectors(tariff: Tariff, usage: LoadSize) -> int | None:
    """Servers as given, or as many as the users need; None if the tariff does not look at them."""
    if usage.injectors is not None:
        return usage.injectors
    if not tariff.looks_at_injectors:
        return None
    assert usage.users is not None, "a usage has injectors or users"
    injectors = ceil_div(usage.users, users_per_injector(tariff, usage.protocol))
    if injectors > INJECTORS_MAX:
        raise UsageError(
            f"{counted(usage.users, 'user')} need {counted(injectors, 'injector')} on "
            f"{tariff.name}; at most {INJECTORS_MAX:,} are priced",
            injectors=injectors,
        )
    return injectors


def _counted(tariff: Tariff, usage: LoadSize, injectors: int | None) -> int:
    if tariff.counts is Counted.USERS:
        if usage.users is None:
            raise UsageError(
                f"tariff {tariff.name} counts users; give their number", tariff=tariff.name
            )
        return usage.users
    assert injectors is not None, "the tariff looks at injectors"
    if tariff.counts is Counted.RESERVED_USERS:
        return injectors * users_per_injector(tariff, usage.protocol)
    return injectors + tariff.extra_injectors
