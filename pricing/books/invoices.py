"""Invoices: numbered without a gap, issued once, never changed.

An invoice is issued for a cause and lists what the ledger holds under it: a line for each posting
to a revenue account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, func, select

from kernel.errors import BadInputError
from pricing.books.ledger import entries_of, lock_books
from pricing.books.tables import INVOICE_LINES, INVOICES
from pricing.quotes import Unit

REVENUE = "revenue:"
"""Prefix of the ledger accounts that money is earned on."""


class UnknownInvoiceError(BadInputError):
    """The account has no such invoice; facts: ``account``, ``number``."""

    code = "unknown_invoice"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One amount and why; a correction is negative."""

    description: str
    usd_micros: int
    cause: str


@dataclass(frozen=True, slots=True)
class Invoice:
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


def issue_for_subscription(
    conn: Connection, subscription_id: int, n: int, issued_at: datetime
) -> Invoice | None:
    """Issue the invoice of a subscription's n-th period.

    Returns:
        The invoice, also when it was issued before; None: the period cost no money.
    """
    return issue(conn, period_cause(subscription_id, n), issued_at)


def period_cause(subscription_id: int, n: int) -> str:
    """The cause that a subscription's period is booked under."""
    return f"subscription:{subscription_id}:period:{n}"


def issue(conn: Connection, cause: str, issued_at: datetime) -> Invoice | None:
    """Issue the invoice of a cause from what the ledger holds under it."""
    charges = entries_of(conn, cause)
    lines = [
        InvoiceLine(
            description=f"{charge.description}: {posting.ledger_account.removeprefix(REVENUE)}",
            usd_micros=-posting.amount,
            cause=charge.natural_key,
        )
        for charge in charges
        for posting in charge.postings
        if posting.unit is Unit.USD and posting.ledger_account.startswith(REVENUE)
    ]
    if not lines:
        return None
    account_id = charges[0].account_id
    # Numbers have no gap because nobody else counts on before this transaction has ended.
    lock_books(conn, account_id)
    issued = _select(conn, INVOICES.c.cause == cause)
    if not issued:
        _insert(conn, account_id, cause, issued_at, lines)
        issued = _select(conn, INVOICES.c.cause == cause)
    return issued[0]


def list_invoices(conn: Connection, account_id: str) -> tuple[Invoice, ...]:
    """An account's invoices, in the order of their numbers."""
    return _select(conn, INVOICES.c.account_id == account_id)


def find_invoice(conn: Connection, account_id: str, number: str) -> Invoice:
    """An account's invoice of that number.

    Raises:
        UnknownInvoiceError: If there is none.
    """
    found = _select(conn, (INVOICES.c.account_id == account_id) & (INVOICES.c.number == number))
    if not found:
        raise UnknownInvoiceError(
            f"account {account_id} has no invoice {number!r}; `loadmuster invoices {account_id}`"
            " lists the numbers",
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
) -> None:
    last = select(func.coalesce(func.max(INVOICES.c.sequence), 0)).where(
        INVOICES.c.account_id == account_id
    )
    sequence = conn.execute(last).scalar_one() + 1
    invoice_id = conn.execute(
        INVOICES.insert()
        .values(
            account_id=account_id,
            sequence=sequence,
            number=f"{account_id}-{sequence:05d}",
            cause=cause,
            issued_at=issued_at,
        )
        .returning(INVOICES.c.id)
    ).scalar_one()
    conn.execute(
        INVOICE_LINES.insert(),
        [
            {
                "invoice_id": invoice_id,
                "description": line.description,
                "usd_micros": line.usd_micros,
                "cause": line.cause,
            }
            for line in lines
        ],
    )


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
