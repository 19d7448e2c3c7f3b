"""An account's books are brought up to an instant before anything else is done with them.

Nothing happens by itself when a period begins: ``advance`` does what is due, exactly once, and
every command that changes an account calls it first. One that only looks does the same in a
transaction that it undoes: what it shows is as of its instant, and what is posted stays as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam

from kernel.errors import RefusedError
from pricing.accounts.account import CLOCK_TOLERANCE, shown, unknown_account
from pricing.ledger.balances import fold
from pricing.ledger.ledger import lock_ledger
from pricing.payments.gateway import PaymentGateway
from pricing.payments.run_payments import collect_due_runs
from pricing.periods import check_year
from pricing.subscriptions.boundaries import apply_due_boundaries
from pricing.tables import ACCOUNTS

_NOTE_COMMAND = ACCOUNTS.update().where(ACCOUNTS.c.id == bindparam("of"))


class ClockBackwardsError(RefusedError):
    """The account has been dealt with at a later instant; facts: ``account``, ``last``, ``now``."""

    code = "clock_backwards"


def advance(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> datetime:
    """Bring an account's books up to ``now``; every command on it begins with this.

    Locks the books until the transaction ends, and crosses each boundary that lies in between,
    exactly once.

    Returns:
        The account's instant: ``now``, or the last command's if that is a little later.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If ``now`` is before the last command by more than the tolerance.
        ClockTooFarAheadError: If decades of periods would be due.
        YearOutOfRangeError: If ``now`` is in an impossible year.
    """
    check_year(now.year, where="the clock")
    last = _lock(conn, account_id)
    if now < last - CLOCK_TOLERANCE:
        raise ClockBackwardsError(
            f"account {account_id}: the clock shows {shown(now)}, but the last command was at"
            f" {shown(last)}; a clock may not go backwards. If a clock that ran ahead was there:"
            f" loadmuster account heal {account_id}",
            account=account_id,
            last=shown(last),
            now=shown(now),
        )
    return _advance(conn, account_id, last, max(now, last), gateway=gateway)


def catch_up(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> datetime:
    """Like ``advance``, for what must not be refused: the bill of a run that was accepted.

    A clock behind the last command's stands still until it has caught up.
    """
    last = _lock(conn, account_id)
    return _advance(conn, account_id, last, max(now, last), gateway=gateway)


def _advance(
    conn: Connection, account_id: str, last: datetime, at: datetime, *, gateway: PaymentGateway
) -> datetime:
    # In UTC, because hours that are added to a zone's instant are hours of its wall clock.
    instant = at.astimezone(UTC)
    fold(conn, account_id)
    apply_due_boundaries(conn, account_id, after=last, now=instant, gateway=gateway)
    collect_due_runs(conn, account_id, gateway=gateway, now=instant)
    # What the command is about to do may fall due at any time: the next sweep looks anew.
    noted = {"of": account_id, "last_command_at": instant, "next_due_at": None}
    conn.execute(_NOTE_COMMAND, noted)
    return instant


def _lock(conn: Connection, account_id: str) -> datetime:
    """Take the books; the instant of the last command."""
    last = lock_ledger(conn, account_id)
    if last is None:
        raise unknown_account(conn, account_id)
    return last
