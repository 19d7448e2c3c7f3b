"""Invoices and credit notes as they were issued: numbered without a gap, never changed.

One is issued for a cause and lists what the ledger holds under it: a line for each posting to a
revenue account, and the tax on them. It keeps the parties that it was issued with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from msgspec import Struct, convert
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select

from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.parties.party import Party, party_from_json
from pricing.periods import Period
from pricing.tables import INVOICE_LINES, INVOICES, among
from pricing.taxes.model import TaxLine

NUMBERS_COMPARED_MAX = 500
"""The latest numbers, which one that is not there is compared with."""

REFUND_CAUSE, ADJUSTMENT_CAUSE = "refund:", "adjustment:"
"""Prefixes of what credit notes are for that take back some of an invoice, which stays paid."""

REVENUE = "revenue:"
"""Prefix of the ledger accounts that money is earned on."""

_LAST_SEQUENCE = select(func.coalesce(func.max(INVOICES.c.sequence), 0)).where(
    INVOICES.c.account_id == bindparam("account_id")
)


class InvoiceKind(StrEnum):
    """What a document with a number is: a charge, or what takes charges back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class UnknownInvoiceError(BadInputError):
    """The account has no such invoice; facts: ``account``, ``number``."""

    code = "unknown_invoice"


class InvoiceStatus(StrEnum):
    """Where an invoice stands.

    VOID: what it was for was taken back, or is never asked for.
    REFUNDED: it was paid, and all of it was given back.
    CREDIT: it is a credit note.
    """

    PAID = "paid"
    DUE = "due"
    OVERDUE = "overdue"
    VOID = "void"
    REFUNDED = "refunded"
    CREDIT = "credit"


class InvoiceLine(Struct, frozen=True, gc=False):
    """One amount and why; a correction is negative."""

    description: str
    usd_micros: int
    cause: str


class Invoice(Struct, frozen=True):
    """An issued invoice, or a credit note.

    Attributes:
        account_id: Whom it is for.
        number: Unique; within its series, numbers follow each other without a gap.
        cause: What it is for: ``run:r1``, ``subscription:1:period:0``.
        issued_at: When.
        lines: At least one; net of tax. Those of a credit note are negative.
        kind: Invoice or credit note.
        due_at: Until when it is to be paid; None: nobody was on record to say so.
        corrects: Of a credit note: the numbers of the invoices that it takes charges back of.
        seller: Who sent it, as that was on record when it was issued; None: nobody was.
        customer: Whom it was for, likewise.
        taxes: The tax on its lines, by treatment, country and rate; empty: none was computed.
        currency: What its amounts are in.
        status: Where it stands now, no part of what was issued; None: nobody has looked it up.
    """

    account_id: str
    number: str
    cause: str
    issued_at: datetime
    lines: tuple[InvoiceLine, ...]
    kind: InvoiceKind = InvoiceKind.INVOICE
    due_at: datetime | None = None
    corrects: tuple[str, ...] = ()
    seller: Party | None = None
    customer: Party | None = None
    taxes: tuple[TaxLine, ...] = ()
    currency: str = "USD"
    status: InvoiceStatus | None = None

    @property
    def usd_micros(self) -> int:
        """The sum of its lines, net of tax."""
        return sum(line.usd_micros for line in self.lines)

    @property
    def tax_usd_micros(self) -> int:
        """The tax on them."""
        return sum(line.tax_usd_micros for line in self.taxes)

    @property
    def total_usd_micros(self) -> int:
        """What is to be paid: the lines and their tax."""
        return self.usd_micros + self.tax_usd_micros


_TAKING_BACK = select(INVOICES.c.corrects).where(
    among(INVOICES.c.account_id, "accounts"),
    INVOICES.c.kind == InvoiceKind.CREDIT_NOTE,
    INVOICES.c.corrects.is_not(None),
    ~INVOICES.c.cause.startswith(REFUND_CAUSE),
    ~INVOICES.c.cause.startswith(ADJUSTMENT_CAUSE),
)


def void_invoices(conn: Connection, account_ids: Sequence[str]) -> set[str]:
    """The numbers of some accounts' invoices that a credit note takes back whole.

    One of a refund's, or of a credit that was given by hand, names invoices that stand.
    """
    notes = conn.execute(_TAKING_BACK, {"accounts": account_ids}).scalars()
    return {number for corrects in notes for number in corrects}


def run_cause(run_id: str) -> str:
    """The cause that everything a run costs is booked under."""
    return f"run:{run_id}"


def period_cause(subscription_id: int, n: int, undone_from: Iterable[int] = ()) -> str:
    """The cause that a subscription's period is booked under.

    Args:
        subscription_id: Whose.
        n: The period's number.
        undone_from: The periods from which on what had been booked was undone; a period that
            comes again is another cause, for what is in the books stays there.
    """
    cause = f"subscription:{subscription_id}:period:{n}"
    again = sum(first <= n for first in undone_from) if undone_from else 0
    return f"{cause}:again:{again}" if again else cause


def list_invoices(conn: Connection, account_id: str) -> tuple[Invoice, ...]:
    """An account's invoices, in the order of their numbers."""
    return select_invoices(conn, INVOICES.c.account_id == account_id)


def last_sequence(conn: Connection, account_id: str) -> int:
    """How many invoices an account has: their places count from 1 without a gap."""
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
    return select_invoices(conn, and_(*wanted))


def invoice_of(conn: Connection, cause: str) -> Invoice | None:
    """The invoice of a cause; None: it has none."""
    found = select_invoices(conn, INVOICES.c.cause == cause)
    return found[0] if found else None


def find_invoice(conn: Connection, account_id: str, number: str) -> Invoice:
    """An account's invoice of that number.

    Raises:
        UnknownInvoiceError: If there is none.
    """
    found = select_invoices(
        conn, (INVOICES.c.account_id == account_id) & (INVOICES.c.number == number)
    )
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


def select_invoices(conn: Connection, where: ColumnElement[bool]) -> tuple[Invoice, ...]:
    """The invoices that a condition on their rows holds for, by account and in their order."""
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
    return tuple(_invoice(list(lines)) for _, lines in groupby(rows, key=lambda row: row.id))


def _invoice(lines: Sequence[Row[Any]]) -> Invoice:
    """One invoice of the rows of its lines."""
    row = lines[0]
    return Invoice(
        account_id=row.account_id,
        number=row.number,
        cause=row.cause,
        issued_at=row.issued_at,
        lines=tuple(
            InvoiceLine(line.description, line.usd_micros, line.line_cause) for line in lines
        ),
        kind=InvoiceKind(row.kind),
        due_at=row.due_at,
        corrects=tuple(row.corrects or ()),
        seller=party_from_json(row.seller),
        customer=party_from_json(row.customer),
        taxes=convert(row.taxes or (), tuple[TaxLine, ...]),
        currency=row.currency,
    )
