"""The port that money is collected through, and the gateway that rehearses it.

A payment is asked for under a key that is made of who asks, what is paid, and for how many times
that is asked, never of a time or a random number: a gateway that is asked twice for the same key
collects once and answers the same. A key that was declined stays declined, so that another try has
a key of its own.

What an implementation promises:

- ``collect``, ``withdraw`` and ``refund`` return within half a minute, or raise. Whatever they
  raise means that the gateway has not answered: it may have moved money, and will be asked again
  under the same key.
- They are called from many threads and processes, and never with a transaction open.
- A key is good for ever. A service that forgets its keys (Stripe keeps idempotency keys for 24
  hours: https://docs.stripe.com/api/idempotent_requests) is asked by the implementation what became
  of a payment, by the key in the payment's own data, before it is sent again.
- An answer that was accepted says what was collected, if that is not what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from kernel.words import counted
from pricing.payments.movements import Movement
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
        set_off_usd_micros: What of the price is set off against credit, and not asked for.
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
    set_off_usd_micros: int = 0

    @property
    def price_usd_micros(self) -> int:
        """What is paid by it: what is asked for and what is set off."""
        return self.usd_micros + self.set_off_usd_micros


class Answer(Struct, frozen=True, gc=False):
    """What became of a payment.

    Attributes:
        state: Accepted, declined or delayed.
        reason: For people.
        collected_usd_micros: What was collected under the key, in millionths of the currency. None:
            what was asked for.
        currency: What it was collected in.
        key: What it was collected under, where that is another's record; no gateway says it.
        is_final: Of a decline: this card will never pay, being lost, stolen or closed. It is not
            asked again before another is on record.
    """

    state: PaymentState
    reason: str = ""
    collected_usd_micros: int | None = None
    currency: str = USD
    key: str | None = None
    is_final: bool = False


class RefundRequest(Struct, frozen=True):
    """Money to be given back of a payment, once per key.

    Attributes:
        key: What makes it one of a kind; it ends with the amount: ``...:refund:1:50000000``.
        payment_key: What the payment was collected under.
        account_id: Who gets it.
        usd_micros: How much, in millionths of the currency.
        collected_usd_micros: What the payment was of, as far as who asks knows.
        refunded_usd_micros: What of it was given back before, likewise.
        collected_at: When it was collected, likewise.
        asked_at: When the refund was asked for first.
        is_contested: Whether who asks knows of an open dispute of the payment.
        currency: ISO 4217.
    """

    key: str
    payment_key: str
    account_id: str
    usd_micros: int
    collected_usd_micros: int
    refunded_usd_micros: int
    collected_at: datetime
    asked_at: datetime
    is_contested: bool = False
    currency: str = USD


class KeyUsedAgainError(ValueError):
    """A key came again with something else; no money was moved for it."""


REFUND_TIME = timedelta(days=180)
"""How long after a payment the shipped gateways give back of it.

Many payment methods have a limit, which for bank debits is 180 days
(https://docs.stripe.com/payments/ach-direct-debit#refunds).
"""


def why_not_refunded(refund: RefundRequest, left_usd_micros: int, *, contested: bool) -> str:
    """Why a payment service gives nothing back; empty: nothing is in its way.

    As Stripe's: no more than is left of the charge, nothing of one that is disputed
    (https://docs.stripe.com/refunds, https://docs.stripe.com/error-codes#charge-disputed), nothing
    once the payment method's time is over.

    Args:
        refund: What is asked for.
        left_usd_micros: What was collected and not given back.
        contested: Whether the payment is disputed.
    """
    if contested:
        return "the payment is disputed: the bank decides whose the money is"
    if refund.usd_micros > left_usd_micros:
        return "that is more than is left of the payment"
    if refund.asked_at - refund.collected_at > REFUND_TIME:
        return f"the payment is older than {counted(REFUND_TIME.days, 'day')}"
    return ""


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

    def refund(self, refund: RefundRequest) -> Answer:
        """Give money back that was collected, unless that has been done under its key.

        Returns:
            Accepted, declined with the reason, or delayed: it is under way. The same for the same
            key; one that was delayed may have been accepted or declined since. One that was
            accepted may still fail at the customer's bank: then a message says that it is declined,
            and the money is back.

        Raises:
            Exception: There is no answer: it may have been given back, or not; also
                ``KeyUsedAgainError``, where the key stands for something else.
        """
        ...

    def movements(self, start: datetime, end: datetime) -> Iterable[Movement]:
        """What its own books say that it moved in ``[start, end)``, in any order, each once.

        Raises:
            Exception: It cannot say.
        """
        ...


DECLINES = "test:declines"
"""A card that is declined, whatever is asked of it."""

LOST = "test:lost"
"""A card that was reported lost: it is declined, and will be for ever."""

DELAYS = "test:delays"
"""A card whose answer comes later: as a message, or as the account is reconciled."""


class RehearsedGateway:
    """Collects nothing: accepts every card but the three test cards.

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
        if payment.card == LOST:
            return Answer(PaymentState.DECLINED, "the card was reported lost", is_final=True)
        if payment.card == DELAYS:
            return Answer(PaymentState.DELAYED, "the bank has not answered yet")
        return Answer(PaymentState.ACCEPTED)

    def withdraw(self, payment: PaymentRequest) -> Answer:
        """Nothing was collected."""
        del payment
        return Answer(PaymentState.DECLINED, "withdrawn")

    def refund(self, refund: RefundRequest) -> Answer:
        """Answer by what who asks knows of the payment, since nothing was collected.

        Raises:
            KeyUsedAgainError: The key is that of another amount.
        """
        if not refund.key.endswith(f":{refund.usd_micros}"):
            raise KeyUsedAgainError(f"{refund.key} stands for another refund")
        left = refund.collected_usd_micros - refund.refunded_usd_micros
        why_not = why_not_refunded(refund, left, contested=refund.is_contested)
        return Answer(PaymentState.DECLINED if why_not else PaymentState.ACCEPTED, why_not)

    def movements(self, start: datetime, end: datetime) -> Iterable[Movement]:
        """It moved nothing."""
        del start, end
        return ()


REHEARSED_GATEWAY = RehearsedGateway()


def is_rehearsed(*, gateway: PaymentGateway) -> bool:
    """Whether a gateway collects nothing; one that does not say so is taken to collect."""
    return not getattr(gateway, "collects", True)


def calls_out(*, gateway: PaymentGateway) -> bool:
    """Whether a gateway asks somebody else; one that does not say so is taken to."""
    return getattr(gateway, "calls_out", True)
