"""The one interpreter of tariffs: the size of a test in, units and money out, and why.

Pure: no clock, no files. Quantities are exact fractions until they are shown; money is rounded to
cents once, half up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kernel.durations import format_duration
from pricing.money import MICROS_PER_CENT, divide_half_up, format_cents, format_usd
from pricing.tariffs.model import (
    INJECTORS_MAX,
    Counted,
    Floor,
    NotInLiMinutesError,
    Tariff,
    TariffPrice,
    Usage,
    UsageError,
)

QUANTITY_DECIMALS = 4
QUANTITY_SCALE = 10_000


@dataclass(frozen=True, slots=True)
class _Measured:
    """A test as a tariff sees it.

    Attributes:
        injectors: Servers; None where the tariff does not look at them.
        counted: What is multiplied by time.
        billed_s: The duration in whole quanta.
        floor: The floor of a fleet of this size, if any.
        used: Units for what the test uses.
        least: Units that the floor asks for.
        startup: Units that are due once injectors are requested.
    """

    injectors: int | None
    counted: int
    billed_s: int
    floor: Floor | None
    used: Fraction
    least: Fraction
    startup: Fraction

    @property
    def quantity(self) -> Fraction:
        return max(self.used, self.least)


def price(tariff: Tariff, usage: Usage) -> TariffPrice:
    """What the service bills for a test of this size.

    Never less for more users, more injectors or a longer test (R3).

    Raises:
        UsageError: The tariff needs a number that the usage does not give.
    """
    measured = _measure(tariff, usage)
    unknown = _reason_without_price(tariff, usage)
    charge, startup_charge = None, None
    if unknown is None:
        charge = _charge(tariff, measured.quantity, usage.users or 0)
        startup_charge = _charge(tariff, measured.startup, 0)
    return TariffPrice(
        tariff=tariff.name,
        version=tariff.version,
        unit=tariff.unit,
        quantity=_number(measured.quantity),
        startup_quantity=_number(measured.startup),
        injectors=measured.injectors,
        usd_micros=charge,
        startup_usd_micros=startup_charge,
        unknown=unknown,
        as_of=tariff.as_of,
        steps=(
            *_explain_quantity(tariff, usage, measured),
            _explain_charge(tariff, usage, measured.quantity, charge, unknown),
        ),
    )


def li_minutes(tariff: Tariff, injectors: int, duration_s: int) -> tuple[int, int]:
    """LI-minutes of a fleet: those of its start-up, and all of them.

    Every started minute of every injector counts (C36), and at least the floor, which goes by the
    size of the whole fleet.

    Raises:
        NotInLiMinutesError: The tariff does not count injectors by the minute.
        UsageError: A number is impossible.
    """
    if not tariff.counts_li_minutes:
        raise NotInLiMinutesError(
            f"tariff {tariff.name} counts in {tariff.unit}, not in LI-minutes", tariff=tariff.name
        )
    Usage(injectors, None, duration_s)  # refuses the impossible
    floor = tariff.floor_for(injectors)
    minimum_s = floor.minimum_s if floor else 0
    counted_s = max(_billed_s(tariff, duration_s), minimum_s)
    return injectors * minimum_s // tariff.unit_s, injectors * counted_s // tariff.unit_s


def _measure(tariff: Tariff, usage: Usage) -> _Measured:
    injectors = _injectors(tariff, usage)
    counted = _counted(tariff, usage, injectors)
    billed_s = _billed_s(tariff, usage.duration_s)
    units_per_second = Fraction(tariff.multipliers.get(usage.protocol, 1), tariff.unit_s)
    floor = tariff.floor_for(injectors or 1)
    minimum_s = floor.minimum_s if floor else 0
    counted_by_floor = counted
    if tariff.floor_users_per_injector is not None:
        counted_by_floor = (injectors or 1) * tariff.floor_users_per_injector
    return _Measured(
        injectors=injectors,
        counted=counted,
        billed_s=billed_s,
        floor=floor,
        used=counted * billed_s * units_per_second,
        least=counted_by_floor * max(billed_s, minimum_s) * units_per_second,
        startup=counted_by_floor * minimum_s * units_per_second,
    )


def _billed_s(tariff: Tariff, duration_s: int) -> int:
    """The duration in whole quanta."""
    return -(-duration_s // tariff.quantum_s) * tariff.quantum_s


def _injectors(tariff: Tariff, usage: Usage) -> int | None:
    """Servers as given, or as many as the users need; None if the tariff does not look at them."""
    if usage.injectors is not None:
        return usage.injectors
    if not tariff.looks_at_injectors:
        return None
    assert usage.users is not None, "a usage has injectors or users"
    injectors = -(-usage.users // _users_per_injector(tariff, usage))
    if injectors > INJECTORS_MAX:
        raise UsageError(
            f"{usage.users} users need {injectors} injectors on {tariff.name}; "
            f"at most {INJECTORS_MAX} are priced",
            injectors=injectors,
        )
    return injectors


def _counted(tariff: Tariff, usage: Usage, injectors: int | None) -> int:
    if tariff.counts is Counted.USERS:
        if usage.users is None:
            raise UsageError(
                f"tariff {tariff.name} counts users; give their number", tariff=tariff.name
            )
        return usage.users
    assert injectors is not None, "the tariff looks at injectors"
    if tariff.counts is Counted.RESERVED_USERS:
        return injectors * _users_per_injector(tariff, usage)
    return injectors + tariff.extra_injectors


def _users_per_injector(tariff: Tariff, usage: Usage) -> int:
    users = tariff.users_per_injector.get(usage.protocol)
    if users is None:
        known = ", ".join(tariff.users_per_injector) or "no protocol"
        way_out = (
            "" if tariff.counts is Counted.RESERVED_USERS else "; give the number of injectors"
        )
        raise UsageError(
            f"{tariff.title} publishes no number of {usage.protocol} users per injector, "
            f"only for {known}{way_out}",
            tariff=tariff.name,
            protocol=usage.protocol,
        )
    return users


def _reason_without_price(tariff: Tariff, usage: Usage) -> str | None:
    if tariff.usd_micros_per_unit is None:
        return tariff.not_published
    if tariff.usd_micros_per_user and usage.users is None:
        per_user = format_usd(tariff.usd_micros_per_user)
        return f"each user costs {per_user} USD, and the number of users is not given"
    return None


def _charge(tariff: Tariff, quantity: Fraction, users: int) -> int:
    """Micro-dollars in whole cents."""
    assert tariff.usd_micros_per_unit is not None, tariff.name
    exact = quantity * tariff.usd_micros_per_unit + users * tariff.usd_micros_per_user
    return divide_half_up(exact.numerator, exact.denominator * MICROS_PER_CENT) * MICROS_PER_CENT


def _number(quantity: Fraction) -> int | Decimal:
    """A whole number where it is one, else rounded half up to four decimals."""
    scaled = divide_half_up(quantity.numerator * QUANTITY_SCALE, quantity.denominator)
    if scaled % QUANTITY_SCALE == 0:
        return scaled // QUANTITY_SCALE
    return Decimal(scaled).scaleb(-QUANTITY_DECIMALS).normalize()


def _explain_quantity(tariff: Tariff, usage: Usage, measured: _Measured) -> list[str]:
    steps = []
    if usage.injectors is None and measured.injectors is not None:
        per_injector = tariff.users_per_injector[usage.protocol]
        needed = _many(measured.injectors, "injector")
        steps.append(
            f"{usage.users} {usage.protocol} users, {per_injector} on an injector: {needed}"
        )
    billed = format_duration(measured.billed_s)
    if measured.billed_s != usage.duration_s:
        quantum = format_duration(tariff.quantum_s)
        steps.append(
            f"{format_duration(usage.duration_s)} counts as {billed}: each started {quantum} counts"
        )
    floor = measured.floor
    plain_floor = tariff.floor_users_per_injector is None
    if floor and plain_floor and measured.billed_s < floor.minimum_s:
        minimum = format_duration(floor.minimum_s)
        steps.append(f"{_fleet(floor)} at least {minimum}: {billed} counts as {minimum}")
        billed = minimum
    used = measured.quantity if plain_floor else measured.used
    steps.append(
        f"{_multiplicand(tariff, usage, measured)} x {billed} = {_many(_number(used), tariff.unit)}"
    )
    if floor and not plain_floor and measured.least > measured.used:
        least = _many(_number(measured.least), tariff.unit)
        longer = format_duration(max(measured.billed_s, floor.minimum_s))
        steps.append(
            f"at least {tariff.floor_users_per_injector} users on each of "
            f"{_many(measured.injectors or 1, 'injector')} for {longer}: {least}"
        )
    return steps


def _multiplicand(tariff: Tariff, usage: Usage, measured: _Measured) -> str:
    if tariff.counts is Counted.USERS:
        words = _many(measured.counted, "user")
    elif tariff.counts is Counted.RESERVED_USERS:
        words = _many(measured.counted, "reserved user")
    elif tariff.extra_injectors:
        words = f"{measured.injectors} + {tariff.extra_injectors} servers"
    else:
        words = _many(measured.counted, "injector")
    multiplier = tariff.multipliers.get(usage.protocol, 1)
    return words if multiplier == 1 else f"{words} x {multiplier} for {usage.protocol}"


def _fleet(floor: Floor) -> str:
    if floor.up_to_injectors is None:
        return "in a fleet of this size each injector counts"
    return f"up to {floor.up_to_injectors} injectors each counts"


def _explain_charge(
    tariff: Tariff, usage: Usage, quantity: Fraction, charge: int | None, unknown: str | None
) -> str:
    if charge is None:
        return f"price unknown: {unknown}"
    assert tariff.usd_micros_per_unit is not None, tariff.name
    terms = f"{_many(_number(quantity), tariff.unit)} x {format_usd(tariff.usd_micros_per_unit)}"
    if tariff.usd_micros_per_user and usage.users:
        per_user = format_usd(tariff.usd_micros_per_user)
        terms += f" + {_many(usage.users, 'user')} x {per_user}"
    return f"{terms} = {format_cents(charge)} USD"


def _many(number: int | Decimal, noun: str) -> str:
    """``1 injector``, ``10 injectors``; abbreviations such as VUH have no plural."""
    return f"{number} {noun}" if number == 1 or noun.isupper() else f"{number} {noun}s"
