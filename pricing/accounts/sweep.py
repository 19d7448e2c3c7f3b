"""The sweep: every account for which something is due, a page of them in one transaction.

Plain accounts, which are nearly all of them, are renewed together. The others, and a page with
which anything is wrong, are advanced one by one, each in a transaction of its own. Either way what
is written is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from kernel.errors import LoadmusterError
from kernel.in_order import in_order
from pricing.accounts.advance import advance
from pricing.accounts.damaged_books import UNREADABLE, damaged
from pricing.accounts.due import NEVER, next_expiries, note_due
from pricing.accounts.due_accounts import due_accounts
from pricing.payments.gateway import PaymentGateway
from pricing.periods import check_year
from pricing.subscriptions.plain import plain_accounts
from pricing.subscriptions.renewals import Calendar, Renewal, renewal_of, write_renewals
from pricing.tables import ACCOUNTS, among, update_many

REASONS: tuple[type[Exception], ...] = (LoadmusterError, *UNREADABLE)
"""Why a page cannot be renewed together."""

Transaction = Callable[[], AbstractContextManager[Connection]]

_BOOKS = (
    select(
        ACCOUNTS.c.id,
        ACCOUNTS.c.next_due_at.is_(None).label("is_touched"),
        (ACCOUNTS.c.last_command_at > bindparam("now")).label("is_later"),
    )
    .where(among(ACCOUNTS.c.id, "accounts"))
    .order_by(ACCOUNTS.c.id)
)
_LOCK = _BOOKS.with_for_update()
_LOCK_THE_FREE = _BOOKS.with_for_update(skip_locked=True)


ASKED_AT_ONCE = 8
"""Accounts for which a payment gateway is asked at the same time: most of that time is waiting."""


class Advanced(Struct, frozen=True):
    """An account whose books were brought up to date, or why they were not."""

    account_id: str
    failure: LoadmusterError | None = None


def advance_all(
    transaction: Transaction,
    now: datetime,
    *,
    page: int = 500,
    workers: int = 1,
    gateway: PaymentGateway,
    is_test: bool | None = None,
    settle: Callable[[str], None] | None = None,
) -> Iterator[Advanced]:
    """Bring the books up to ``now`` of every account for which something is due by then.

    The others are not looked at: theirs are up to date. An account that fails is left as it was,
    and the others go on. As many pages of accounts are held in memory as there are workers, however
    many accounts there are. Who finds books locked by somebody else goes on with others, and comes
    back to those that are still due at the end.

    Args:
        transaction: Opens a write transaction; from several threads, if there are several workers.
        now: The instant.
        page: Accounts that are renewed together.
        workers: Threads, each with a page in a transaction of its own. For a database that takes
            one writer there is one.
        gateway: Collects the money.
        is_test: Whether ``now`` is a test clock's: accounts that live by the other are left out.
            One of an earlier version, whose clock is not known, may be of the real world: it is
            advanced by the real clock only. None: none is left out.
        settle: Advances one account, asking the gateway in between, ``ASKED_AT_ONCE`` of them at a
            time in threads of their own; who has nothing to pay is renewed together all the same.
            None: the gateway calls nobody.

    Returns:
        Those that were looked at.

    Raises:
        YearOutOfRangeError: If ``now`` is in an impossible year.
    """
    check_year(now.year, where="the clock")
    sweep = _Sweep(transaction, Calendar(now.astimezone(UTC)), settle, gateway=gateway)
    pages_at_once = workers if settle is None else 1
    for waits in (False, True):
        pages = due_accounts(transaction, now, page=page, is_test=is_test)
        for done in in_order(partial(sweep.advance_page, waits=waits), pages, pages_at_once):
            yield from done
        if not sweep.skipped:
            return


class _Sweep:
    """One sweep over the accounts.

    Attributes:
        skipped: Whether the books of any account were locked by somebody else.
    """

    def __init__(
        self,
        transaction: Transaction,
        calendar: Calendar,
        settle: Callable[[str], None] | None,
        *,
        gateway: PaymentGateway,
    ) -> None:
        self._transaction = transaction
        self._settle = settle
        self._calendar = calendar
        self._gateway = gateway
        self._failed: set[str] = set()
        self.skipped = False

    def advance_page(self, account_ids: Sequence[str], *, waits: bool) -> list[Advanced]:
        """Advance some accounts; those that had failed before are not tried again.

        Args:
            account_ids: Which.
            waits: Wait for books that somebody else has locked; otherwise leave them out.
        """
        wanted = [each for each in account_ids if each not in self._failed]
        page = renew_plain(
            self._transaction, wanted, self._calendar, waits=waits, gateway=self._gateway
        )
        self.skipped = self.skipped or bool(page.skipped)
        done = page.renewed | page.skipped
        left = [each for each in wanted if each not in done]
        at_once = 1 if self._settle is None else ASKED_AT_ONCE
        alone = {each.account_id: each for each in in_order(self._advance_one, left, at_once)}
        self._failed.update(of for of, each in alone.items() if each.failure is not None)
        return [alone.get(of, Advanced(of)) for of in wanted if of not in page.skipped]

    def _advance_one(self, account_id: str) -> Advanced:
        if self._settle is not None:
            return _tried(self._settle, account_id)
        now = self._calendar.now
        return advance_one(self._transaction, account_id, now, gateway=self._gateway)


def advance_one(
    transaction: Transaction, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> Advanced:
    """Bring one account's books up to ``now``, and note when something next falls due."""

    def do(account_id: str) -> None:
        with transaction() as conn:
            advance(conn, account_id, now, gateway=gateway)
            note_due(conn, [account_id])

    return _tried(do, account_id)


