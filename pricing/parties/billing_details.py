"""Whom an account's invoices are for: personal data, apart from the books.

One row an account, changed in place and deleted with the account. An invoice keeps the details
that it was issued with, as the law wants of whoever must keep invoices.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from pricing.parties.party import Party, party_to_json
from pricing.tables import BILLING_DETAILS

_FIND = select(BILLING_DETAILS.c.document).where(
    BILLING_DETAILS.c.account_id == bindparam("account_id")
)


def find_billing_details(conn: Connection, account_id: str) -> Party:
    """The customer's details; all fields are None where nobody has said any."""
    document = conn.execute(_FIND, {"account_id": account_id}).scalar_one_or_none()
    return Party() if document is None else Party(**document)


def put_billing_details(conn: Connection, account_id: str, party: Party, *, now: datetime) -> None:
    """Put the customer's details on record in place of those that were there."""
    values = {"document": party_to_json(party), "changed_at": now}
    insert = (sqlite if conn.dialect.name == "sqlite" else postgresql).insert
    conn.execute(
        insert(BILLING_DETAILS)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )


def forget_billing_details(conn: Connection, account_id: str) -> None:
    """Delete the customer's details; invoices keep what they were issued with."""
    conn.execute(BILLING_DETAILS.delete().where(BILLING_DETAILS.c.account_id == account_id))
