"""A run as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from engine.runs.model.states import Event, Run
from kernel.words import counted
from pricing.money import format_cents
from pricing.plans.quotes import Unit
from pricing.run_charges.bill import Bill


class RunView(Struct, frozen=True):
    """A run with all that is known of it.

    Attributes:
        run: The run.
        timeline: What happened, oldest first.
        bill: None before anything was charged; of a rehearsal, what it would have been charged.
        unattended_since: Since when no controller has held it; None: it is driven, or has ended.
        left_out_because: Why what it measured does not count in later estimates; None: it does, or
            it measured nothing.
        real_run_refused_because: Why a real run of what was rehearsed would be refused, which its
            rehearsal need not be; None: nothing is known, or the run is real.
    """

    run: Run
    timeline: Sequence[Event]
    bill: Bill | None
    unattended_since: datetime | None = None
    left_out_because: str | None = None
    real_run_refused_because: str | None = None


def amount(unit: Unit, value: int) -> str:
    """An amount with its unit, for people."""
    return f"{format_cents(value)} USD" if unit is Unit.USD else counted(value, "LI-minute")
