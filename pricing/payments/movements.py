"""What a payment gateway says that it moved: the port's listing, one entry a movement of money."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class MovementKind(StrEnum):
    """What money moved for.

    PAYMENT: it came in.
    REFUND: it was given back.
    REFUND_RETURNED: a refund came back from the customer's bank.
    DISPUTE: the customer's bank took it back, or that is withdrawn from the account for it.
    DISPUTE_WON: it came again, since the dispute was won.
    """

    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"


class Movement(Struct, frozen=True):
    """Money that a gateway moved.

    Attributes:
        key: What it was asked for under; of a dispute the gateway's name of it. Empty: nobody gave
            one.
        kind: What for.
        micros: How much, in millionths of the currency, before fees; more than nothing.
        currency: ISO 4217.
        at: When, by the gateway's clock.
        fee_micros: What the gateway took for it; negative: it gave a fee back.
        id: The gateway's own name of it; may be empty.
    """

    key: str
    kind: MovementKind
    micros: int
    currency: str
    at: datetime
    fee_micros: int = 0
    id: str = ""
