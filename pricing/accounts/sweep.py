"""The sweep: every account for which something is due, a page of them in one transaction.

Plain accounts, which are nearly all of them, are renewed together. The others, and a page with
which anything is wrong, are advanced one by one, each in a transaction of its own. Either way what
is written is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import IntegrityError

from kernel.errors import LoadmusterError
from pricing.accounts.advance import advance
from pricing.accounts.due import NEVER, next_expiries, note_due
from pricing.accounts.due_accounts import due_accounts
from pricing.payments.gateway import PaymentGateway, calls_out
from pricing.periods import check_year
from pricing.subscriptions.plain import plain_accounts
from pricing.subscriptions.renewals import Calendar, Renewal, renewal_of, write_renewals
from pricing.tables import ACCOUNTS

Transaction = Callable[[], AbstractContextManager[Connection]]

_LOCK = (
    select(ACCOUNTS.c.id, ACCOUNTS.c.last_command_at, ACCOUNTS.c.next_due_at)
    .where(ACCOUNTS.c.id.in_(bindparam("accounts", expanding=True)))
    .order_by(ACCOUNTS.c.id)
    .with_for_update(skip_locked=True)
)
_NOTE = ACCOUNTS.update().where(ACCOUNTS.c.id == bindparam("of"))


class Advanced(Struct, frozen=True):
    """An account whose books were brought up to date, or why they were not."""

    account_id: str
    failure: LoadmusterError | None = None


def advance_all(
    transaction: Transaction,
    now: datetime,
    *,
    page: int = 500,
    gateway: PaymentGateway,
    is_test: bool | None = None,
    settle: Callable[[str], None] | None = None,
) -> Iterator[Advanced]:
    """Bring the books up to ``now`` of every account for which something is due by then.

    The others are not looked at: theirs are up to date. An account that fails is left as it was,
    and the others go on. One page of accounts is held in memory, however many there are, and the
    books of one page are locked at a time; an account whose books are locked by somebody else is
    advanced after the rest of its page.

    Args:
        transaction: Opens a write transaction.
        now: The instant.
        page: Accounts that are renewed together.
        gateway: Collects the money.
        is_test: Whether ``now`` is a test clock's: accounts that live by the other are left out.
            One of an earlier version, whose clock is not known, may be of the real world: it is
            advanced by the real clock only. None: none is left out.
        settle: Advances one account, asking the gateway in between; all are then advanced one by
            one. None: the gateway calls nobody.

    Returns:
        Those that were looked at.

    Raises:
        YearOutOfRangeError: If ``now`` is in an impossible year.
    """
    check_year(now.year, where="the clock")
    calendar = Calendar(now.astimezone(UTC))
    for ids in due_accounts(transaction, now, page=page, is_test=is_test):
        renewed = renew_plain(transaction, ids, calendar, gateway=gateway)
        for account_id in ids:
            if account_id in renewed:
                yield Advanced(account_id)
            elif settle is None:
                yield advance_one(transaction, account_id, now, gateway=gateway)
            else:
                yield _settle_one(settle, account_id)


def advance_one(
    transaction: Transaction, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> Advanced:
    """Bring one account's books up to ``now``, and note when something next falls due."""
    try:
        with transaction() as conn:
            advance(conn, account_id, now, gateway=gateway)
            note_due(conn, [account_id])
    except LoadmusterError as failure:
        return Advanced(account_id, failure)
    return Advanced(account_id)


def _settle_one(settle: Callable[[str], None], account_id: str) -> Advanced:
    try:
        settle(account_id)
    except LoadmusterError as failure:
        return Advanced(account_id, failure)
    return Advanced(account_id)


def renew_plain(
    transaction: Transaction,
    account_ids: Sequence[str],
    calendar: Calendar,
    *,
    gateway: PaymentGateway,
) -> frozenset[str]:
    """Renew the plain ones of some accounts together, in one transaction.

    Returns:
        Which they were; none if anything was wrong with one of them: nothing was done then. None
        either with a gateway that calls out, which would be called with their books locked.
    """
    if calls_out(gateway=gateway):
        return frozenset()
    try:
        with transaction() as conn:
            renewals = _renewals(conn, account_ids, calendar, gateway=gateway)
            write_renewals(conn, renewals, calendar.now)
            _note(conn, renewals, calendar)
    except (IntegrityError, LoadmusterError):
        # One by one it is said whose fault it is, and the others go on.
        return frozenset()
    return frozenset(each.account.id for each in renewals)


def _renewals(
    conn: Connection,
    account_ids: Sequence[str],
    calendar: Calendar,
    *,
    gateway: PaymentGateway,
) -> tuple[Renewal, ...]:
    """Lock the books, and say what becomes of those that are plain, in the order of their ids."""
    rows = conn.execute(_LOCK, {"accounts": account_ids}).all()
    locked = [row for row in rows if row.last_command_at <= calendar.now]
    touched = {row.id for row in locked if row.next_due_at is None}
    plain = plain_accounts(conn, [row.id for row in locked], calendar.now, touched=touched)
    renewals = (renewal_of(each, calendar, gateway=gateway) for each in plain)
    return tuple(each for each in renewals if each is not None)


def _note(conn: Connection, renewals: Sequence[Renewal], calendar: Calendar) -> None:
    """Keep when the accounts were brought up to date, and when something next falls due."""
    expiries = next_expiries(conn, [each.account.id for each in renewals])
    noted = [
        {
            "of": each.account.id,
            "last_command_at": calendar.now,
            "next_due_at": min(
                _next_period_at(each, calendar), expiries.get(each.account.id, NEVER)
            ),
        }
        for each in renewals
    ]
    if noted:
        conn.execute(_NOTE, noted)


def _next_period_at(renewal: Renewal, calendar: Calendar) -> datetime:
    running = renewal.account.running
    if running is None or not running.subscription.has_periods:
        return NEVER
    return calendar.next_period_at(running.subscription.anchor)
