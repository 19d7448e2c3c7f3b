"""An account's books are brought up to an instant before anything else is done with them.

Nothing happens by itself when a period begins: ``advance`` does what is due, exactly once, and
every command that changes an account calls it first. One that only looks does the same in a
transaction that it undoes: what it shows is as of its instant, and what is posted stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, bindparam, or_, select

from kernel.errors import LoadmusterError, RefusedError
from pricing.accounts.account import shown, unknown_account
from pricing.ledger.balances import fold
from pricing.ledger.ledger import lock_ledger
from pricing.payments.gateway import PaymentGateway
from pricing.payments.run_payments import collect_due_runs
from pricing.periods import check_year
from pricing.subscriptions.boundaries import apply_due_boundaries
from pricing.tables import ACCOUNTS

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an account's clock may seem to go back: the clocks of two controllers differ a little,
and commands under one test clock each start at the same instant. Within it, an account's time
stands still; it never goes back."""

_NOTE_COMMAND = ACCOUNTS.update().where(ACCOUNTS.c.id == bindparam("of"))


class ClockBackwardsError(RefusedError):
    """The account has been dealt with at a later instant; facts: ``account``, ``last``, ``now``."""

    code = "clock_backwards"


class Advanced(Struct, frozen=True):
    """An account whose books were brought up to date, or why they were not."""

    account_id: str
    failure: LoadmusterError | None = None


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
    return _advance(conn, account_id, max(now, last), gateway=gateway)


def advance_all(
    transaction: Callable[[], AbstractContextManager[Connection]],
    now: datetime,
    *,
    page: int = 500,
    gateway: PaymentGateway,
    is_test: bool | None = None,
    settle: Callable[[str], None] | None = None,
) -> Iterator[Advanced]:
    """Bring every account's books up to ``now``, one after the other, in the order of their ids.

    An account that fails is left as it was, and the others go on. One page of ids is held in
    memory, however many accounts there are, and the books of one account are locked at a time.

    Args:
        transaction: Opens a write transaction; each account has one.
        now: The instant.
        page: Ids that are read at a time.
        gateway: Collects the money.
        is_test: Whether ``now`` is a test clock's: accounts that live by the other are left out.
            One of an earlier version, whose clock is not known, may be of the real world: it is
            advanced by the real clock only. None: none is left out.
        settle: Advances one account, asking the gateway in between. None: the gateway calls
            nobody, and each account is one transaction.
    """
    after = ""
    while ids := _ids_after(transaction, after, page, is_test):
        for account_id in ids:
            yield _advance_one(transaction, account_id, now, gateway=gateway, settle=settle)
        after = ids[-1]


def _ids_after(
    transaction: Callable[[], AbstractContextManager[Connection]],
    after: str,
    page: int,
    is_test: bool | None,
) -> Sequence[str]:
    with transaction() as conn:
        ids = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id > after)
        if is_test is not None:
            clock = ACCOUNTS.c.test_clock
            ids = ids.where(clock if is_test else or_(clock.is_(None), ~clock))
        return conn.execute(ids.order_by(ACCOUNTS.c.id).limit(page)).scalars().all()


def _advance_one(
    transaction: Callable[[], AbstractContextManager[Connection]],
    account_id: str,
    now: datetime,
    *,
    gateway: PaymentGateway,
    settle: Callable[[str], None] | None,
) -> Advanced:
    try:
        if settle is not None:
            settle(account_id)
            return Advanced(account_id)
        with transaction() as conn:
            advance(conn, account_id, now, gateway=gateway)
    except LoadmusterError as failure:
        return Advanced(account_id, failure)
    return Advanced(account_id)


def catch_up(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> datetime:
    """Like ``advance``, for what must not be refused: the bill of a run that was accepted.

    A clock behind the last command's stands still until it has caught up.
    """
    return _advance(conn, account_id, max(now, _lock(conn, account_id)), gateway=gateway)


def _advance(
    conn: Connection, account_id: str, at: datetime, *, gateway: PaymentGateway
) -> datetime:
    # In UTC, because hours that are added to a zone's instant are hours of its wall clock.
    instant = at.astimezone(UTC)
    fold(conn, account_id)
    apply_due_boundaries(conn, account_id, now=instant, gateway=gateway)
    collect_due_runs(conn, account_id, gateway=gateway, now=instant)
    conn.execute(_NOTE_COMMAND, {"of": account_id, "last_command_at": instant})
    return instant


def _lock(conn: Connection, account_id: str) -> datetime:
    """Take the books; the instant of the last command."""
    last = lock_ledger(conn, account_id)
    if last is None:
        raise unknown_account(conn, account_id)
    return last