def _tried(do: Callable[[str], None], account_id: str) -> Advanced:
    """Advance an account, or say why it was not."""
    try:
        do(account_id)
    except LoadmusterError as failure:
        return Advanced(account_id, failure)
    except UNREADABLE as error:
        return Advanced(account_id, damaged(account_id, error))
    return Advanced(account_id)


class Page(Struct, frozen=True):
    """What became of a page of accounts; the others are to be advanced one by one."""

    renewed: frozenset[str]
    skipped: frozenset[str]


def renew_plain(
    transaction: Transaction,
    account_ids: Sequence[str],
    calendar: Calendar,
    *,
    waits: bool,
    gateway: PaymentGateway,
) -> Page:
    """Renew the plain ones of some accounts together, in one transaction.

    Args:
        transaction: Opens a write transaction.
        account_ids: Which.
        calendar: The sweep's.
        waits: Wait for books that somebody else has locked; otherwise they are skipped.
        gateway: Collects the money.

    Returns:
        Who was renewed: nobody if anything was wrong with one of them, and nothing was done then.
        Of whom a gateway that calls out must be asked is not: their books are locked.
    """
    skipped: frozenset[str] = frozenset()
    try:
        with transaction() as conn:
            locked = _lock(conn, account_ids, calendar.now, waits=waits)
            skipped = frozenset(account_ids) - locked.keys()
            renewals = _renewals(conn, locked, calendar, gateway=gateway)
            write_renewals(conn, renewals, calendar.now)
            _note(conn, renewals, calendar)
    except REASONS:
        # One by one it is said whose fault it is, and the others go on.
        return Page(frozenset(), skipped)
    return Page(frozenset(each.account.id for each in renewals), skipped)


def _lock(
    conn: Connection, account_ids: Sequence[str], now: datetime, *, waits: bool
) -> dict[str, _Locked]:
    """Lock the books of those accounts that are to be had."""
    wanted = {"accounts": account_ids, "now": now}
    rows = conn.execute(_LOCK if waits else _LOCK_THE_FREE, wanted)
    return {
        account_id: _Locked(is_touched=is_touched, is_later=is_later)
        for account_id, is_touched, is_later in rows
    }


class _Locked(Struct, frozen=True):
    """An account whose books are locked.

    Attributes:
        is_touched: Whether a command was done since the last sweep.
        is_later: Whether it has been dealt with at a later instant.
    """

    is_touched: bool
    is_later: bool


def _renewals(
    conn: Connection,
    locked: Mapping[str, _Locked],
    calendar: Calendar,
    *,
    gateway: PaymentGateway,
) -> tuple[Renewal, ...]:
    """What becomes of those that are plain, in the order of their ids."""
    ids = [of for of, each in locked.items() if not each.is_later]
    touched = {of for of, each in locked.items() if each.is_touched}
    plain = plain_accounts(conn, ids, calendar.now, touched=touched)
    renewals = (renewal_of(each, calendar, gateway=gateway) for each in plain)
    return tuple(each for each in renewals if each is not None)


def _note(conn: Connection, renewals: Sequence[Renewal], calendar: Calendar) -> None:
    """Keep when the accounts were brought up to date, and when something next falls due."""
    expiries = next_expiries(conn, [each.account.id for each in renewals])
    noted = [
        (
            each.account.id,
            calendar.now,
            min(_next_period_at(each, calendar), expiries.get(each.account.id, NEVER)),
        )
        for each in renewals
    ]
    update_many(conn, ACCOUNTS, ("id",), ("last_command_at", "next_due_at"), noted)


def _next_period_at(renewal: Renewal, calendar: Calendar) -> datetime:
    running = renewal.account.running
    if running is None or not running.subscription.has_periods:
        return NEVER
    return calendar.next_period_at(running.subscription.anchor)
