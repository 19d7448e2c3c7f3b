"""Bills: what a run cost; of a real run it is read from the ledger."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from kernel.errors import InvariantBrokenError
from pricing.departments.extra_credits import REVENUE_EXTRA
from pricing.ledger.invoices import run_cause
from pricing.ledger.ledger import entries_of
from pricing.ledger.reservations import reservation_of
from pricing.money import divide_half_up
from pricing.plans.quotes import Quote, TwoLines, Unit
from pricing.tariffs import CancellationPolicy


class CorrectionOutOfRangeError(InvariantBrokenError):
    """More would be kept than was charged, or less than nothing; facts: ``run``."""

    code = "correction_out_of_range"


class Bill(TwoLines, frozen=True):
    """What a run cost, after its correction: what was kept of its two lines.

    Attributes:
        li_minutes: LI-minutes that the amounts stand for; for money, in proportion to each line.
        policy: Decided what was kept.
        tariff_version: The tariff that the run was quoted with.
        corrected: Whether anything came back.
        extra_usd_micros: What the extra credits cost that it bought besides.
        rehearsed: The run was a rehearsal: this is what it would have cost, and nothing of it was
            charged.
    """

    li_minutes: int
    policy: CancellationPolicy
    tariff_version: date
    corrected: bool
    extra_usd_micros: int = 0
    rehearsed: bool = False

    @property
    def startup_li_minutes(self) -> int | None:
        """Kept of the start-up line in LI-minutes; None: it was paid in money."""
        return None if self.unit is Unit.USD else self.startup

    @property
    def extra_credits_usd_micros(self) -> int | None:
        """What the extra credits cost that it bought besides; None: it bought none."""
        return self.extra_usd_micros or None


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

    def booked(account: str) -> int:
        return sum(
            posting.amount
            for charge in charges
            for posting in charge.postings
            if posting.ledger_account == account
        )

    return bill_for(
        quote,
        startup=lines.sign * booked(lines.startup),
        use=lines.sign * booked(lines.use),
        corrected=any(charge.natural_key.endswith(":correction") for charge in charges),
        extra_usd_micros=-booked(REVENUE_EXTRA),
    )


def bill_for(
    quote: Quote,
    *,
    startup: int,
    use: int,
    corrected: bool,
    extra_usd_micros: int,
    rehearsed: bool = False,
) -> Bill:
    """The bill of a run by its quote and what was kept of each line, in the quote's unit."""
    return Bill(
        unit=quote.unit,
        startup=startup,
        use=use,
        li_minutes=_share(quote.startup_li_minutes, startup, quote.startup)
        + _share(quote.li_minutes - quote.startup_li_minutes, use, quote.use),
        policy=quote.policy,
        tariff_version=quote.tariff_version,
        corrected=corrected,
        extra_usd_micros=extra_usd_micros,
        rehearsed=rehearsed,
    )


def check_kept(run_id: str, quote: Quote, *, startup: int, use: int) -> None:
    """Refuse to keep more than was charged, or less than nothing.

    Raises:
        CorrectionOutOfRangeError: If it is so of either line.
    """
    if not (0 <= startup <= quote.startup and 0 <= use <= quote.use):
        raise CorrectionOutOfRangeError(
            f"run {run_id}: cannot keep {startup} of start-up {quote.startup} and"
            f" {use} of use {quote.use}",
            run=run_id,
        )


def _share(li_minutes: int, kept: int, charged: int) -> int:
    """The LI-minutes that a kept part of a line stands for."""
    return divide_half_up(li_minutes * kept, charged) if charged else 0
