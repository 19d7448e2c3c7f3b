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

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from kernel.errors import RefusedError
from pricing.plans.quotes import Unit
from pricing.tables import ACCOUNTS, BALANCE_SNAPSHOTS, POSTINGS, SNAPSHOT_MARKS, among

TAIL_MAX = 256
"""Postings behind the mark that a command leaves to be summed up; more are folded."""

_KNOWN_MARK = "loadmuster_mark"
"""Under which a connection keeps the mark that ``fold`` has left, with its account."""

READS_MAX = 10
"""How often a balance is read again because its snapshots changed meanwhile."""

LOT_PREFIX = "lot:"
"""Of the ledger accounts of lots; their numbers follow."""


class BalanceUnsettledError(RefusedError):
    """The snapshots changed each time that they were read; facts: ``account``."""

    code = "balance_unsettled"


_Snapshots, _Postings = BALANCE_SNAPSHOTS.c, POSTINGS.c
_account_id: BindParameter[Any] = bindparam("account_id")
_unit: BindParameter[Any] = bindparam("unit")

# The mark is read first and given as a number: PostgreSQL must know how little is behind it, or it
# reads far too much. That it has not changed in between is read along with the sums.
_MARK = select(
    func.coalesce(
        select(SNAPSHOT_MARKS.c.up_to_posting_id)
        .where(SNAPSHOT_MARKS.c.account_id == _account_id)
        .scalar_subquery(),
        0,
    ).label("mark")
)
_is_behind_the_mark = and_(_Postings.account_id == _account_id, _Postings.id > bindparam("mark"))


def _sum_of(of_snapshot: ColumnElement[bool], of_posting: ColumnElement[bool]) -> Select[Any]:
    """The sum of the snapshots and of the postings behind the mark that are like that."""
    folded = select(func.coalesce(func.sum(_Snapshots.amount), 0)).where(
        _Snapshots.account_id == _account_id, _Snapshots.unit == _unit, of_snapshot
    )
    tail = select(func.coalesce(func.sum(_Postings.amount), 0)).where(
        _is_behind_the_mark, _Postings.unit == _unit, of_posting
    )
    total = folded.scalar_subquery() + tail.scalar_subquery()
    return _MARK.add_columns(total.label("total"))


def _held_on_lots() -> Select[Any]:
    """Every lot account that holds anything; one row without any, if none does."""
    folded = select(_Snapshots.ledger_account, _Snapshots.amount).where(
        _Snapshots.account_id == _account_id,
        _Snapshots.unit == _unit,
        _Snapshots.ledger_account.startswith(LOT_PREFIX),
        # As the index of the snapshots that are not empty says it.
        _Snapshots.amount != literal_column("0"),
    )
    tail = select(_Postings.ledger_account, _Postings.amount).where(
        _is_behind_the_mark,
        _Postings.unit == _unit,
        _Postings.ledger_account.startswith(LOT_PREFIX),
    )
    both = union_all(folded, tail).subquery()
    total = func.sum(both.c.amount)
    held = (
        select(both.c.ledger_account, total.label("total"))
        .group_by(both.c.ledger_account)
        .having(total != 0)
        .subquery()
    )
    mark = _MARK.subquery()
    return select(mark.c.mark, held).select_from(mark.outerjoin(held, true()))


