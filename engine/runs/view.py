"""A run as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.runs.model.states import Event, Run
from kernel.words import counted
from pricing.money import format_cents
from pricing.plans.quotes import Unit
from pricing.run_charges.charges import Bill


class RunView(Struct, frozen=True):
    """A run with its timeline and its bill; the bill is None before anything was charged."""

    run: Run
    timeline: Sequence[Event]
    bill: Bill | None


def amount(unit: Unit, value: int) -> str:
    """An amount with its unit, for people."""
    return f"{format_cents(value)} USD" if unit is Unit.USD else counted(value, "LI-minute")
