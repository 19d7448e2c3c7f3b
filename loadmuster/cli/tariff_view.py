"""How tariffs look to people."""

from __future__ import annotations

from kernel.durations import format_duration
from kernel.words import counted
from loadmuster.documents.tariff import rate, why_no_rate
from pricing.money import format_usd
from pricing.tariffs import ContractRate, Tariff, rounding_in_words


def rule_in_words(version: Tariff) -> list[tuple[str, str]]:
    """One version of a tariff for people: labels and texts."""
    floors = [
        format_duration(floor.minimum_s)
        if floor.up_to_injectors is None
        else f"{format_duration(floor.minimum_s)} up to "
        f"{counted(floor.up_to_injectors, 'injector')}"
        for floor in version.floors
    ]
    limits = version.theoretical_users_per_injector
    users = [f"{protocol} {number}" for protocol, number in version.users_per_injector.items()]
    words = [
        ("unit", f"{version.unit}: {version.counts.value.replace('_', ' ')} x time"),
        ("time", rounding_in_words(version)),
        ("at least", ", ".join(floors)),
        ("users per injector", ", ".join(users)),
        ("multipliers", ", ".join(f"{p} x {n}" for p, n in version.multipliers.items())),
        ("at its limit", ", ".join(f"{p} {n:,}" for p, n in limits.items())),
        ("USD per unit", _rates(version)),
        ("price from", "" if version.price_from is None else version.price_from.in_words()),
        ("cancelled", version.cancellation.value.replace("_", " ")),
        ("as of", str(version.as_of)),
        ("now", version.superseded_by or ""),
        *[("example", example.says) for example in version.examples],
        *[("note", note) for note in version.notes],
        *[("source", source) for source in version.sources],
    ]
    return [(label, text) for label, text in words if text]


def _rates(version: Tariff) -> str:
    """The price of a unit, tier by tier, or why there is none."""
    beyond = [
        f"{format_usd(tier.usd_micros)} beyond {tier.from_units:,} a month"
        for tier in version.unit_tiers
    ]
    return ", ".join((rate(version) or why_no_rate(version), *beyond))


def contract_line(own: ContractRate) -> str:
    """A contract rate for people, which is nobody's but theirs."""
    return (
        f"Contract rate of {own.tariff}: {format_usd(own.usd_micros_per_unit)} USD a {own.unit},"
        f" of {own.as_of}, which is your own"
    )
