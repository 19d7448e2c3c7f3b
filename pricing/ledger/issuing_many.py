"""Invoices of many accounts, issued together: the same as one by one, a statement a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct, to_builtins
from sqlalchemy import Connection

from pricing.ledger.issuing import due_at_of, lines_of
from pricing.ledger.ledger import Transaction
from pricing.ledger.numbering import next_numbers, own_number, series_of
from pricing.parties.party import Party, party_to_json
from pricing.parties.sellers import Seller
from pricing.tables import INVOICE_LINES, INVOICES, insert_many, new_ids
from pricing.taxes.model import TaxLine

_COLUMNS = (
    *("id", "account_id", "sequence", "number", "cause", "issued_at", "due_at"),
    *("seller", "customer", "taxes"),
)


class NewInvoice(Struct, frozen=True, gc=False):
    """An invoice that is not written yet.

    Attributes:
        account_id: Whom it is for.
        sequence: Its place among the account's invoices: 1 is the first.
        own_place: Its place in the account's own series, if it is numbered in that.
        cause: What it is for.
        issued_at: When.
        charges: What it bills; at least one.
        seller: In force then; None: nobody is on record.
        customer: As on record.
        taxes: The tax on its lines.
    """

    account_id: str
    sequence: int
    own_place: int
    cause: str
    issued_at: datetime
    charges: tuple[Transaction, ...]
    seller: Seller | None = None
    customer: Party = Party()
    taxes: tuple[TaxLine, ...] = ()


def write_invoices(conn: Connection, issued: Sequence[NewInvoice]) -> None:
    """Write many invoices; the books of all their accounts are locked.

    Raises:
        IntegrityError: Of the database, if a cause has its invoice; nothing may be kept.
    """
    ids = list(new_ids(conn, INVOICES, len(issued)))
    numbers = _numbers(conn, issued)
    rows = [
        (
            row_id,
            each.account_id,
            each.sequence,
            number,
            each.cause,
            each.issued_at,
            None if each.seller is None else due_at_of(each.seller, each.issued_at),
            None if each.seller is None else party_to_json(each.seller.party),
            None if each.customer == Party() else party_to_json(each.customer),
            to_builtins(each.taxes) or None,
        )
        for row_id, each, number in zip(ids, issued, numbers, strict=True)
    ]
    lines = [
        (row_id, line.description, line.usd_micros, line.cause)
        for row_id, each in zip(ids, issued, strict=True)
        for line in lines_of(each.charges)
    ]
    insert_many(conn, INVOICES, _COLUMNS, rows)
    insert_many(conn, INVOICE_LINES, ("invoice_id", "description", "usd_micros", "cause"), lines)


def _numbers(conn: Connection, issued: Sequence[NewInvoice]) -> Iterator[str]:
    """The number of each: the next of its series, which is asked once for all that are in it."""
    of_series = [
        None if each.seller is None else series_of(each.seller, each.issued_at) for each in issued
    ]
    how_many = Counter(series for series in of_series if series is not None)
    # In the order of their names, so that no two transactions wait for each other.
    numbers = {
        series: iter(next_numbers(conn, series, how_many[series])) for series in sorted(how_many)
    }
    for each, series in zip(issued, of_series, strict=True):
        if series is None:
            yield own_number(each.account_id, each.own_place)
        else:
            yield next(numbers[series])
