"""The port that money is collected through, and the gateway that rehearses it.

A payment is asked for under a key that is made of what it is for, never of a time or a random
number: a gateway that is asked twice for the same key collects once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from pricing.plans.channels import Channel


class PaymentState(StrEnum):
    """Where a payment is.

    DUE: charged, and nobody was asked for it yet.
    ABANDONED: not collected, and nobody will ask again: what it was for is void.
    """

    DUE = "due"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELAYED = "delayed"
    ABANDONED = "abandoned"


class PaymentRequest(Struct, frozen=True):
    """Money to be collected, once per key.

    Attributes:
        key: The natural key of what is paid: ``subscription:1:period:3``.
        account_id: Who pays.
        usd_micros: How much.
        channel: Through what.
        card: The channel's own name for the account's card; None: it has none on record.
        at_once: The buyer waits for the answer. A gateway that has none gives the payment up and
            answers ``delayed``; it never collects it later.
    """

    key: str
    account_id: str
    usd_micros: int
    channel: Channel
    card: str | None
    at_once: bool


class Answer(Struct, frozen=True):
    """What became of a payment.

    Attributes:
        state: Accepted, declined or delayed.
        reason: For people.
        collected_usd_micros: What was collected under the key before, if it was not what is asked
            for now: the answer had been lost, and less is owed since. None: what was asked for.
    """

    state: PaymentState
    reason: str = ""
    collected_usd_micros: int | None = None


REHEARSED_NOTE = "Payments are rehearsed: the payment gateway collects nothing."
"""What people are told wherever money is shown that nobody collects."""


class PaymentGateway(Protocol):
    """Collects money, or rehearses that.

    Attributes:
        collects: Whether money moves; False: it only answers as a customer's bank would.
    """

    @property
    def collects(self) -> bool:
        """Whether money moves."""
        ...

    def collect(self, payment: PaymentRequest) -> Answer:
        """Collect it, unless that has been done under its key."""
        ...


DECLINES = "test:declines"
"""A card that is declined, whatever is asked of it."""

DELAYS = "test:delays"
"""A card whose answer comes later, as a message."""


class RehearsedGateway:
    """Collects nothing: accepts every card but the two test cards.

    It remembers nothing either; which card an account has is on record in the database, so every
    process that asks is answered the same.
    """

    collects = False

    def collect(self, payment: PaymentRequest) -> Answer:
        """Answer by the card."""
        if payment.channel is not Channel.CARD:
            return Answer(PaymentState.ACCEPTED)
        if payment.card == DECLINES:
            return Answer(PaymentState.DECLINED, "the card was declined")
        if payment.card == DELAYS:
            return Answer(PaymentState.DELAYED, "the bank has not answered yet")
        return Answer(PaymentState.ACCEPTED)


REHEARSED_GATEWAY = RehearsedGateway()


def is_rehearsed(*, gateway: PaymentGateway) -> bool:
    """Whether a gateway collects nothing; one that does not say so is taken to collect."""
    return not getattr(gateway, "collects", True)
