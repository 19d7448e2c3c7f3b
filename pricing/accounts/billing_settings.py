"""Where an account's billing settings and invoices are (R98-R101)."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, select

from pricing.payments.collecting import channel_of
from pricing.plans.channels import CAPABILITIES, Channel
from pricing.subscriptions.terms import all_terms
from pricing.tables import ACCOUNTS


class BillingSettings(Struct, frozen=True):
    """How an account pays, and where it changes that.

    Attributes:
        channel: Who collects.
        portal: The customer portal with settings and invoices: Stripe's (R99, R100), or AWS
            Marketplace (R101); None: invoices are here.
        has_card: Whether a card is on record.
    """

    channel: Channel
    portal: str | None
    has_card: bool


def billing_settings(conn: Connection, account_id: str) -> BillingSettings | None:
    """The settings of an account; None before it has subscribed to a paid plan (R98)."""
    if not any(terms.plan.monthly_usd_micros for terms in all_terms(conn, account_id)):
        return None
    channel = channel_of(conn, account_id)
    card = select(ACCOUNTS.c.card).where(ACCOUNTS.c.id == account_id)
    has_card = conn.execute(card).scalar_one() is not None
    return BillingSettings(channel, CAPABILITIES[channel].portal, has_card)
