"""The seller: whose name invoices are sent in, on record with the day from which that holds.

A version never changes and never goes. An invoice names the seller that is in force at the instant
it is dated, and keeps those details with itself, so that a later version changes no invoice.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select

from kernel.errors import BadInputError
from pricing.parties.party import Party, party_to_json
from pricing.tables import SELLERS

PAYMENT_DAYS = 14
"""Days in which an invoice is to be paid, where nobody has said another number."""

PAYMENT_DAYS_MAX = 365
SERIES = "INV"
"""What the numbers of invoices begin with, where nobody has said another word."""

_SERIES = re.compile(r"[A-Z0-9]{1,8}")
_IN_FORCE = (
    select(SELLERS)
    .where(SELLERS.c.in_force_from <= bindparam("at"))
    .order_by(SELLERS.c.in_force_from.desc(), SELLERS.c.id.desc())
    .limit(1)
)


class BadSellerError(BadInputError):
    """What invoices cannot be sent with; facts: ``field``."""

    code = "bad_seller"


class Seller(Struct, frozen=True):
    """One version of the seller.

    Attributes:
        party: Name, address, country, e-mail, tax id; without a country no tax is computed.
        in_force_from: From when on it counts, in UTC.
        payment_days: How many days after its date an invoice is due.
        series: What numbers begin with: ``INV`` gives ``INV-2027-000001``.
    """

    party: Party
    in_force_from: datetime
    payment_days: int = PAYMENT_DAYS
    series: str = SERIES


def seller_at(conn: Connection, at: datetime) -> Seller | None:
    """The seller in force at an instant; None: none was on record for it."""
    row = conn.execute(_IN_FORCE, {"at": at}).one_or_none()
    return None if row is None else _seller(row)


def sellers(conn: Connection) -> tuple[Seller, ...]:
    """Every version, in the order in which they come into force."""
    rows = conn.execute(select(SELLERS).order_by(SELLERS.c.in_force_from, SELLERS.c.id))
    return tuple(_seller(row) for row in rows)


def put_seller(conn: Connection, seller: Seller, *, now: datetime) -> bool:
    """Put a version on record, unless that is what is in force then already.

    Args:
        conn: An open write transaction.
        seller: Checked by ``check_seller``.
        now: When it is written.

    Returns:
        Whether it is new.
    """
    there = seller_at(conn, seller.in_force_from)
    if there is not None and _content(there) == _content(seller):
        return False
    conn.execute(
        SELLERS.insert().values(
            in_force_from=seller.in_force_from,
            recorded_at=now,
            document=party_to_json(seller.party),
            payment_days=seller.payment_days,
            series=seller.series,
        )
    )
    return True


def check_seller(seller: Seller) -> Seller:
    """A seller that invoices can be sent with.

    Raises:
        BadSellerError: It has no name, impossible days, or a series that is no word.
    """
    if seller.party.name is None:
        raise BadSellerError("seller: a name would be right, like --name 'Load Ltd'", field="name")
    if not 0 <= seller.payment_days <= PAYMENT_DAYS_MAX:
        raise BadSellerError(
            f"--payment-days {seller.payment_days}: 0 to {PAYMENT_DAYS_MAX} would be right",
            field="payment_days",
        )
    if not _SERIES.fullmatch(seller.series):
        raise BadSellerError(
            f"--series {seller.series[:40]!r}: 1 to 8 capital letters and digits would be right",
            field="series",
        )
    return seller


def _seller(row: Row[Any]) -> Seller:
    return Seller(Party(**row.document), row.in_force_from, row.payment_days, row.series)


def _content(seller: Seller) -> tuple[object, ...]:
    return seller.party, seller.payment_days, seller.series
