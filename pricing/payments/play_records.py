"""What a bank that plays has on record, and how it can be told to misbehave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from pricing.payments.disputes import DisputeEvent, DisputeNotice
from pricing.payments.gateway import Answer, PaymentRequest, PaymentState, RefundRequest
from pricing.payments.movements import Movement, MovementKind

FEE_PPM, FEE_MICROS = 29_000, 300_000
"""2.9 % and 0.30 of each payment, as Stripe takes of domestic cards in the United States
(https://stripe.com/pricing); a refund gives none of it back."""

DISPUTE_FEE_MICROS = 15_000_000
"""15.00 for each dispute, as Stripe takes in the United States (https://stripe.com/pricing)."""


class Faults(Struct, frozen=True):
    """How often something goes wrong, of each call that is the first of its key.

    Attributes:
        never_arrives: The call fails and the bank knows nothing of it.
        is_lost: The bank has done it, and the caller gets an error instead of the answer.
        is_declined: The bank does not like the card today.
        is_delayed: The answer comes later, as a message.
        other_amount: Something else is collected than was asked for.
        other_currency: It is collected in another currency.
        is_told: There is a message about it besides the answer.
    """

    never_arrives: float = 0.0
    is_lost: float = 0.0
    is_declined: float = 0.0
    is_delayed: float = 0.0
    other_amount: float = 0.0
    other_currency: float = 0.0
    is_told: float = 0.0


class Charge(Struct):
    """What the bank has on one key.

    Attributes:
        request: What was asked.
        answer: What it is by now.
        at: When it was first asked.
    """

    request: PaymentRequest
    answer: Answer
    at: datetime

    @property
    def micros(self) -> int:
        """What it collected, if it did, in millionths of the answer's currency."""
        amount = self.answer.collected_usd_micros
        return self.request.usd_micros if amount is None else amount


class GivenBack(Struct):
    """What the bank has on one key of a refund.

    Attributes:
        request: What was asked.
        answer: What it is by now.
        at: When it was first asked.
        sent_back_at: When the customer's bank sent it back; None: it did not.
    """

    request: RefundRequest
    answer: Answer
    at: datetime
    sent_back_at: datetime | None = None


class Contested(Struct):
    """A dispute, as the bank has it.

    Attributes:
        name: What the bank calls it.
        payment_key: Of what.
        micros: How much.
        currency: In what.
        at: When the money was taken.
        won_at: When it came again; None: it did not.
        is_decided: Whether the customer's bank has decided.
    """

    name: str
    payment_key: str
    micros: int
    currency: str
    at: datetime
    won_at: datetime | None = None
    is_decided: bool = False

    def notice(self, event: DisputeEvent) -> DisputeNotice:
        """What is said of it; the fee with the money."""
        fee = DISPUTE_FEE_MICROS if event is DisputeEvent.WITHDRAWN else 0
        return DisputeNotice(self.name, event, self.micros, self.currency, fee)


def disputed_movements(disputes: Iterable[Contested]) -> Iterator[Movement]:
    """What has moved for disputes; the bank's fee stays with it."""
    for each in disputes:
        kind, fee = MovementKind.DISPUTE, DISPUTE_FEE_MICROS
        yield Movement(each.name, kind, each.micros, each.currency, each.at, fee)
        if each.won_at is not None:
            kind = MovementKind.DISPUTE_WON
            yield Movement(each.name, kind, each.micros, each.currency, each.won_at)


def movements_of(
    charges: Mapping[str, Charge], refunds: Mapping[str, GivenBack]
) -> Iterator[Movement]:
    """All that has moved for payments and refunds, in no order."""
    for key, charge in charges.items():
        if charge.answer.state is PaymentState.ACCEPTED:
            fee = charge.micros * FEE_PPM // 1_000_000 + FEE_MICROS
            currency = charge.answer.currency
            yield Movement(key, MovementKind.PAYMENT, charge.micros, currency, charge.at, fee)
    for key, given in refunds.items():
        micros, currency = given.request.usd_micros, given.request.currency
        if given.answer.state is PaymentState.ACCEPTED or given.sent_back_at is not None:
            yield Movement(key, MovementKind.REFUND, micros, currency, given.at)
        if given.sent_back_at is not None:
            kind = MovementKind.REFUND_RETURNED
            yield Movement(key, kind, micros, currency, given.sent_back_at)


def between(movements: Iterable[Movement], start: datetime, end: datetime) -> tuple[Movement, ...]:
    """Those of them in ``[start, end)``."""
    return tuple(each for each in movements if start <= each.at < end)
