"""Balances: sums of postings, kept cheap by snapshots.

A balance is the sum of a ledger account's postings, nothing else. So that it costs the same after a
million postings as after a hundred, the postings of an account up to a mark are summed up in
``balance_snapshots``, one row a ledger account and unit; the mark is in ``snapshot_marks``. What is
read is the snapshot and the postings behind the mark.

Snapshots are no history: they can be deleted at any time, and the next ``fold`` makes them anew.
They change what a balance costs, never what it is. The database deletes them as a whole: a mark
goes with its snapshots, and a snapshot takes its mark with it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from pricing.books.tables import BALANCE_SNAPSHOTS, POSTINGS, SNAPSHOT_MARKS
from pricing.quotes import Unit

TAIL_MAX = 256
"""Postings behind the mark that a command leaves to be summed up; more are folded."""

LOT_PREFIX = "lot:"
"""Of the ledger accounts of lots; their numbers follow."""

_Snapshots, _Postings = BALANCE_SNAPSHOTS.c, POSTINGS.c

_account_id: BindParameter[Any] = bindparam("account_id")


def _behind_the_mark(account_id: str | BindParameter[Any]) -> ColumnElement[bool]:
    """Whether a posting is the account's, and in no snapshot."""
    mark = select(SNAPSHOT_MARKS.c.up_to_posting_id).where(
        SNAPSHOT_MARKS.c.account_id == account_id
    )
    return and_(
        _Postings.account_id == account_id,
        _Postings.id > func.coalesce(mark.scalar_subquery(), 0),
    )


def _sum_of(of_snapshot: ColumnElement[bool], of_posting: ColumnElement[bool]) -> Select[Any]:
    """The sum of the snapshots and of the postings behind the mark that are like that."""
    folded = select(func.coalesce(func.sum(_Snapshots.amount), 0)).where(
        _Snapshots.account_id == _account_id,
        _Snapshots.unit == bindparam("unit"),
        of_snapshot,
    )
    tail = select(func.coalesce(func.sum(_Postings.amount), 0)).where(
        _behind_the_mark(_account_id), _Postings.unit == bindparam("unit"), of_posting
    )
    return select(folded.scalar_subquery() + tail.scalar_subquery())


_BALANCE = _sum_of(
    _Snapshots.ledger_account == bindparam("ledger_account"),
    _Postings.ledger_account == bindparam("ledger_account"),
)
_BALANCE_BELOW = _sum_of(
    _Snapshots.ledger_account.startswith(bindparam("prefix")),
    _Postings.ledger_account.startswith(bindparam("prefix")),
)
_TOO_LONG = (
    select(_Postings.id)
    .where(_behind_the_mark(_account_id))
    .order_by(_Postings.id)
    .limit(1)
    .offset(bindparam("tail_max"))
)
_FOLDED_UP_TO = select(SNAPSHOT_MARKS.c.up_to_posting_id).where(
    SNAPSHOT_MARKS.c.account_id == _account_id
)
_NEWEST = select(func.max(_Postings.id)).where(_Postings.account_id == _account_id)


def balance(conn: Connection, account_id: str, ledger_account: str, unit: Unit) -> int:
    """The sum of a ledger account's postings."""
    key = {"account_id": account_id, "ledger_account": ledger_account, "unit": unit}
    return int(conn.execute(_BALANCE, key).scalar_one())


def balance_below(conn: Connection, account_id: str, prefix: str, unit: Unit) -> int:
    """The sum of the postings of all ledger accounts whose names begin with ``prefix``."""
    key = {"account_id": account_id, "prefix": prefix, "unit": unit}
    return int(conn.execute(_BALANCE_BELOW, key).scalar_one())


def lots_held(account_id: str) -> Subquery:
    """To be joined: ``lot_id`` and ``remaining``, of each lot of the account that holds anything.

    Costs what the account holds, not what it ever held: empty lots are not looked at.
    """
    number = len(LOT_PREFIX) + 1
    folded = select(_Snapshots.ledger_account, _Snapshots.amount).where(
        _Snapshots.account_id == account_id,
        _Snapshots.unit == Unit.LI_MINUTES,
        _Snapshots.ledger_account.startswith(LOT_PREFIX),
        # As the index of the snapshots that are not empty says it.
        _Snapshots.amount != literal_column("0"),
    )
    tail = select(_Postings.ledger_account, _Postings.amount).where(
        _behind_the_mark(account_id),
        _Postings.unit == Unit.LI_MINUTES,
        _Postings.ledger_account.startswith(LOT_PREFIX),
    )
    both = union_all(folded, tail).subquery()
    sums = (
        select(both.c.ledger_account, func.sum(both.c.amount).label("remaining"))
        .group_by(both.c.ledger_account)
        .having(func.sum(both.c.amount) != 0)
        .subquery()
    )
    lot_id = cast(func.substr(sums.c.ledger_account, number), BigInteger)
    return select(lot_id.label("lot_id"), sums.c.remaining).subquery("held")


def fold(conn: Connection, account_id: str, *, tail_max: int = TAIL_MAX) -> bool:
    """Add an account's postings to its snapshots, if more than ``tail_max`` are behind the mark.

    Args:
        conn: An open write transaction that holds the account's books (``ledger.lock_books``).
            That makes the mark safe: whoever writes to the books refers to the account first, and
            only then are the postings numbered. So none with a lower number is still to come.
        account_id: Whose.
        tail_max: How many postings may stay behind the mark.

    Returns:
        Whether it was done.
    """
    account = {"account_id": account_id}
    if conn.execute(_TOO_LONG, {**account, "tail_max": tail_max}).scalar_one_or_none() is None:
        return False
    folded_up_to = conn.execute(_FOLDED_UP_TO, account).scalar_one_or_none() or 0
    newest = conn.execute(_NEWEST, account).scalar_one()
    insert = (sqlite if conn.dialect.name == "sqlite" else postgresql).insert
    mark = insert(SNAPSHOT_MARKS).values(account_id=account_id, up_to_posting_id=newest)
    conn.execute(
        mark.on_conflict_do_update(index_elements=["account_id"], set_={"up_to_posting_id": newest})
    )
    sums = (
        select(
            _Postings.account_id,
            _Postings.ledger_account,
            _Postings.unit,
            func.sum(_Postings.amount).label("amount"),
        )
        .where(
            _Postings.account_id == account_id,
            _Postings.id > folded_up_to,
            _Postings.id <= newest,
        )
        .group_by(_Postings.account_id, _Postings.ledger_account, _Postings.unit)
    )
    snapshots = insert(BALANCE_SNAPSHOTS).from_select(list(sums.selected_columns.keys()), sums)
    conn.execute(
        snapshots.on_conflict_do_update(
            index_elements=["account_id", "unit", "ledger_account"],
            set_={"amount": _Snapshots.amount + snapshots.excluded.amount},
        )
    )
    return True
