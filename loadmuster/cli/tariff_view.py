"""How tariffs look: as JSON documents, and in words."""

from __future__ import annotations

from typing import Any

from kernel.durations import format_duration
from pricing.money import format_cents, format_usd
from pricing.tariffs import Example, Tariff, TariffPrice, rounding_in_words


def price_document(charge: TariffPrice, warnings: list[str]) -> dict[str, Any]:
    """A price as ``tariff price --json`` prints it."""
    unknown = [] if charge.unknown is None else [{"field": "usd", "reason": charge.unknown}]
    return {
        "tariff": charge.tariff,
        "version": charge.version.isoformat(),
        "unit": charge.unit,
        "quantity": number(charge.quantity),
        "startup_quantity": number(charge.startup_quantity),
        "injectors": charge.injectors,
        "usd": None if charge.usd_micros is None else format_cents(charge.usd_micros),
        "startup_usd": (
            None if charge.startup_usd_micros is None else format_cents(charge.startup_usd_micros)
        ),
        "as_of": charge.as_of.isoformat(),
        "steps": list(charge.steps),
        "unknown": unknown,
        "warnings": warnings,
    }


def number(quantity: object) -> int | float:
    """A quantity for JSON: units are numbers there, money never is."""
    return quantity if isinstance(quantity, int) else float(str(quantity))


def rate(version: Tariff) -> str | None:
    """The price of a unit in decimal dollars; None: not published, or the machine's."""
    return None if version.usd_micros_per_unit is None else format_usd(version.usd_micros_per_unit)


def summary(version: Tariff) -> dict[str, Any]:
    """A tariff as ``tariff list --json`` prints it."""
    return {
        "tariff": version.name,
        "title": version.title,
        "version": version.version.isoformat(),
        "unit": version.unit,
        "usd_per_unit": rate(version),
        "as_of": version.as_of.isoformat(),
        "superseded_by": version.superseded_by,
    }


def rule(version: Tariff) -> dict[str, Any]:
    """One version of a tariff as ``tariff show --json`` prints it."""
    return {
        "version": version.version.isoformat(),
        "as_of": version.as_of.isoformat(),
        "unit": version.unit,
        "counts": version.counts.value,
        "unit_s": version.unit_s,
        "quantum_s": version.quantum_s,
        "rounding": version.rounding.value,
        "floors": [
            {"up_to_injectors": floor.up_to_injectors, "minimum_s": floor.minimum_s}
            for floor in version.floors
        ],
        "floor_users_per_injector": version.floor_users_per_injector,
        "extra_injectors": version.extra_injectors,
        "users_per_injector": dict(version.users_per_injector),
        "multipliers": dict(version.multipliers),
        "cancellation": version.cancellation.value,
        "usd_per_unit": rate(version),
        "usd_per_user": format_usd(version.usd_micros_per_user),
        "machines_of": version.machines_of,
        "usd_per_sent_gb": format_usd(version.usd_micros_per_sent_gb),
        "sources": list(version.sources),
        "notes": list(version.notes),
        "examples": [_example(example) for example in version.examples],
        "no_example": version.no_example,
        "unknown": (
            [] if rate(version) else [{"field": "usd_per_unit", "reason": _why_no_rate(version)}]
        ),
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "source": example.source,
        "says": example.says,
        "quantity": number(example.quantity),
        "usd": None if example.usd_micros is None else format_cents(example.usd_micros),
    }


def _why_no_rate(version: Tariff) -> str:
    if version.machines_of:
        return f"the price of the machine that is chosen on {version.machines_of}"
    assert version.not_published is not None, version.name
    return version.not_published


def rule_in_words(version: Tariff) -> list[tuple[str, str]]:
    """One version of a tariff for people: labels and texts."""
    floors = [
        format_duration(floor.minimum_s)
        if floor.up_to_injectors is None
        else f"{format_duration(floor.minimum_s)} up to {floor.up_to_injectors} injectors"
        for floor in version.floors
    ]
    users = [f"{protocol} {number}" for protocol, number in version.users_per_injector.items()]
    words = [
        ("unit", f"{version.unit}: {version.counts.value.replace('_', ' ')} x time"),
        ("time", rounding_in_words(version)),
        ("at least", ", ".join(floors)),
        ("users per injector", ", ".join(users)),
        ("multipliers", ", ".join(f"{p} x {n}" for p, n in version.multipliers.items())),
        ("USD per unit", rate(version) or _why_no_rate(version)),
        ("cancelled", version.cancellation.value.replace("_", " ")),
        ("as of", str(version.as_of)),
        ("now", version.superseded_by or ""),
        *[("example", example.says) for example in version.examples],
        *[("note", note) for note in version.notes],
        *[("source", source) for source in version.sources],
    ]
    return [(label, text) for label, text in words if text]
