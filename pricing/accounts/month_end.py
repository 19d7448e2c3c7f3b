"""Closing a month of the books: only once nothing of it is pending, and for good (C61)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, or_, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.account import shown
from pricing.accounts.due_accounts import lives_by
from pricing.ledger.author import BegunCommand
from pricing.ledger.closing import ClosedMonth, closed_until, wait_for_writers
from pricing.ledger.command_log import note_command
from pricing.ledger.reservations import ReservationState
from pricing.ledger.signing import begin
from pricing.payments.gateway import PaymentState
from pricing.payments.refunds import OPEN
from pricing.tables import (
    ACCOUNTS,
    CLOSED_MONTHS,
    PAYMENT_ATTEMPTS,
    PAYMENTS,
    REFUNDS,
    RESERVATIONS,
    insert_once,
)

_ANSWERED = (PaymentState.ACCEPTED, PaymentState.DECLINED, PaymentState.ABANDONED)


class MonthNotOverError(RefusedError):
    """The month has not ended; facts: ``month``, ``ends_at``, ``now``."""

    code = "month_not_over"


class MonthClosedAlreadyError(RefusedError):
    """A later month is closed, and this one with it; facts: ``month``, ``closed_until``."""

    code = "month_closed_already"


class MonthPendingError(RefusedError):
    """Something of the month is pending; it counts what.

    Facts: ``month``, ``accounts``, ``payments``, ``runs``, ``refunds``.
    """

    code = "month_pending"


class PendingOfMonth(Struct, frozen=True):
    """What stands in the way of closing a month.

    Attributes:
        accounts: For how many accounts something of it may be due.
        payments: How many payments that were asked for in it have no answer.
        refunds: How many refunds that were asked for in it have no answer.
        runs: How many runs that were charged in it have not ended.
    """

    accounts: int
    payments: int
    runs: int
    refunds: int = 0

    @property
    def said(self) -> str:
        """For people, with what to do; empty if nothing is pending."""
        parts = []
        if self.accounts:
            parts.append(
                f"{counted(self.accounts, 'account')} not brought up to its end: loadmuster account"
                " advance --all"
            )
        if self.payments:
            parts.append(f"{counted(self.payments, 'payment')} without an answer")
        if self.refunds:
            parts.append(f"{counted(self.refunds, 'refund')} without an answer")
        if self.runs:
            parts.append(f"{counted(self.runs, 'run')} charged and not ended")
        return "; ".join(parts)


def close_month(
    conn: Connection, month: str, ends_at: datetime, *, now: datetime, is_test: bool | None
) -> ClosedMonth:
    """Close a month, and all before it; closing it again answers the same.

    Args:
        conn: An open write transaction.
        month: As ``2026-11``.
        ends_at: Where it ends, in UTC.
        now: The command's instant.
        is_test: Whether that is a test clock's: accounts that live by the other are not waited for.

    Raises:
        MonthNotOverError: It has not ended.
        MonthClosedAlreadyError: A later one is closed.
        MonthPendingError: An account, a payment or a run has something of it pending.
    """
    wait_for_writers(conn)
    begun = BegunCommand("books close", {"month": month})
    begin(conn, begun)
    if now < ends_at:
        raise MonthNotOverError(
            f"the month {month} ends at {shown(ends_at)}, and it is {shown(now)}: close it then",
            month=month,
            ends_at=shown(ends_at),
            now=shown(now),
        )
    until = closed_until(conn)
    if until is not None and until > ends_at:
        raise MonthClosedAlreadyError(
            f"the month {month} is closed: the books take no posting before {shown(until)}",
            month=month,
            closed_until=shown(until),
        )
    pending = pending_of_month(conn, ends_at, is_test=is_test)
    if until != ends_at and pending.said:
        raise MonthPendingError(
            f"the month {month} cannot be closed: {pending.said}",
            month=month,
            accounts=pending.accounts,
            payments=pending.payments,
            runs=pending.runs,
            refunds=pending.refunds,
        )
    command = note_command(conn, None, begun, at=now)
    row = {"month": month, "ends_at": ends_at, "closed_at": now, "command_id": command}
    insert_once(conn, CLOSED_MONTHS, ["month"], row)
    found = conn.execute(select(CLOSED_MONTHS).where(CLOSED_MONTHS.c.month == month)).one()
    return ClosedMonth(found.month, found.ends_at, found.closed_at, found.command_id)


def pending_of_month(
    conn: Connection, ends_at: datetime, *, is_test: bool | None
) -> PendingOfMonth:
    """What of the month that ends there, or of one before it, is not in the books yet."""
    due_at = ACCOUNTS.c.next_due_at
    accounts = select(func.count()).where(
        or_(due_at.is_(None), due_at < ends_at), lives_by(is_test=is_test)
    )
    payments = select(func.count()).where(
        PAYMENTS.c.asked_at < ends_at, PAYMENTS.c.state.not_in(_ANSWERED)
    )
    runs = select(func.count()).where(
        RESERVATIONS.c.state == ReservationState.POSTED,
        RESERVATIONS.c.ended_at < ends_at,
        RESERVATIONS.c.run_ended_at.is_(None),
    )
    asked = select(func.count()).where(
        PAYMENT_ATTEMPTS.c.asked_at < ends_at, PAYMENT_ATTEMPTS.c.answered_at.is_(None)
    )
    refunds = select(func.count()).where(REFUNDS.c.asked_at < ends_at, REFUNDS.c.state.in_(OPEN))
    unanswered = conn.execute(payments.select_from(PAYMENTS)).scalar_one()
    return PendingOfMonth(
        conn.execute(accounts.select_from(ACCOUNTS)).scalar_one(),
        max(unanswered, conn.execute(asked.select_from(PAYMENT_ATTEMPTS)).scalar_one()),
        conn.execute(runs.select_from(RESERVATIONS)).scalar_one(),
        conn.execute(refunds.select_from(REFUNDS)).scalar_one(),
    )
