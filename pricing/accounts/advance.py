"""An account's books are brought up to an instant before anything else is done with them.

Nothing happens by itself when a period begins: ``advance`` does what is due, exactly once, and
every command that changes an account calls it first. One that only looks does the same in a
transaction that it undoes: what it shows is as of its instant, and what is posted stays as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from kernel.errors import RefusedError
from pricing.accounts.account import CLOCK_TOLERANCE, shown, unknown_account
from pricing.accounts.due_now import due_now
from pricing.ledger.balances import fold_tail
from pricing.ledger.reservations import account_of_run
from pricing.payments.gateway import PaymentGateway
from pricing.payments.run_payments import collect_due_runs
from pricing.periods import check_year
from pricing.subscriptions.boundaries import apply_due_boundaries
from pricing.subscriptions.subscriptions import Subscription, latest
from pricing.tables import ACCOUNTS, RESERVATIONS

_LOCK = select(ACCOUNTS.c.id, ACCOUNTS.c.last_command_at, ACCOUNTS.c.deleted_at).with_for_update()
_LOCK_OF_ID = _LOCK.where(ACCOUNTS.c.id == bindparam("of"))
_ACCOUNT_OF_RUN = select(RESERVATIONS.c.account_id).where(RESERVATIONS.c.run_id == bindparam("of"))
# Whose a run is never changes.
_LOCK_OF_RUN = _LOCK.where(ACCOUNTS.c.id == _ACCOUNT_OF_RUN.scalar_subquery())
_NOTE_COMMAND = ACCOUNTS.update().where(ACCOUNTS.c.id == bindparam("of"))


class ClockBackwardsError(RefusedError):
    """The account has been dealt with at a later instant; facts: ``account``, ``last``, ``now``."""

    code = "clock_backwards"


class OpenBooks(Struct, frozen=True):
    """An account's books, locked and brought up to an instant.

    Attributes:
        account_id: Whose.
        instant: The account's: the command's, or the last command's if that is a little later.
        deleted_at: When the account was deleted; None: it was not.
        subscription: The one that the account is on, or was on last.
        owes: Whether something may not have been paid; False: everything has been.
    """

    account_id: str
    instant: datetime
    deleted_at: datetime | None
    subscription: Subscription
    owes: bool


class _Locked(Struct, frozen=True):
    """The row of an account whose books are locked."""

    id: str
    last_command_at: datetime
    deleted_at: datetime | None


def advance(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> datetime:
    """Bring an account's books up to ``now``; every command on it begins with this.

    Takes and raises what ``open_books`` does.

    Returns:
        The account's instant.
    """
    return open_books(conn, account_id, now, gateway=gateway).instant


def open_books(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> OpenBooks:
    """Bring an account's books up to ``now``; what a command needs to know of them is read.

    Locks the books until the transaction ends, and crosses each boundary that lies in between,
    exactly once.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If ``now`` is before the last command by more than the tolerance.
        ClockTooFarAheadError: If decades of periods would be due.
        YearOutOfRangeError: If ``now`` is in an impossible year.
    """
    check_year(now.year, where="the clock")
    locked = _lock(conn, account_id)
    last = locked.last_command_at
    if now < last - CLOCK_TOLERANCE:
        raise ClockBackwardsError(
            f"account {account_id}: the clock shows {shown(now)}, but the last command was at"
            f" {shown(last)}; a clock may not go backwards. If a clock that ran ahead was there:"
            f" loadmuster account heal {account_id}",
            account=account_id,
            last=shown(last),
            now=shown(now),
        )
    return _advance(conn, locked, now, gateway=gateway)


def catch_up(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> datetime:
    """Like ``advance``, for what must not be refused: the bill of a run that was accepted.

    A clock behind the last command's stands still until it has caught up.

    Returns:
        The account's instant.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockTooFarAheadError: If decades of periods would be due.
    """
    return _advance(conn, _lock(conn, account_id), now, gateway=gateway).instant


def catch_up_run(
    conn: Connection, run_id: str, now: datetime, *, gateway: PaymentGateway
) -> OpenBooks:
    """Like ``catch_up``, for the account that a run was reserved for.

    Raises:
        ReservationStateError: If it was never reserved.
        ClockTooFarAheadError: If decades of periods would be due.
    """
    row = conn.execute(_LOCK_OF_RUN, {"of": run_id}).one_or_none()
    locked = _lock(conn, account_of_run(conn, run_id)) if row is None else _Locked(*row)
    return _advance(conn, locked, now, gateway=gateway)


def _advance(
    conn: Connection, locked: _Locked, now: datetime, *, gateway: PaymentGateway
) -> OpenBooks:
    account_id, last = locked.id, locked.last_command_at
    # In UTC, because hours that are added to a zone's instant are hours of its wall clock.
    instant = max(now, last).astimezone(UTC)
    due = due_now(conn, account_id, instant)
    fold_tail(conn, account_id, due.mark, is_too_long=due.is_too_long)
    subscription = due.subscription
    if due.at_boundaries:
        apply_due_boundaries(conn, account_id, after=last, now=instant, gateway=gateway)
        subscription = latest(conn, account_id)
    if due.at_boundaries or due.payments:
        collect_due_runs(conn, account_id, gateway=gateway, now=instant)
    # What the command is about to do may fall due at any time: the next sweep looks anew.
    noted = {"of": account_id, "last_command_at": instant, "next_due_at": None}
    conn.execute(_NOTE_COMMAND, noted)
    owes = due.owes or due.at_boundaries
    return OpenBooks(account_id, instant, locked.deleted_at, subscription, owes)


def _lock(conn: Connection, account_id: str) -> _Locked:
    """Take the books.

    Raises:
        UnknownAccountError: If there is no such account.
    """
    row = conn.execute(_LOCK_OF_ID, {"of": account_id}).one_or_none()
    if row is None:
        raise unknown_account(conn, account_id)
    return _Locked(*row)
