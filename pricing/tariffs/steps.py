"""The steps by which a tariff arrives at its units and its money, in words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from kernel.durations import format_duration
from pricing.money import BYTES_PER_GB, format_cents, format_usd
from pricing.tariffs.measure import MeteredTest
from pricing.tariffs.model import Counted, Floor, LoadSize, Rounding, Tariff

Number = Callable[[Fraction], int | Decimal]


def explain_quantity(
    tariff: Tariff, usage: LoadSize, measured: MeteredTest, number: Number
) -> list[str]:
    """Servers, time and units, one sentence a step; ``number`` makes a fraction readable."""
    steps = []
    if usage.injectors is None and measured.injectors is not None:
        per_injector = tariff.users_per_injector[usage.protocol]
        needed = many(measured.injectors, "injector")
        users = many(usage.users or 0, f"{usage.protocol} user")
        steps.append(f"{users}, {per_injector} on an injector: {needed}")
    billed = format_duration(measured.billed_s)
    if measured.billed_s != usage.duration_s:
        steps.append(
            f"{format_duration(usage.duration_s)} counts as {billed}: {rounding_in_words(tariff)}"
        )
    floor = measured.floor
    plain_floor = tariff.floor_users_per_injector is None
    if floor and plain_floor and measured.billed_s < floor.minimum_s:
        minimum = format_duration(floor.minimum_s)
        steps.append(f"{_fleet(floor)} at least {minimum}: {billed} counts as {minimum}")
        billed = minimum
    used = measured.quantity if plain_floor else measured.used
    steps.append(
        f"{_multiplicand(tariff, usage, measured)} x {billed} = {many(number(used), tariff.unit)}"
    )
    if floor and not plain_floor and measured.least > measured.used:
        least = many(number(measured.least), tariff.unit)
        longer = format_duration(max(measured.billed_s, floor.minimum_s))
        steps.append(
            f"at least {many(tariff.floor_users_per_injector or 0, 'user')} on each of "
            f"{many(measured.injectors or 1, 'injector')} for {longer}: {least}"
        )
    return steps


def explain_charge(
    tariff: Tariff,
    usage: LoadSize,
    quantity: int | Decimal,
    charge_usd_micros: int | None,
    unknown: str | None,
) -> str:
    """The money, or why there is none."""
    if charge_usd_micros is None:
        return f"price unknown: {unknown}"
    if tariff.machines_of:
        assert usage.machines_usd_micros is not None, tariff.name
        terms = (
            f"{many(quantity, tariff.unit)} on machines that cost "
            f"{format_usd(usage.machines_usd_micros)} an hour together"
        )
    else:
        assert tariff.usd_micros_per_unit is not None, tariff.name
        terms = f"{many(quantity, tariff.unit)} x {format_usd(tariff.usd_micros_per_unit)}"
        for tier in tariff.unit_tiers:
            if quantity > tier.from_units:
                terms += (
                    f", beyond {many(tier.from_units, tariff.unit)} x {format_usd(tier.usd_micros)}"
                )
        if tariff.contract_rate is not None:
            terms += f" (your contract rate of {tariff.contract_rate.as_of})"
    if tariff.usd_micros_per_user and usage.users:
        per_user = format_usd(tariff.usd_micros_per_user)
        terms += f" + {many(usage.users, 'user')} x {per_user}"
    if tariff.usd_micros_per_sent_gb and usage.sent_bytes:
        per_gb = format_usd(tariff.usd_micros_per_sent_gb)
        gigabytes = Decimal(usage.sent_bytes) / BYTES_PER_GB
        terms += f" + {gigabytes.normalize():f} GB sent x {per_gb}"
    return f"{terms} = {format_cents(charge_usd_micros)} USD"


def many(number: int | Decimal, noun: str) -> str:
    """``1 injector``, ``10 injectors``."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Of a unit or a server; abbreviations such as VUH have none."""
    return noun if noun.isupper() else f"{noun}s"


def rounding_in_words(tariff: Tariff) -> str:
    """What becomes of a part of a step of time."""
    quantum = format_duration(tariff.quantum_s)
    if tariff.rounding is Rounding.NEAREST:
        return f"to the nearest {quantum}"
    return f"each started {quantum} counts"


def _multiplicand(tariff: Tariff, usage: LoadSize, measured: MeteredTest) -> str:
    if tariff.counts is Counted.USERS:
        words = many(measured.counted, "user")
    elif tariff.counts is Counted.RESERVED_USERS:
        words = many(measured.counted, "reserved user")
    elif tariff.extra_injectors:
        words = f"{measured.injectors} + {tariff.extra_injectors} servers"
    else:
        words = many(measured.counted, "injector")
    multiplier = tariff.multipliers.get(usage.protocol, 1)
    return words if multiplier == 1 else f"{words} x {multiplier} for {usage.protocol}"


def _fleet(floor: Floor) -> str:
    if floor.up_to_injectors is None:
        return "in a fleet of this size each injector counts"
    return f"up to {many(floor.up_to_injectors, 'injector')} each counts"
