"""Invoices: numbered without a gap, issued once, never changed.

An invoice is issued for a cause and lists what the ledger holds under it: a line for each posting
to a revenue account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select

from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.ledger.ledger import Transaction, entries_of, lock_ledger
from pricing.periods import Period
from pricing.plans.quotes import Unit
from pricing.tables import INVOICE_LINES, INVOICES, insert_many, insert_once, new_ids

NUMBERS_COMPARED_MAX = 500
"""The latest numbers, which one that is not there is compared with."""

REVENUE = "revenue:"
"""Prefix of the ledger accounts that money is earned on."""

_LAST_SEQUENCE = select(func.coalesce(func.max(INVOICES.c.sequence), 0)).where(
    INVOICES.c.account_id == bindparam("account_id")
)
_INSERT_LINES = INVOICE_LINES.insert()


class UnknownInvoiceError(BadInputError):
    """The account has no such invoice; facts: ``account``, ``number``."""

    code = "unknown_invoice"


class InvoiceLine(Struct, frozen=True):
    """One amount and why; a correction is negative."""

    description: str
    usd_micros: int
    cause: str


class Invoice(Struct, frozen=True):
    """An issued invoice.

    Attributes:
        account_id: Whom it is for.
        number: Unique; within an account, numbers follow each other without a gap.
        cause: What it is for: ``run:r1``, ``subscription:1:period:0``.
        issued_at: When.
        lines: At least one.
    """

    account_id: str
    number: str
    cause: str
    issued_at: datetime
    lines: tuple[InvoiceLine, ...]

    @property
    def usd_micros(self) -> int:
        """The sum of its lines."""
        return sum(line.usd_micros for line in self.lines)


def run_cause(run_id: str) -> str:
    """The cause that everything a run costs is booked under."""
    return f"run:{run_id}"


def issue_for_run(conn: Connection, run_id: str, now: datetime) -> Invoice | None:
    """Issue a run's invoice, once it has ended: start-up, use, and the correction if there is one.

    Returns:
        The invoice, also when it was issued before; None: the run cost no money.
    """
    return issue(conn, run_cause(run_id), now)


def issue_for_subscription(conn: Connection, cause: str, issued_at: datetime) -> Invoice | None:
    """Issue the invoice of a subscription's period; the account's books are locked.

    Args:
        conn: An open write transaction.
        cause: The period's, see ``period_cause``.
        issued_at: When.

    Returns:
        The invoice, also when it was issued before; None: the period cost no money.
    """
    return issue(conn, cause, issued_at, is_locked=True)


def period_cause(subscription_id: int, n: int, undone_from: Iterable[int] = ()) -> str:
    """The cause that a subscription's period is booked under.

    Args:
        subscription_id: Whose.
        n: The period's number.
        undone_from: The periods from which on what had been booked was undone; a period that
            comes again is another cause, for what is in the books stays there.
    """
    again = sum(first <= n for first in undone_from)
    return f"subscription:{subscription_id}:period:{n}" + (f":again:{again}" if again else "")


def issue(
    conn: Connection, cause: str, issued_at: datetime, *, is_locked: bool = False
) -> Invoice | None:
    """Issue the invoice of a cause from what the ledger holds under it.

    Args:
        conn: An open write transaction.
        cause: What is billed.
        issued_at: When.
        is_locked: Whether the account's books are locked already.
    """
    charges = entries_of(conn, cause)
    lines = lines_of(charges)
    if not lines:
        return None
    account_id = charges[0].account_id
    if not is_locked:
        # Numbers have no gap because nobody else counts on before this transaction has ended.
        lock_ledger(conn, account_id)
    issued = _insert(conn, account_id, cause, issued_at, lines)
    return issued or _select(conn, INVOICES.c.cause == cause)[0]


def lines_of(charges: Iterable[Transaction]) -> list[InvoiceLine]:
    """The lines of an invoice: one for each posting to a revenue account."""
    return [
        InvoiceLine(
            description=f"{charge.description}: {posting.ledger_account.removeprefix(REVENUE)}",
            usd_micros=-posting.amount,
            cause=charge.natural_key,
        )
        for charge in charges
        for posting in charge.postings
        if posting.unit is Unit.USD and posting.ledger_account.startswith(REVENUE)
    ]


class NewInvoice(Struct, frozen=True):
    """An invoice that is not written yet.

    Attributes:
        account_id: Whom it is for.
        sequence: Its place among the account's invoices: 1 is the first.
        cause: What it is for.
        issued_at: When.
        charges: What it bills; at least one.
    """

    account_id: str
    sequence: int
    cause: str
    issued_at: datetime
    charges: tuple[Transaction, ...]


def write_invoices(conn: Connection, issued: Sequence[NewInvoice]) -> None:
    """Write many invoices; the books of all their accounts are locked.

    Raises:
        IntegrityError: Of the database, if a cause has its invoice; nothing may be kept.
    """
    numbered = list(zip(new_ids(conn, INVOICES, len(issued)), issued, strict=True))
    rows = [
        (
            row_id,
            each.account_id,
            each.sequence,
            invoice_number(each.account_id, each.sequence),
            each.cause,
            each.issued_at,
        )
        for row_id, each in numbered
    ]
    lines = [
        (row_id, line.description, line.usd_micros, line.cause)
        for row_id, each in numbered
        for line in lines_of(each.charges)
    ]
    columns = ("id", "account_id", "sequence", "number", "cause", "issued_at")
    insert_many(conn, INVOICES, columns, rows)
    insert_many(conn, INVOICE_LINES, ("invoice_id", "description", "usd_micros", "cause"), lines)


def invoice_number(account_id: str, sequence: int) -> str:
    """The number of an account's invoice by its place."""
    return f"{account_id}-{sequence:05d}"


