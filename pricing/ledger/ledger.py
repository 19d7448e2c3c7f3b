"""The ledger: double entry for US dollars and for LI-minutes, append-only.

A transaction moves amounts between named ledger accounts of one customer account; in each unit its
postings sum to zero. Positive is what an account gains: ``receivable`` what the customer owes,
``lot:7`` the LI-minutes of lot 7, ``used:use`` what runs have used. Negative is where it came from:
``revenue:subscription``, ``issued``. A balance is the sum of an account's postings, nothing else.
A mistake is corrected by another transaction. ``balances`` says how that stays cheap.

A transaction happens at most once: its natural key (``run:r1:start``) is unique in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, bindparam, select

from kernel.errors import InvariantBrokenError
from pricing.ledger.balances import balance
from pricing.ledger.closing import posting_instant
from pricing.ledger.command_log import command_writing
from pricing.plans.quotes import Unit
from pricing.tables import (
    ACCOUNTS,
    POSTINGS,
    TRANSACTIONS,
    insert_many,
    insert_once,
    insert_unless_taken,
    new_ids,
)

__all__ = [
    "NaturalKeyConflictError",
    "Posting",
    "Transaction",
    "UnbalancedTransactionError",
    "balance",
    "entries",
    "entries_after",
    "entries_of",
    "lock_ledger",
    "post",
    "post_all",
    "write_new",
]

_HEADER = (
    *("account_id", "natural_key", "cause", "description", "effective_at", "recorded_at"),
    *("posting_at", "command_id"),
)
_LINE = ("transaction_id", "account_id", "ledger_account", "unit", "amount")
_ENTRIES = (
    select(TRANSACTIONS, POSTINGS.c.ledger_account, POSTINGS.c.unit, POSTINGS.c.amount)
    .join(POSTINGS, POSTINGS.c.transaction_id == TRANSACTIONS.c.id)
    .order_by(TRANSACTIONS.c.id, POSTINGS.c.id)
)
_ENTRIES_OF_ACCOUNT = _ENTRIES.where(TRANSACTIONS.c.account_id == bindparam("of"))
_ENTRIES_OF_CAUSE = _ENTRIES.where(TRANSACTIONS.c.cause == bindparam("of"))
_ENTRY_OF_KEY = _ENTRIES.where(TRANSACTIONS.c.natural_key == bindparam("of"))
_LOCK_LEDGER = (
    select(ACCOUNTS.c.last_command_at)
    .where(ACCOUNTS.c.id == bindparam("account_id"))
    .with_for_update()
)


class UnbalancedTransactionError(InvariantBrokenError):
    """The postings of a transaction do not sum to zero in each unit."""

    code = "unbalanced_transaction"


class NaturalKeyConflictError(InvariantBrokenError):
    """What happened once is about to happen again, and differently; facts: ``natural_key``."""

    code = "natural_key_conflict"


class Posting(Struct, frozen=True, gc=False):
    """One line of a transaction: what a ledger account gains, in one unit; never zero."""

    ledger_account: str
    unit: Unit
    amount: int


class Transaction(Struct, frozen=True, gc=False):
    """One event in the books.

    Attributes:
        account_id: Whose books.
        natural_key: What makes it one of a kind, for ever.
        cause: What it belongs to: ``run:r1``, ``subscription:1:period:0``.
        description: One line for people.
        effective_at: When it counts: a renewal counts at the period's start, however late it is
            written.
        recorded_at: When it was written.
        postings: Sum to zero in each unit.
    """

    account_id: str
    natural_key: str
    cause: str
    description: str
    effective_at: datetime
    recorded_at: datetime
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        """Refuse what would unbalance the books."""
        sums: dict[Unit, int] = {}
        is_empty = not self.postings
        for posting in self.postings:
            sums[posting.unit] = sums.get(posting.unit, 0) + posting.amount
            is_empty = is_empty or not posting.amount
        if is_empty or any(sums.values()):
            raise UnbalancedTransactionError(
                f"transaction {self.natural_key} does not balance: {dict(sums)}",
                natural_key=self.natural_key,
            )


def post(conn: Connection, transaction: Transaction) -> bool:
    """Write a transaction, unless it has been written before.

    Returns:
        Whether it was written now.

    Raises:
        NaturalKeyConflictError: If its key stands for other postings.
    """
    command = command_writing(conn, [transaction.account_id], transaction.recorded_at)
    row = insert_once(conn, TRANSACTIONS, ["natural_key"], _header(conn, transaction, command))
    if row is None:
        _check_same(conn, transaction)
        return False
    insert_many(conn, POSTINGS, _LINE, _line_rows(transaction, row.id))
    return True


def post_all(conn: Connection, transactions: Iterable[Transaction]) -> frozenset[str]:
    """Write many transactions at once, each unless it has been written before.

    Returns:
        The natural keys of those that were written now.

    Raises:
        NaturalKeyConflictError: If a key stands for other postings; the caller's transaction must
            not be committed.
    """
    wanted: dict[str, Transaction] = {}
    for each in transactions:
        _check_equal(wanted.setdefault(each.natural_key, each), each)
    if not wanted:
        return frozenset()
    at = max(each.recorded_at for each in wanted.values())
    command = command_writing(conn, (each.account_id for each in wanted.values()), at)
    statement = insert_unless_taken(conn.dialect.name, TRANSACTIONS, ("natural_key",))
    rows = conn.execute(statement, [_header(conn, each, command) for each in wanted.values()])
    ids = {row.natural_key: row.id for row in rows}
    insert_many(
        conn,
        POSTINGS,
        _LINE,
        [line for key, number in ids.items() for line in _line_rows(wanted[key], number)],
    )
    for key in wanted.keys() - ids.keys():
        _check_same(conn, wanted[key])
    return frozenset(ids)


def write_new(conn: Connection, transactions: Sequence[Transaction]) -> None:
    """Write many transactions that are in no books yet, in the order in which they are given.

    Raises:
        IntegrityError: Of the database, if a natural key is taken; nothing may be kept.
    """
    if not transactions:
        return
    at = max(each.recorded_at for each in transactions)
    command = command_writing(conn, (each.account_id for each in transactions), at)
    ids = list(new_ids(conn, TRANSACTIONS, len(transactions)))
    numbered = list(zip(ids, transactions, strict=True))
    headers = [
        (
            number,
            each.account_id,
            each.natural_key,
            each.cause,
            each.description,
            each.effective_at,
            each.recorded_at,
            posting_instant(conn, each.effective_at, each.recorded_at),
            command,
        )
        for number, each in numbered
    ]
    lines = [line for number, each in numbered for line in _line_rows(each, number)]
    insert_many(conn, TRANSACTIONS, ("id", *_HEADER), headers)
    insert_many(conn, POSTINGS, _LINE, lines)


def entries(conn: Connection, account_id: str) -> tuple[Transaction, ...]:
    """Every transaction of an account, in the order in which they were written."""
    return _select(conn, _ENTRIES_OF_ACCOUNT, account_id)


def entries_after(conn: Connection, account_id: str, instant: datetime) -> tuple[Transaction, ...]:
    """The transactions of an account that count after an instant, in the order of writing."""
    later = _ENTRIES_OF_ACCOUNT.where(TRANSACTIONS.c.effective_at > instant)
    return _select(conn, later, account_id)


def entries_of(conn: Connection, cause: str) -> tuple[Transaction, ...]:
    """Every transaction that belongs to one cause, in the order in which they were written."""
    return _select(conn, _ENTRIES_OF_CAUSE, cause)


def lock_ledger(conn: Connection, account_id: str) -> datetime | None:
    """Let nobody else write to an account's books until this transaction ends.

    On SQLite the whole database is locked already.

    Returns:
        The instant of the account's last command; None: there is no such account.
    """
    last_command_at: datetime | None = conn.execute(
        _LOCK_LEDGER, {"account_id": account_id}
    ).scalar_one_or_none()
    return last_command_at


def _header(conn: Connection, transaction: Transaction, command: int | None) -> dict[str, object]:
    """The row of a transaction itself, under the command that writes it."""
    return {
        "account_id": transaction.account_id,
        "natural_key": transaction.natural_key,
        "cause": transaction.cause,
        "description": transaction.description,
        "effective_at": transaction.effective_at,
        "recorded_at": transaction.recorded_at,
        "posting_at": posting_instant(conn, transaction.effective_at, transaction.recorded_at),
        "command_id": command,
    }


def _line_rows(transaction: Transaction, transaction_id: int) -> list[tuple[object, ...]]:
    """The rows of its postings, in the order of ``_LINE``."""
    account_id = transaction.account_id
    return [
        (transaction_id, account_id, posting.ledger_account, posting.unit, posting.amount)
        for posting in transaction.postings
    ]


def _check_same(conn: Connection, transaction: Transaction) -> None:
    """The transaction that has this key already is this one."""
    (written,) = _select(conn, _ENTRY_OF_KEY, transaction.natural_key)
    _check_equal(written, transaction)


def _check_equal(written: Transaction, transaction: Transaction) -> None:
    if (written.account_id, written.postings) != (transaction.account_id, transaction.postings):
        raise NaturalKeyConflictError(
            f"transaction {transaction.natural_key} is in the books already, with other postings",
            natural_key=transaction.natural_key,
        )


def _select(conn: Connection, statement: Select[Any], of: str) -> tuple[Transaction, ...]:
    rows = conn.execute(statement, {"of": of}).all()
    found = []
    for _, group in groupby(rows, key=lambda row: row.id):
        lines = list(group)
        found.append(
            Transaction(
                account_id=lines[0].account_id,
                natural_key=lines[0].natural_key,
                cause=lines[0].cause,
                description=lines[0].description,
                effective_at=lines[0].effective_at,
                recorded_at=lines[0].recorded_at,
                postings=tuple(
                    Posting(line.ledger_account, Unit(line.unit), line.amount) for line in lines
                ),
            )
        )
    return tuple(found)
