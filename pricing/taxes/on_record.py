"""How an account's sales are taxed now, by the parties on record; and what a service has told.

A charge asks nobody: it takes what a tax service has told of the same seller and the same customer,
else the shipped table's answer for the day.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, bindparam, select

from pricing.parties.billing_details import find_billing_details
from pricing.parties.digests import digests_of
from pricing.parties.party import Party
from pricing.parties.sellers import Seller, seller_at
from pricing.tables import ACCOUNTS, TOLD_TAXES
from pricing.taxes.model import Taxation
from pricing.taxes.service import TaxQuestion
from pricing.taxes.table import SHIPPED

_TIMEZONE = select(ACCOUNTS.c.timezone).where(ACCOUNTS.c.id == bindparam("account_id"))
_TOLD = (
    select(TOLD_TAXES.c.document)
    .where(
        TOLD_TAXES.c.account_id == bindparam("account_id"),
        TOLD_TAXES.c.question.in_([bindparam("question"), bindparam("formerly")]),
    )
    .order_by(TOLD_TAXES.c.id.desc())
    .limit(1)
)


def tax_question(
    conn: Connection, account_id: str, at: datetime, *, customer: Party | None = None
) -> TaxQuestion | None:
    """What decides how an account's sales are taxed at an instant.

    Args:
        conn: An open connection.
        account_id: Whose.
        at: When.
        customer: Details that are about to be set; None: those on record.

    Returns:
        The question; None: no seller with a country is on record, so no tax is computed.
    """
    seller = seller_at(conn, at)
    if seller is None or seller.party.country is None:
        return None
    if customer is None:
        customer = find_billing_details(conn, account_id)
    timezone = conn.execute(_TIMEZONE, {"account_id": account_id}).scalar_one()
    return question_of(seller, customer, ZoneInfo(timezone), at)


def question_of(
    seller: Seller | None, customer: Party, zone: ZoneInfo, at: datetime
) -> TaxQuestion | None:
    """What decides how sales of a seller to a customer are taxed at an instant.

    Args:
        seller: In force then; None: there is none.
        customer: As on record.
        zone: The account's time zone, which says what day it is.
        at: The instant.

    Returns:
        The question; None: the seller has no country on record, so no tax is computed.
    """
    if seller is None or seller.party.country is None:
        return None
    return TaxQuestion(
        day=at.astimezone(zone).date(),
        seller_country=seller.party.country,
        seller_tax_id=seller.party.tax_id,
        customer_country=customer.country,
        customer_tax_id=customer.tax_id,
    )


def taxation_of(conn: Connection, account_id: str, at: datetime) -> Taxation | None:
    """How an account's sales are taxed at an instant; None: no tax is computed."""
    question = tax_question(conn, account_id, at)
    if question is None:
        return None
    asked = _asked(conn, account_id, question)
    told = conn.execute(_TOLD, asked).scalar_one_or_none()
    return SHIPPED.taxation(question) if told is None else msgspec.convert(told, Taxation)


def note_told(
    conn: Connection,
    account_id: str,
    question: TaxQuestion,
    taxation: Taxation,
    *,
    service: str,
    now: datetime,
) -> None:
    """Put a tax service's answer on record, unless the shipped table says the same.

    It holds for the account's charges for as long as seller and customer stay as they are, or the
    service tells something else.
    """
    asked = _asked(conn, account_id, question)
    there = conn.execute(_TOLD, asked).scalar_one_or_none()
    document = msgspec.to_builtins(taxation)
    if there == document or (there is None and SHIPPED.taxation(question) == taxation):
        return
    conn.execute(
        TOLD_TAXES.insert().values(
            account_id=account_id,
            question=asked["question"],
            service=service,
            document=document,
            told_at=now,
        )
    )


def _asked(conn: Connection, account_id: str, question: TaxQuestion) -> dict[str, str]:
    """What is looked for: the same for the same seller and customer, whatever the day."""
    parts = msgspec.to_builtins(question)
    del parts["day"]
    said = msgspec.json.encode(parts, order="sorted")
    digest, formerly = digests_of(conn, account_id, said)
    return {"account_id": account_id, "question": digest, "formerly": formerly}
