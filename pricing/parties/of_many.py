"""The parties of many accounts at once: every version of the seller, and each customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, select

from pricing.parties.party import Party
from pricing.parties.sellers import Seller, sellers
from pricing.tables import BILLING_DETAILS, among

_DETAILS = select(BILLING_DETAILS.c.account_id, BILLING_DETAILS.c.document).where(
    among(BILLING_DETAILS.c.account_id, "accounts")
)


class AccountParties(Struct, frozen=True, gc=False):
    """Who sells to an account, and who it is.

    Attributes:
        sellers: Every version, in the order in which they come into force.
        customer: As on record.
    """

    sellers: tuple[Seller, ...] = ()
    customer: Party = Party()

    def seller_at(self, at: datetime) -> Seller | None:
        """The seller in force at an instant; None: none was on record for it."""
        found = [each for each in self.sellers if each.in_force_from <= at]
        return found[-1] if found else None


def parties_of_many(conn: Connection, account_ids: Sequence[str]) -> dict[str, AccountParties]:
    """The parties of some accounts, by account."""
    versions = sellers(conn)
    rows = conn.execute(_DETAILS, {"accounts": account_ids}).all()
    customers = {row.account_id: Party(**row.document) for row in rows}
    nobody = Party()
    return {of: AccountParties(versions, customers.get(of, nobody)) for of in account_ids}
