"""Numbers of invoices and credit notes: each series counts on without a gap.

Who issues takes the next number in the transaction that issues: the series' row is locked until
that ends, so nobody else counts on before it, and what is rolled back, or dies, has taken none.

Without a seller on record each account has a series of its own, ``acme-00001``, and credit notes in
``acme-CN00001``: behind the last dash of an invoice's number there are digits alone, so that no
account's id makes it another's credit note (C78). With a seller, there is a series for each seller,
year and kind, whatever account they are for: ``INV-2027-000001``, and credit notes in
``INV-CN-2027-000001``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from pricing.parties.sellers import Seller
from pricing.tables import ACCOUNTS, INVOICE_SERIES, INVOICES, among

CREDIT_NOTES = "CN"
_PLACES_MAX = 99_999
"""Of five digits. Places beyond have seven, so that no own number is one of a seller's, of six."""


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
    series = series_of(seller, issued_at, is_credit_note=is_credit_note)
    (number,) = next_numbers(conn, series, 1)
    return number


def next_numbers(conn: Connection, series: str, how_many: int) -> tuple[str, ...]:
    """The next numbers of a series, ascending; it is locked until the transaction ends."""
    counted = {"series": series, "last_number": how_many, "how_many": how_many}
    last = int(conn.execute(_count_on(conn.dialect.name), counted).scalar_one())
    return tuple(f"{series}-{number:06d}" for number in range(last - how_many + 1, last + 1))


def series_of(seller: Seller, issued_at: datetime, *, is_credit_note: bool = False) -> str:
    """The series that a document of the seller's is numbered in: ``INV-2027``."""
    kind = f"-{CREDIT_NOTES}" if is_credit_note else ""
    return f"{seller.series}{kind}-{issued_at.astimezone(UTC).year}"


def own_number(account_id: str, place: int, *, is_credit_note: bool = False) -> str:
    """The number of a document in the series that an account has without a seller.

    Args:
        account_id: Whose.
        place: Among the account's documents of that kind and series: 1 is the first.
        is_credit_note: Credit notes count for themselves.
    """
    mark = CREDIT_NOTES if is_credit_note else ""
    digits = f"{place:05d}" if place <= _PLACES_MAX else f"{place:07d}"
    return f"{account_id}-{mark}{digits}"


def place_in_own_series(number: str, account_id: str) -> tuple[str, int] | None:
    """The series of an account's own that a number is in, and its place; None: in none of them.

    There is one for invoices, and one for credit notes; those of an earlier version had another.
    """
    found = re.fullmatch(rf"(-{CREDIT_NOTES}-|-{CREDIT_NOTES}|-)(\d+)", number[len(account_id) :])
    if found is None or not number.startswith(account_id):
        return None
    return f"{account_id}{found[1]}", int(found[2])


def last_places(
    conn: Connection, account_ids: Sequence[str], *, is_credit_note: bool = False
) -> dict[str, int]:
    """The places that were given last in the accounts' own series; 0: none was given.

    By the number that was given, and not by how many there are: that would be counted through all
    of them, and early credit notes have a number among the invoices.

    Args:
        conn: The write transaction that issues; the books of the accounts are locked.
        account_ids: Whose.
        is_credit_note: Credit notes count for themselves.
    """
    statement = _last_numbers(is_credit_note=is_credit_note)
    rows = conn.execute(statement, {"accounts": account_ids}).all()
    return {row.id: 0 if row.number is None else _place_of(row.number) for row in rows}


def _place_of(number: str) -> int:
    return int(number.rpartition("-")[2].removeprefix(CREDIT_NOTES))


@cache
def _last_numbers(*, is_credit_note: bool) -> Select[tuple[str, str]]:
    marked, formerly = (_begins(f"-{CREDIT_NOTES}{dash}") for dash in ("", "-"))
    last = (
        select(INVOICES.c.number)
        .where(
            INVOICES.c.account_id == ACCOUNTS.c.id,
            INVOICES.c.seller.is_(None),
            marked & ~formerly if is_credit_note else ~marked,
        )
        .order_by(INVOICES.c.sequence.desc())
        .limit(1)
    )
    return select(ACCOUNTS.c.id, last.scalar_subquery().label("number")).where(
        among(ACCOUNTS.c.id, "accounts")
    )


def _begins(mark: str) -> ColumnElement[bool]:
    """Whether a number is the account's id and then this."""
    prefix = ACCOUNTS.c.id.concat(mark)
    return func.substr(INVOICES.c.number, 1, func.length(prefix)) == prefix


@cache
def _count_on(dialect: str) -> ReturningInsert[Any]:
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(INVOICE_SERIES)
    statement: ReturningInsert[Any] = insert.on_conflict_do_update(
        index_elements=["series"],
        set_={"last_number": INVOICE_SERIES.c.last_number + bindparam("how_many")},
    ).returning(INVOICE_SERIES.c.last_number)
    return statement
