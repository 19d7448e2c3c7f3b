"""Numbers of invoices and credit notes: each series counts on without a gap.

Who issues takes the next number in the transaction that issues: the series' row is locked until
that ends, so nobody else counts on before it, and what is rolled back, or dies, has taken none.

Without a seller on record each account has a series of its own, ``acme-00001``. With one, there is
a series for each seller, year and kind, whatever account they are for: ``INV-2027-000001``, and
credit notes in ``INV-CN-2027-000001``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from pricing.parties.sellers import Seller
from pricing.tables import INVOICE_SERIES

CREDIT_NOTES = "CN"


def next_number(
    conn: Connection, seller: Seller, issued_at: datetime, *, is_credit_note: bool
) -> str:
    """The next number of the seller's series of that year, in UTC; the series is locked.

    Args:
        conn: The write transaction that issues; the account's books are locked already, since
            everybody takes the two in that order.
        seller: In force as it is issued.
        issued_at: The date of the invoice.
        is_credit_note: Credit notes count for themselves.
    """
    kind = f"-{CREDIT_NOTES}" if is_credit_note else ""
    series = f"{seller.series}{kind}-{issued_at.astimezone(UTC).year}"
    number = conn.execute(_count_on(conn.dialect.name), {"series": series, "last_number": 1})
    return f"{series}-{number.scalar_one():06d}"


@cache
def _count_on(dialect: str) -> ReturningInsert[tuple[int]]:
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(INVOICE_SERIES)
    statement: ReturningInsert[tuple[int]] = insert.on_conflict_do_update(
        index_elements=["series"], set_={"last_number": INVOICE_SERIES.c.last_number + 1}
    ).returning(INVOICE_SERIES.c.last_number)
    return statement