@cache
def _held_on_lots_of(dialect: str) -> Select[Any]:
    """Every lot account of some accounts that holds anything; a lot is one account's."""
    folded = select(_Snapshots.ledger_account, _Snapshots.amount).where(
        among(BALANCE_SNAPSHOTS.c.account_id, "accounts"),
        _Snapshots.unit == _unit,
        _Snapshots.ledger_account.startswith(LOT_PREFIX),
        _Snapshots.amount != literal_column("0"),
    )
    marked = ACCOUNTS.outerjoin(SNAPSHOT_MARKS, SNAPSHOT_MARKS.c.account_id == ACCOUNTS.c.id)
    is_tail = and_(
        _Postings.account_id == ACCOUNTS.c.id,
        _Postings.id > func.coalesce(SNAPSHOT_MARKS.c.up_to_posting_id, 0),
        _Postings.unit == _unit,
        _Postings.ledger_account.startswith(LOT_PREFIX),
    )
    is_wanted = among(ACCOUNTS.c.id, "accounts")
    if dialect == "postgresql":
        # Account by account: it would rather read all postings there are, and then join.
        tail_of = select(_Postings.ledger_account, _Postings.amount).where(is_tail).offset(0)
        behind = tail_of.correlate(ACCOUNTS, SNAPSHOT_MARKS).lateral()
        tail = select(behind.c.ledger_account, behind.c.amount)
        tail = tail.select_from(marked.join(behind, true())).where(is_wanted)
    else:
        tail = select(_Postings.ledger_account, _Postings.amount)
        tail = tail.select_from(marked.join(POSTINGS, is_tail)).where(is_wanted)
    both = union_all(folded, tail).subquery()
    total = func.sum(both.c.amount)
    return (
        select(both.c.ledger_account, total.label("total"))
        .group_by(both.c.ledger_account)
        .having(total != 0)
    )


_BALANCE = _sum_of(
    _Snapshots.ledger_account == bindparam("ledger_account"),
    _Postings.ledger_account == bindparam("ledger_account"),
)
_BALANCE_BELOW = _sum_of(
    _Snapshots.ledger_account.startswith(bindparam("prefix")),
    _Postings.ledger_account.startswith(bindparam("prefix")),
)
_HELD_ON_LOTS = _held_on_lots()


MARKED = _MARK.subquery("marked")
"""The row that ``TAIL_COLUMNS`` are read from."""

_ONE_TOO_MANY = (
    select(_Postings.id)
    .where(_Postings.account_id == _account_id, _Postings.id > MARKED.c.mark)
    .order_by(_Postings.id)
    .limit(1)
    # A limit needs no guess at how much follows.
    .offset(bindparam("tail_max"))
)
TAIL_COLUMNS = (
    MARKED.c.mark,
    _ONE_TOO_MANY.scalar_subquery().is_not(None).label("is_too_long"),
)
"""The mark of an account's snapshots, and whether more than ``tail_max`` postings are behind it;
for a statement that reads something else with them. It is given ``account_id``."""

_TAIL = select(*TAIL_COLUMNS)
_NEWEST = select(func.max(_Postings.id)).where(_Postings.account_id == _account_id)


def balance(conn: Connection, account_id: str, ledger_account: str, unit: Unit) -> int:
    """The sum of a ledger account's postings."""
    wanted = {"ledger_account": ledger_account, "unit": unit}
    return int(_read(conn, _BALANCE, account_id, wanted)[0].total)


def balance_below(conn: Connection, account_id: str, prefix: str, unit: Unit) -> int:
    """The sum of the postings of all ledger accounts whose names begin with ``prefix``."""
    wanted = {"prefix": prefix, "unit": unit}
    return int(_read(conn, _BALANCE_BELOW, account_id, wanted)[0].total)


def held_on_lots(conn: Connection, account_id: str) -> dict[int, int]:
    """The LI-minutes on each lot of an account that is not empty, by the lot's number.

    Costs what the account holds, not what it ever held: empty lots are not looked at.
    """
    rows = _read(conn, _HELD_ON_LOTS, account_id, {"unit": Unit.LI_MINUTES})
    return {
        int(row.ledger_account.removeprefix(LOT_PREFIX)): int(row.total)
        for row in rows
        if row.total is not None
    }


def held_on_lots_of(conn: Connection, account_ids: Sequence[str]) -> dict[int, int]:
    """The LI-minutes on each lot of some accounts that is not empty, by the lot's number.

    Args:
        conn: An open write transaction that holds the accounts' books, so that no snapshot changes.
        account_ids: Whose.
    """
    if not account_ids:
        return {}
    wanted = {"accounts": account_ids, "unit": Unit.LI_MINUTES}
    rows = conn.execute(_held_on_lots_of(conn.dialect.name), wanted).all()
    return {int(name.removeprefix(LOT_PREFIX)): int(total) for name, total in rows}


