"""A bank that plays: it keeps its own books of what it collected, and can be told to misbehave.

It moves no money, and otherwise does what a real payment service does: it collects once per key,
refuses a key that comes again with something else, answers the same for ever, and takes no card
that it does not like. With ``Faults`` it does what networks and banks do to people besides: calls
that never arrive, answers that are lost, that come later as a message, twice, or of another amount.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from pricing.payments.gateway import (
    DECLINES,
    DELAYS,
    Answer,
    KeyUsedAgainError,
    PaymentRequest,
    PaymentState,
    RefundRequest,
    why_not_refunded,
)


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
    """

    request: PaymentRequest
    answer: Answer


class GivenBack(Struct):
    """What the bank has on one key of a refund.

    Attributes:
        request: What was asked.
        answer: What it is by now.
    """

    request: RefundRequest
    answer: Answer


class PlayBank:
    """Collects in its own books alone.

    Args:
        faults: What goes wrong, and how often.
        random: Decides when.
        sleep: Waits before each answer; a bank takes its time.

    Attributes:
        charges: What it has on record, by key.
        refunds: What it gave back, or would not, by key.
        contested: Keys of charges whose customers have gone to their bank.
        calls: How often it was asked, by key.
        messages: What it is going to say of its own accord, in no order; taken by who delivers it.
    """

    collects = True
    calls_out = True

    def __init__(
        self,
        *,
        faults: Faults | None = None,
        random: Random | None = None,
        sleep: Callable[[], None] = lambda: None,
    ) -> None:
        self.faults = Faults() if faults is None else faults
        self.charges: dict[str, Charge] = {}
        self.refunds: dict[str, GivenBack] = {}
        self.contested: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.messages: list[tuple[str, Answer]] = []
        self._random = Random(0) if random is None else random  # noqa: S311 - a play
        self._sleep = sleep
        self._lock = threading.Lock()

    @property
    def collected(self) -> dict[tuple[str, str], int]:
        """What it collected, in millionths, by account and currency."""
        sums: Counter[tuple[str, str]] = Counter()
        for each in self.charges.values():
            if each.answer.state is PaymentState.ACCEPTED:
                amount = each.answer.collected_usd_micros
                asked = each.request.usd_micros
                currency = each.answer.currency
                sums[each.request.account_id, currency] += asked if amount is None else amount
        return dict(sums)

    def collect(self, payment: PaymentRequest) -> Answer:
        """Collect it, once per key.

        Raises:
            ConnectionError: The call or its answer was lost.
            KeyUsedAgainError: The key stands for something else.
        """
        self._sleep()
        with self._lock:
            self.calls[payment.key] += 1
            if self._happens(self.faults.never_arrives):
                raise ConnectionError("the bank cannot be reached")
            known = self.charges.get(payment.key)
            if known is None:
                known = Charge(payment, self._decide(payment))
                self.charges[payment.key] = known
                self._tell(payment.key, known)
            elif known.request != payment:
                raise KeyUsedAgainError(f"{payment.key} stands for another payment")
            elif known.answer.state is PaymentState.DELAYED:
                self._make_up_its_mind(known)
            if self._happens(self.faults.is_lost):
                raise ConnectionError("the connection was closed before the bank answered")
            return known.answer

    def withdraw(self, payment: PaymentRequest) -> Answer:
        """Never collect it, unless that has been done.

        Raises:
            ConnectionError: The call or its answer was lost.
        """
        self._sleep()
        with self._lock:
            if self._happens(self.faults.never_arrives):
                raise ConnectionError("the bank cannot be reached")
            known = self.charges.get(payment.key)
            if known is None or known.answer.state is PaymentState.DELAYED:
                known = Charge(payment, Answer(PaymentState.DECLINED, "withdrawn"))
                self.charges[payment.key] = known
            if self._happens(self.faults.is_lost):
                raise ConnectionError("the connection was closed before the bank answered")
            return known.answer

    @property
    def refunded(self) -> dict[tuple[str, str], int]:
        """What it gave back, in millionths, by account and currency."""
        sums: Counter[tuple[str, str]] = Counter()
        for each in self.refunds.values():
            if each.answer.state is PaymentState.ACCEPTED:
                amount = each.answer.collected_usd_micros
                account = each.request.account_id
                sums[account, each.answer.currency] += (
                    each.request.usd_micros if amount is None else amount
                )
        return dict(sums)

    def refund(self, refund: RefundRequest) -> Answer:
        """Give back of a charge of its own, once per key.

        Raises:
            ConnectionError: The call or its answer was lost.
            KeyUsedAgainError: The key stands for something else.
        """
        self._sleep()
        with self._lock:
            self.calls[refund.key] += 1
            if self._happens(self.faults.never_arrives):
                raise ConnectionError("the bank cannot be reached")
            known = self.refunds.get(refund.key)
            if known is None:
                known = GivenBack(refund, self._decide_refund(refund))
                self.refunds[refund.key] = known
            elif _essence(known.request) != _essence(refund):
                raise KeyUsedAgainError(f"{refund.key} stands for another refund")
            if self._happens(self.faults.is_lost):
                raise ConnectionError("the connection was closed before the bank answered")
            return known.answer

    def refund_settled(self, key: str, state: PaymentState) -> Answer:
        """The customer's bank has taken a refund, or sent it back; what is to be told of it."""
        with self._lock:
            known = self.refunds[key]
            known.answer = Answer(state, "" if state is PaymentState.ACCEPTED else "sent back")
            return known.answer

    def message_about(self, key: str) -> Answer:
        """What it says of a payment that it had not answered for, whenever it is ready to."""
        with self._lock:
            known = self.charges[key]
            if known.answer.state is PaymentState.DELAYED:
                self._make_up_its_mind(known)
            return known.answer

    def _decide(self, payment: PaymentRequest) -> Answer:
        if payment.card == DECLINES or self._happens(self.faults.is_declined):
            return Answer(PaymentState.DECLINED, "the card was declined")
        if payment.card == DELAYS or self._happens(self.faults.is_delayed):
            # Who waits is told so, and it is given up for good.
            return Answer(PaymentState.DELAYED, "the bank has not answered yet")
        return self._accept(payment)

    def _decide_refund(self, refund: RefundRequest) -> Answer:
        """By its own books alone: what who asks knows of the charge does not count."""
        charge = self.charges.get(refund.payment_key)
        if charge is None or charge.answer.state is not PaymentState.ACCEPTED:
            return Answer(PaymentState.DECLINED, "there is no such payment")
        if charge.answer.currency != refund.currency:
            return Answer(PaymentState.DECLINED, "the payment is in another currency")
        amount = charge.answer.collected_usd_micros
        collected = charge.request.usd_micros if amount is None else amount
        given = sum(
            each.request.usd_micros
            for each in self.refunds.values()
            if each.request.payment_key == refund.payment_key
            and each.answer.state in {PaymentState.ACCEPTED, PaymentState.DELAYED}
        )
        contested = refund.payment_key in self.contested
        if why_not := why_not_refunded(refund, collected - given, contested=contested):
            return Answer(PaymentState.DECLINED, why_not)
        if self._happens(self.faults.is_delayed):
            return Answer(PaymentState.DELAYED, "the customer's bank has not taken it yet")
        return Answer(PaymentState.ACCEPTED)

    def _accept(self, payment: PaymentRequest) -> Answer:
        if self._happens(self.faults.other_amount):
            amount = payment.usd_micros // 2 + 10_000 * self._random.randint(1, 100)
            return Answer(PaymentState.ACCEPTED, collected_usd_micros=amount)
        if self._happens(self.faults.other_currency):
            return Answer(PaymentState.ACCEPTED, currency="EUR")
        return Answer(PaymentState.ACCEPTED)

    def _make_up_its_mind(self, known: Charge) -> None:
        """A bank that had not answered has, unless the buyer was not to wait for it."""
        if known.request.at_once or known.request.card == DELAYS:
            return
        declines = self._happens(self.faults.is_declined)
        known.answer = (
            Answer(PaymentState.DECLINED, "the card was declined")
            if declines
            else Answer(PaymentState.ACCEPTED)
        )

    def _tell(self, key: str, charge: Charge) -> None:
        """Some answers come as a message too, perhaps twice."""
        if charge.answer.state is not PaymentState.DELAYED and self._happens(self.faults.is_told):
            self.messages.extend([(key, charge.answer)] * self._random.randint(1, 2))

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate


def _essence(refund: RefundRequest) -> RefundRequest:
    """What a key stands for: what who asks knows of the payment may have changed since."""
    return replace(refund, collected_usd_micros=0, refunded_usd_micros=0, is_contested=False)