def list_invoices(conn: Connection, account_id: str) -> tuple[Invoice, ...]:
    """An account's invoices, in the order of their numbers."""
    return _select(conn, INVOICES.c.account_id == account_id)


def last_sequence(conn: Connection, account_id: str) -> int:
    """How many invoices an account has: they are numbered from 1 without a gap."""
    return int(conn.execute(_LAST_SEQUENCE, {"account_id": account_id}).scalar_one())


def invoices_between(
    conn: Connection, account_id: str, sequences: range, days: Period | None = None
) -> tuple[Invoice, ...]:
    """Some of an account's invoices by their place, in the order of their numbers.

    Args:
        conn: An open connection.
        account_id: Whose.
        sequences: Their places: 1 is the first.
        days: Only those that were issued in it, half-open; None: all of them.
    """
    wanted = [
        INVOICES.c.account_id == account_id,
        INVOICES.c.sequence >= sequences.start,
        INVOICES.c.sequence < sequences.stop,
    ]
    if days is not None:
        wanted += [INVOICES.c.issued_at >= days.start, INVOICES.c.issued_at < days.end]
    return _select(conn, and_(*wanted))


def find_invoice(conn: Connection, account_id: str, number: str) -> Invoice:
    """An account's invoice of that number.

    Raises:
        UnknownInvoiceError: If there is none.
    """
    found = _select(conn, (INVOICES.c.account_id == account_id) & (INVOICES.c.number == number))
    if not found:
        latest = select(INVOICES.c.number).where(INVOICES.c.account_id == account_id)
        latest = latest.order_by(INVOICES.c.sequence.desc()).limit(NUMBERS_COMPARED_MAX)
        hint = meant(number, conn.execute(latest).scalars())
        raise UnknownInvoiceError(
            f"account {account_id} has no invoice {number!r}{hint}; "
            f"`loadmuster invoices {account_id}` lists the numbers",
            account=account_id,
            number=number,
        )
    return found[0]


def _insert(
    conn: Connection,
    account_id: str,
    cause: str,
    issued_at: datetime,
    lines: list[InvoiceLine],
) -> Invoice | None:
    """Issue the account's next invoice; None: there is one for that cause."""
    sequence = last_sequence(conn, account_id) + 1
    invoice = Invoice(
        account_id=account_id,
        number=invoice_number(account_id, sequence),
        cause=cause,
        issued_at=issued_at.astimezone(UTC),
        lines=tuple(lines),
    )
    row = insert_once(
        conn,
        INVOICES,
        ["cause"],
        {
            "account_id": account_id,
            "sequence": sequence,
            "number": invoice.number,
            "cause": cause,
            "issued_at": invoice.issued_at,
        },
    )
    if row is None:
        return None
    conn.execute(_INSERT_LINES, [{"invoice_id": row.id, **asdict(line)} for line in lines])
    return invoice


def _select(conn: Connection, where: ColumnElement[bool]) -> tuple[Invoice, ...]:
    rows = conn.execute(
        select(
            INVOICES,
            INVOICE_LINES.c.description,
            INVOICE_LINES.c.usd_micros,
            INVOICE_LINES.c.cause.label("line_cause"),
        )
        .join(INVOICE_LINES, INVOICE_LINES.c.invoice_id == INVOICES.c.id)
        .where(where)
        .order_by(INVOICES.c.account_id, INVOICES.c.sequence, INVOICE_LINES.c.id)
    ).all()
    found = []
    for _, group in groupby(rows, key=lambda row: row.id):
        lines = list(group)
        found.append(
            Invoice(
                account_id=lines[0].account_id,
                number=lines[0].number,
                cause=lines[0].cause,
                issued_at=lines[0].issued_at,
                lines=tuple(
                    InvoiceLine(line.description, line.usd_micros, line.line_cause)
                    for line in lines
                ),
            )
        )
    return tuple(found)
