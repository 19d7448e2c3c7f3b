"""The ledger as rows, one a posting, for programs of others: exported, and added up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select

from pricing.ledger.persons import names_of
from pricing.plans.quotes import Unit
from pricing.tables import COMMANDS, POSTINGS, TRANSACTIONS

Balances = Mapping[tuple[str, str, str], int]
"""From account, ledger account and unit to what the postings there come to, none of them zero."""


class PostingRow(Struct, frozen=True):
    """One posting with all that its transaction says; the fields are the columns of an export.

    Attributes:
        posting: Its number; rows ascend by it.
        transaction: The number of its transaction.
        natural_key: What makes that one of a kind.
        account: Whose books.
        ledger_account: What gains the amount: ``receivable``, ``lot:7``.
        unit: Of the amount: ``usd_micros``, ``eur_micros``, ``li_minutes``.
        currency: Of money; empty for LI-minutes.
        amount: Whole units; the rows of a transaction sum to zero in each unit.
        cause: What the transaction belongs to.
        description: One line for people.
        effective_at: When it counts.
        posting_at: When it is posted, which is another instant where that month was closed.
        recorded_at: When it was written, by the account's clock.
        written_at: When it was written, by the database's clock; None: an earlier version wrote it.
        command: Number of the command that wrote it; None: likewise.
        command_name: What that was.
        actor: Who sent it.
        via: What it came through.
        request_id: The caller's id of it.
    """

    posting: int
    transaction: int
    natural_key: str
    account: str
    ledger_account: str
    unit: str
    currency: str
    amount: int
    cause: str
    description: str
    effective_at: datetime
    posting_at: datetime
    recorded_at: datetime
    written_at: datetime | None
    command: int | None
    command_name: str | None
    actor: str | None
    via: str | None
    request_id: str | None


_ROWS = (
    select(
        POSTINGS.c.id.label("posting"),
        TRANSACTIONS.c.id.label("transaction"),
        TRANSACTIONS.c.natural_key,
        TRANSACTIONS.c.account_id.label("account"),
        POSTINGS.c.ledger_account,
        POSTINGS.c.unit,
        POSTINGS.c.amount,
        TRANSACTIONS.c.cause,
        TRANSACTIONS.c.description,
        TRANSACTIONS.c.effective_at,
        func.coalesce(
            TRANSACTIONS.c.posting_at,
            TRANSACTIONS.c.effective_at,
            type_=TRANSACTIONS.c.effective_at.type,
        ).label("posting_at"),
        TRANSACTIONS.c.recorded_at,
        COMMANDS.c.recorded_at.label("written_at"),
        COMMANDS.c.id.label("command"),
        COMMANDS.c.command.label("command_name"),
        COMMANDS.c.actor_id,
        COMMANDS.c.via,
        COMMANDS.c.request_id,
    )
    .join(TRANSACTIONS, TRANSACTIONS.c.id == POSTINGS.c.transaction_id)
    .outerjoin(COMMANDS, COMMANDS.c.id == TRANSACTIONS.c.command_id)
    .order_by(POSTINGS.c.id)
)


def posting_rows(
    conn: Connection, *, page: int, account_id: str | None = None, up_to: int | None = None
) -> Iterator[Sequence[PostingRow]]:
    """Pages of the ledger's postings, in the order in which they were written.

    Args:
        conn: A connection; a page of rows is held in memory.
        page: Rows at a time.
        account_id: Whose; None: of all accounts.
        up_to: The last posting that is wanted; None: all that there are.
    """
    wanted = _ROWS if account_id is None else _ROWS.where(POSTINGS.c.account_id == account_id)
    if up_to is not None:
        wanted = wanted.where(POSTINGS.c.id <= up_to)
    last = 0
    while rows := conn.execute(wanted.where(POSTINGS.c.id > last).limit(page)).all():
        names = names_of(conn, {row.actor_id for row in rows if row.actor_id is not None})
        found = []
        for row in rows:
            values = row._asdict()
            actor = values.pop("actor_id")
            found.append(
                PostingRow(
                    **values,
                    currency=Unit(row.unit).currency or "",
                    actor=None if actor is None else names[actor],
                )
            )
        yield found
        last = rows[-1].posting


def last_posting(conn: Connection) -> int:
    """The number of the newest posting; 0: there is none."""
    newest = select(func.coalesce(func.max(POSTINGS.c.id), 0))
    return int(conn.execute(newest).scalar_one())


def ledger_balances(conn: Connection, *, account_id: str | None, up_to: int) -> Balances:
    """What the ledger's postings up to one come to, by account, ledger account and unit."""
    what = (POSTINGS.c.account_id, POSTINGS.c.ledger_account, POSTINGS.c.unit)
    sums = select(*what, func.sum(POSTINGS.c.amount).label("amount")).group_by(*what)
    if account_id is not None:
        sums = sums.where(POSTINGS.c.account_id == account_id)
    rows = conn.execute(sums.where(POSTINGS.c.id <= up_to))
    return {tuple(row[:3]): int(row.amount) for row in rows if row.amount}


def trial_balance(balances: Balances) -> Mapping[str, int]:
    """What all ledger accounts together come to, by unit: zero, or the books are damaged."""
    sums: Counter[str] = Counter()
    for (_, _, unit), amount in balances.items():
        sums[unit] += amount
    return sums