def fold(conn: Connection, account_id: str, *, tail_max: int = TAIL_MAX) -> bool:
    """Add an account's postings to its snapshots, if more than ``tail_max`` are behind the mark.

    Args:
        conn: An open write transaction that holds the account's books (``ledger.lock_ledger``).
            That makes the mark safe: whoever writes to the books refers to the account first, and
            only then are the postings numbered. So none with a lower number is still to come.
        account_id: Whose.
        tail_max: How many postings may stay behind the mark.

    Returns:
        Whether it was done.
    """
    mark, is_too_long = conn.execute(_TAIL, {"account_id": account_id, "tail_max": tail_max}).one()
    return fold_tail(conn, account_id, mark, is_too_long=is_too_long)


def fold_tail(conn: Connection, account_id: str, mark: int, *, is_too_long: bool) -> bool:
    """Like ``fold``, where ``TAIL_COLUMNS`` have been read under the same lock."""
    if not is_too_long:
        _know_mark(conn, account_id, mark)
        return False
    newest = conn.execute(_NEWEST, {"account_id": account_id}).scalar_one()
    if not _move_mark(conn, account_id, mark, newest):
        return False
    _know_mark(conn, account_id, newest)
    sums = (
        select(
            _Postings.account_id,
            _Postings.unit,
            _Postings.ledger_account,
            func.sum(_Postings.amount).label("amount"),
        )
        .where(
            _Postings.account_id == account_id,
            _Postings.id > mark,
            _Postings.id <= newest,
        )
        .group_by(_Postings.account_id, _Postings.unit, _Postings.ledger_account)
    )
    insert = (sqlite if conn.dialect.name == "sqlite" else postgresql).insert
    snapshots = insert(BALANCE_SNAPSHOTS).from_select(list(sums.selected_columns.keys()), sums)
    conn.execute(
        snapshots.on_conflict_do_update(
            index_elements=["account_id", "unit", "ledger_account"],
            set_={"amount": _Snapshots.amount + snapshots.excluded.amount},
        )
    )
    return True


def _move_mark(conn: Connection, account_id: str, mark: int, newest: int) -> bool:
    """Move the mark, unless somebody deletes the snapshots just now; then they are not added to.

    From here on whoever wants to delete them waits for this transaction.
    """
    if not mark:
        conn.execute(SNAPSHOT_MARKS.insert().values(account_id=account_id, up_to_posting_id=newest))
        return True
    moved = conn.execute(
        SNAPSHOT_MARKS.update()
        .where(SNAPSHOT_MARKS.c.account_id == account_id, SNAPSHOT_MARKS.c.up_to_posting_id == mark)
        .values(up_to_posting_id=newest)
    )
    return moved.rowcount == 1


def _know_mark(conn: Connection, account_id: str, mark: int) -> None:
    """Spare the reads that follow asking for it; if it is another by then, they notice."""
    conn.execution_options(**{_KNOWN_MARK: (account_id, mark)})


def _read(
    conn: Connection, statement: Select[Any], account_id: str, wanted: Mapping[str, object]
) -> Sequence[Row[Any]]:
    """The rows of a statement that reads the snapshots of one mark and the postings behind it.

    Raises:
        BalanceUnsettledError: If the mark was another one each time.
    """
    account = {"account_id": account_id}
    of, mark = conn.get_execution_options().get(_KNOWN_MARK, (None, 0))
    if of != account_id:
        mark = conn.execute(_MARK, account).scalar_one()
    for _ in range(READS_MAX):
        rows = conn.execute(statement, {**account, "mark": mark, **wanted}).all()
        if rows[0].mark == mark:
            return rows
        mark = rows[0].mark
    raise BalanceUnsettledError(
        f"account {account_id}: the snapshots of its balances changed {READS_MAX} times while they"
        " were read; try again",
        account=account_id,
    )
