"""The one interpreter of tariffs: the size of a test in, units and money out, and why.

Pure: no clock, no files. Quantities are exact fractions until they are shown; money is rounded to
cents once, half up.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from pricing.money import BYTES_PER_GB, MICROS_PER_CENT, divide_half_up, format_usd
from pricing.tariffs.measure import MeteredTest, measure
from pricing.tariffs.model import LoadSize, NotInLiMinutesError, Tariff, TariffPrice
from pricing.tariffs.published import cost_of_units
from pricing.tariffs.steps import explain_charge, explain_quantity

QUANTITY_DECIMALS = 4
QUANTITY_SCALE = 10_000


def price(tariff: Tariff, usage: LoadSize) -> TariffPrice:
    """What the service bills for a test of this size.

    Never less for more users, more injectors or a longer test (R3).

    Raises:
        UsageError: The tariff needs a number that the usage does not give.
    """
    measured = measure(tariff, usage)
    unknown = _reason_without_price(tariff, usage)
    charge, startup_charge = None, None
    if unknown is None:
        units = _for_units(tariff, usage, measured, measured.quantity)
        charge = _in_cents(units + _beside_the_units(tariff, usage))
        startup_charge = _in_cents(_for_units(tariff, usage, measured, measured.startup))
    quantity = to_number(measured.quantity)
    return TariffPrice(
        tariff=tariff.name,
        version=tariff.version,
        unit=tariff.unit,
        quantity=quantity,
        startup_quantity=to_number(measured.startup),
        injectors=measured.injectors,
        usd_micros=charge,
        startup_usd_micros=startup_charge,
        unknown=unknown,
        as_of=tariff.as_of,
        steps=(
            *explain_quantity(tariff, usage, measured, to_number),
            explain_charge(tariff, usage, quantity, charge, unknown),
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
    LoadSize(injectors, None, duration_s)  # refuses the impossible
    floor = tariff.floor_for(injectors)
    minimum_s = floor.minimum_s if floor else 0
    counted_s = max(tariff.billed_s(duration_s), minimum_s)
    return injectors * minimum_s // tariff.unit_s, injectors * counted_s // tariff.unit_s


def _reason_without_price(tariff: Tariff, usage: LoadSize) -> str | None:
    if tariff.machines_of:
        if usage.machines_usd_micros is None:
            return "a server-hour costs what the machine costs, and no price of it is given"
        if tariff.usd_micros_per_sent_gb and usage.sent_bytes is None:
            per_gb = format_usd(tariff.usd_micros_per_sent_gb)
            return f"each GB sent costs {per_gb} USD, and how much is sent is not given"
        return None
    if tariff.usd_micros_per_unit is None:
        return tariff.no_price
    if tariff.usd_micros_per_user and usage.users is None:
        per_user = format_usd(tariff.usd_micros_per_user)
        return f"each user costs {per_user} USD, and the number of users is not given"
    return None


def _for_units(tariff: Tariff, usage: LoadSize, measured: MeteredTest, units: Fraction) -> Fraction:
    """Micro-dollars for units."""
    if tariff.machines_of:
        assert usage.machines_usd_micros is not None, tariff.name
        return units * Fraction(usage.machines_usd_micros, measured.counted)
    assert tariff.usd_micros_per_unit is not None, tariff.name
    return cost_of_units(tariff.usd_micros_per_unit, tariff.unit_tiers, units)


def _beside_the_units(tariff: Tariff, usage: LoadSize) -> Fraction:
    """Micro-dollars for users and for what is sent."""
    sent = Fraction((usage.sent_bytes or 0) * tariff.usd_micros_per_sent_gb, BYTES_PER_GB)
    return (usage.users or 0) * tariff.usd_micros_per_user + sent


def _in_cents(exact_usd_micros: Fraction) -> int:
    """Micro-dollars in whole cents, half up."""
    cents = divide_half_up(
        exact_usd_micros.numerator, exact_usd_micros.denominator * MICROS_PER_CENT
    )
    return cents * MICROS_PER_CENT


def to_number(quantity: Fraction) -> int | Decimal:
    """A whole number where it is one, else rounded half up to four decimals."""
    scaled = divide_half_up(quantity.numerator * QUANTITY_SCALE, quantity.denominator)
    if scaled % QUANTITY_SCALE == 0:
        return scaled // QUANTITY_SCALE
    return Decimal(scaled).scaleb(-QUANTITY_DECIMALS).normalize()
