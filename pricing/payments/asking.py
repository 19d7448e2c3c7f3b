"""The one place that calls a payment gateway: outside of every transaction, and whatever it does.

A gateway that raises, or answers what is no answer, has not answered: the payment stays pending and
is asked for again under its key. After that a command does not ask for what nobody waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kernel.errors import BadInputError
from kernel.outside import check_outside
from pricing.money import MICROS_PER_USD, USD_MAX
from pricing.payments.attempts import Attempt
from pricing.payments.gateway import Answer, PaymentGateway, PaymentState, RefundRequest

Asked = TypeVar("Asked")

_ANSWERS = frozenset({PaymentState.ACCEPTED, PaymentState.DECLINED, PaymentState.DELAYED})
_REASON_LENGTH_MAX = 200
USD_MICROS_MAX = USD_MAX * MICROS_PER_USD
"""No payment is of more; the database could not keep it."""


def checked_answer(answer: Answer) -> Answer:
    """An answer of somebody else's program, looked at: with bounded words, and nothing else in it.

    Raises:
        BadInputError: If it is none.
    """
    if not isinstance(answer, Answer) or answer.state not in _ANSWERS:
        raise BadInputError("it answered what is no answer")
    amount = answer.collected_usd_micros
    if amount is not None and not (type(amount) is int and 0 < amount <= USD_MICROS_MAX):
        raise BadInputError("it answered what is no amount")
    return Answer(answer.state, _words(str(answer.reason)), amount, _words(str(answer.currency)))


class Talk:
    """What one command says to the gateway, or one sweep over many accounts.

    Args:
        gateway: Who is talked to.
        silences_max: Calls without an answer, one after the other, after which it is not asked any
            more for what nobody waits for.

    Attributes:
        silence: Why it has not answered the last time; empty: it has.
    """

    def __init__(self, *, gateway: PaymentGateway, silences_max: int = 1) -> None:
        self._gateway = gateway
        self._silences_max = silences_max
        self._silences = 0
        self.silence = ""

    def collect(self, attempt: Attempt) -> Answer | None:
        """Ask for a payment; None: there is no answer.

        Raises:
            CalledInTransactionError: If a transaction is open.
        """
        check_outside("the payment gateway")
        if self._silences >= self._silences_max and not attempt.request.at_once:
            return None
        return self._call(self._gateway.collect, attempt.request)

    def withdraw(self, attempt: Attempt) -> Answer | None:
        """Have a payment never collected that was not collected yet; None: there is no answer.

        Raises:
            CalledInTransactionError: If a transaction is open.
        """
        check_outside("the payment gateway")
        answer = self._call(self._gateway.withdraw, attempt.request)
        if answer is not None and answer.state is PaymentState.DELAYED:
            self.silence = "it does not know yet"
            return None
        return answer

    def refund(self, request: RefundRequest) -> Answer | None:
        """Ask for a refund; None: there is no answer.

        Raises:
            CalledInTransactionError: If a transaction is open.
        """
        check_outside("the payment gateway")
        if self._silences >= self._silences_max:
            return None
        return self._call(self._gateway.refund, request)

    def _call(self, call: Callable[[Asked], Answer], request: Asked) -> Answer | None:
        try:
            answer = call(request)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it has not answered
            self._note_silence(f"{type(error).__name__}: {error}")
            return None
        try:
            heard = checked_answer(answer)
        except BadInputError as error:
            self._note_silence(error.line)
            return None
        self.silence, self._silences = "", 0
        return heard

    def _note_silence(self, why: str) -> None:
        self.silence = _words(why)
        self._silences += 1


def _words(text: str) -> str:
    return " ".join(text.split())[:_REASON_LENGTH_MAX]
