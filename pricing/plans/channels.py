"""The channels that an account can pay through, and what each of them can do (R101, R105, C23)."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Channel(StrEnum):
    """Who collects the money."""

    CARD = "card"
    AWS_MARKETPLACE = "aws-marketplace"
    INVOICE = "invoice"


class Capabilities(Struct, frozen=True):
    """What a payment channel can do.

    Attributes:
        charges_at_once: Whether something can be bought between two billing dates: an upgrade, a
            boost, a run on demand, so also one of a department's wallet. A marketplace contract
            changes through the contract only.
        extra_credits: Whether credits can be used beyond the plan and paid afterwards (R105).
        refunds: Whether money can be given back through it; a marketplace does that itself, as its
            seller asks it to.
        portal: Where billing settings and invoices are found (R100, R101); None: here only.
    """

    charges_at_once: bool
    extra_credits: bool
    refunds: bool
    portal: str | None


CAPABILITIES = {
    Channel.CARD: Capabilities(
        charges_at_once=True, extra_credits=True, refunds=True, portal="stripe"
    ),
    Channel.AWS_MARKETPLACE: Capabilities(
        charges_at_once=False, extra_credits=False, refunds=False, portal="aws-marketplace"
    ),
    Channel.INVOICE: Capabilities(
        charges_at_once=True, extra_credits=False, refunds=True, portal=None
    ),
}
