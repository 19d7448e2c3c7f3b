"""The port that money is collected through, and the gateway that rehearses it.

A payment is asked for under a key that is made of who asks, what is paid, and for how many times
that is asked, never of a time or a random number: a gateway that is asked twice for the same key
collects once and answers the same. A key that was declined stays declined, so that another try has
a key of its own.

What an implementation promises:

- ``collect`` and ``withdraw`` return within half a minute, or raise. Whatever they raise means that
  the gateway has not answered: it may have collected, and will be asked again under the same key.
- They are called from many threads and processes, and never with a transaction open.
- A key is good for ever. A service that forgets its keys (Stripe keeps idempotency keys for 24
  hours: https://docs.stripe.com/api/idempotent_requests) is asked by the implementation what became
  of a payment, by the key in the payment's own data, before it is sent again.
- An answer that was accepted says what was collected, if that is not what was asked for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from pricing.plans.channels import Channel

USD = "USD"


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


class PaymentRequest(Struct, frozen=True, gc=False):
    """Money to be collected, once per key.

    Attributes:
        key: What makes it one of a kind among all that one gateway is asked for:
            ``4f0c19d2ab7e:subscription:1:period:3:1``, the installation, the purpose, the attempt.
        account_id: Who pays.
        usd_micros: How much, in millionths of the currency.
        channel: Through what.
        card: The channel's own name for the account's card; None: it has none on record.
        at_once: The buyer waits for the answer. A gateway that has none gives the payment up and
            answers ``delayed``; it never collects it later.
        purpose: What is paid: ``subscription:1:period:3``, ``run:r1``; no name of a person in it.
        attempt: For how many times it is asked for; those before were declined or given up.
        currency: ISO 4217.
    """

    key: str
    account_id: str
    usd_micros: int
    channel: Channel
    card: str | None
    at_once: bool
    purpose: str = ""
    attempt: int = 1
    currency: str = USD


class Answer(Struct, frozen=True, gc=False):
    """What became of a payment.

    Attributes:
        state: Accepted, declined or delayed.
        reason: For people.
        collected_usd_micros: What was collected under the key, in millionths of the currency. None:
            what was asked for.
        currency: What it was collected in.
    """

    state: PaymentState
    reason: str = ""
    collected_usd_micros: int | None = None
    currency: str = USD


REHEARSED_NOTE = "Payments are rehearsed: the payment gateway collects nothing."
"""What people are told wherever money is shown that nobody collects."""


class PaymentGateway(Protocol):
    """Collects money, or rehearses that.

    Attributes:
        collects: Whether money moves; False: it only answers as a customer's bank would.

    One that works its answers out by itself, and calls nobody, may say so by a second attribute,
    ``calls_out = False``: it is asked where a payment is booked, and nothing waits for it.
    """

    @property
    def collects(self) -> bool:
        """Whether money moves."""
        ...

    def collect(self, payment: PaymentRequest) -> Answer:
        """Collect it, unless that has been done under its key.

        Returns:
            Accepted, declined, or delayed: the bank answers later. The same for the same key as
            long as nothing has changed; one that was delayed may have been accepted or declined
            since. One that was withdrawn is declined.

        Raises:
            Exception: There is no answer: it may have been collected, or not.
        """
        ...

    def withdraw(self, payment: PaymentRequest) -> Answer:
        """Never collect it any more, unless that has been done; who waited for it is gone.

        Returns:
            Accepted, if it had been collected; otherwise declined, and from then on for ever, even
            for a ``collect`` that is under way.

        Raises:
            Exception: There is no answer.
        """
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
    calls_out = False

    def collect(self, payment: PaymentRequest) -> Answer:
        """Answer by the card."""
        if payment.channel is not Channel.CARD:
            return Answer(PaymentState.ACCEPTED)
        if payment.card == DECLINES:
            return Answer(PaymentState.DECLINED, "the card was declined")
        if payment.card == DELAYS:
            return Answer(PaymentState.DELAYED, "the bank has not answered yet")
        return Answer(PaymentState.ACCEPTED)

    def withdraw(self, payment: PaymentRequest) -> Answer:
        """Nothing was collected."""
        del payment
        return Answer(PaymentState.DECLINED, "withdrawn")


REHEARSED_GATEWAY = RehearsedGateway()


def is_rehearsed(*, gateway: PaymentGateway) -> bool:
    """Whether a gateway collects nothing; one that does not say so is taken to collect."""
    return not getattr(gateway, "collects", True)


def calls_out(*, gateway: PaymentGateway) -> bool:
    """Whether a gateway asks somebody else; one that does not say so is taken to."""
    return getattr(gateway, "calls_out", True)
