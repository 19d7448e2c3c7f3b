"""Bills: what a run cost, read from the ledger."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection

from pricing.ledger.invoices import run_cause
from pricing.ledger.ledger import entries_of
from pricing.ledger.reservations import reservation_of
from pricing.money import divide_half_up
from pricing.plans.quotes import Unit
from pricing.tariffs import CancellationPolicy


class Bill(Struct, frozen=True):
    """What a run cost, after its correction.

    Attributes:
        unit: Of the amounts: micro-dollars, or LI-minutes of a subscription.
        startup: Kept of the start-up line.
        use: Kept of the use line.
        li_minutes: LI-minutes that the amounts stand for; for money, in proportion to each line.
        policy: Decided what was kept.
        tariff_version: The tariff that the run was quoted with.
        corrected: Whether anything came back.
    """

    unit: Unit
    startup: int
    use: int
    li_minutes: int
    policy: CancellationPolicy
    tariff_version: date
    corrected: bool

    @property
    def total(self) -> int:
        """Start-up and use."""
        return self.startup + self.use


class Lines(NamedTuple):
    """The two ledger accounts that a run is charged on, and the sign of a charge there."""

    startup: str
    use: str
    sign: int


LINES = {
    Unit.USD: Lines("revenue:start-up", "revenue:use", -1),
    Unit.LI_MINUTES: Lines("used:start-up", "used:use", 1),
}


def bill_of(conn: Connection, run_id: str) -> Bill | None:
    """What a run has cost so far, from the ledger; None: it was not charged."""
    charges = entries_of(conn, run_cause(run_id))
    if not charges:
        return None
    quote = reservation_of(conn, run_id).quote
    lines = LINES[quote.unit]

    def kept(account: str) -> int:
        return lines.sign * sum(
            posting.amount
            for charge in charges
            for posting in charge.postings
            if posting.ledger_account == account
        )

    startup, use = kept(lines.startup), kept(lines.use)
    return Bill(
        unit=quote.unit,
        startup=startup,
        use=use,
        li_minutes=_share(quote.startup_li_minutes, startup, quote.startup)
        + _share(quote.li_minutes - quote.startup_li_minutes, use, quote.use),
        policy=quote.policy,
        tariff_version=quote.tariff_version,
        corrected=any(charge.natural_key.endswith(":correction") for charge in charges),
    )


def _share(li_minutes: int, kept: int, charged: int) -> int:
    """The LI-minutes that a kept part of a line stands for."""
    return divide_half_up(li_minutes * kept, charged) if charged else 0
