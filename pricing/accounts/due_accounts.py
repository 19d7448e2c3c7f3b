"""The accounts that a sweep must look at, page by page by an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select, true, tuple_

from pricing.accounts.account import CLOCK_TOLERANCE
from pricing.tables import ACCOUNTS

_Accounts = ACCOUNTS.c
Transaction = Callable[[], AbstractContextManager[Connection]]


def due_accounts(
    transaction: Transaction, now: datetime, *, page: int, is_test: bool | None
) -> Iterator[Sequence[str]]:
    """Pages of ids of the accounts for which something may be due by ``now``, each once.

    First those that a command was done on since the last sweep, then the others in the order in
    which something falls due, and at last those that were dealt with at a later instant: their
    clock is wrong, or this one.

    Args:
        transaction: Opens a transaction; each page has one.
        now: The instant.
        page: Ids a page.
        is_test: Whether ``now`` is a test clock's; see ``lives_by``.
    """
    due_at, account_id = _Accounts.next_due_at, _Accounts.id
    is_known = and_(due_at <= now, lives_by(is_test=is_test))
    ahead = and_(
        due_at > now, _Accounts.last_command_at > now + CLOCK_TOLERANCE, lives_by(is_test=is_test)
    )
    is_unknown = and_(due_at.is_(None), lives_by(is_test=is_test))
    yield from _pages(transaction, is_unknown, (account_id,), page)
    yield from _pages(transaction, is_known, (due_at, account_id), page)
    yield from _pages(transaction, ahead, (account_id,), page)


def count_accounts(conn: Connection, *, is_test: bool | None) -> int:
    """How many accounts live by a clock."""
    count = select(func.count()).select_from(ACCOUNTS).where(lives_by(is_test=is_test))
    return conn.execute(count).scalar_one()


def lives_by(*, is_test: bool | None) -> ColumnElement[bool]:
    """Whether an account lives by a test clock, or by the real one; None: by either.

    One of an earlier version, whose clock is not known, may be of the real world.
    """
    if is_test is None:
        return true()
    return (
        _Accounts.test_clock
        if is_test
        else or_(_Accounts.test_clock.is_(None), ~_Accounts.test_clock)
    )


def _pages(
    transaction: Transaction,
    wanted: ColumnElement[bool],
    order: Sequence[ColumnElement[object]],
    page: int,
) -> Iterator[Sequence[str]]:
    """The ids of the wanted accounts in an order; each page begins behind the last one."""
    ids = select(*order).where(wanted).order_by(*order).limit(page)
    behind: ColumnElement[bool] = true()
    while True:
        with transaction() as conn:
            rows = conn.execute(ids.where(behind)).all()
        if not rows:
            return
        yield [row.id for row in rows]
        last = zip(rows[-1], order, strict=True)
        behind = tuple_(*order) > tuple_(*(literal(value, column.type) for value, column in last))
