"""What a transaction has of a gateway: its answers on record, and a way to ask for one more.

Whoever books a payment does so in a transaction, where nobody may be called. There ``gateway`` is
an ``AnswersOnRecord``: what has been answered it answers the same, and otherwise it breaks off with
``AnswerNeeded``. Whoever holds the transaction undoes it, has the gateway asked, and begins again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from pricing.ledger.invoices import run_cause
from pricing.payments.attempts import (
    Attempt,
    AttemptState,
    Outcome,
    give_outcome,
    latest_attempt,
)
from pricing.payments.gateway import (
    Answer,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    RefundRequest,
)
from pricing.payments.movements import Movement


class AnswerNeeded(Exception):  # noqa: N818 - nothing is wrong
    """A payment has to be asked for before this transaction can be done; it goes no further.

    Attributes:
        wanted: What is paid; its key is the purpose.
        attempt: For how many times it is asked for.
        outdated: What was collected for the purpose before, and is another amount.
    """

    def __init__(
        self, wanted: PaymentRequest, attempt: int, *, outdated: Attempt | None = None
    ) -> None:
        super().__init__(wanted.key)
        self.wanted = wanted
        self.attempt = attempt
        self.outdated = outdated


class AnswersOnRecord:
    """The gateway as a transaction sees it.

    Args:
        conn: The open transaction.
        answered: What this command was answered, by key; None: the gateway collects and says no.
        collects: Whether the gateway behind it moves money.
    """

    calls_out = False

    def __init__(self, conn: Connection, *, answered: Mapping[str, Answer], collects: bool) -> None:
        self._conn = conn
        self._answered = answered
        self.collects = collects

    def collect(self, payment: PaymentRequest) -> Answer:
        """The answer on record; money that was collected is booked for its purpose with it.

        Raises:
            AnswerNeeded: There is none.
        """
        known = latest_attempt(self._conn, payment.key)
        if known is None:
            raise AnswerNeeded(payment, 1)
        number = known.request.attempt
        if known.state is AttemptState.ACCEPTED:
            if known.outcome in {None, Outcome.BOOKED}:
                return self._accepted(payment, known)
            # Its money went another way: the price is asked for anew.
            raise AnswerNeeded(payment, number + 1)
        answer = self._answered.get(known.request.key)
        if answer is not None:
            return answer
        is_open = known.state in {AttemptState.PENDING, AttemptState.DELAYED}
        raise AnswerNeeded(payment, number if is_open else number + 1)

    def refusal(self, purpose: str) -> Answer | None:
        """The no that this command was told when it was asked last; None: it was told none.

        What was collected instead of the price does not buy in the same command (C50).
        """
        known = latest_attempt(self._conn, purpose)
        if known is None or known.state is AttemptState.ACCEPTED:
            return None
        answer = self._answered.get(known.request.key)
        return None if answer is None or answer.state is PaymentState.ACCEPTED else answer

    def withdraw(self, payment: PaymentRequest) -> Answer:
        """Nothing is withdrawn in a transaction.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError(payment)

    def refund(self, refund: RefundRequest) -> Answer:
        """Nothing is given back in a transaction.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError(refund)

    def movements(self, start: datetime, end: datetime) -> Iterable[Movement]:
        """Nobody is asked what moved in a transaction.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError(start, end)

    def _accepted(self, payment: PaymentRequest, known: Attempt) -> Answer:
        asked = known.request.usd_micros
        if asked == payment.usd_micros:
            collected = None
        elif asked > payment.usd_micros and payment.key.startswith(run_cause("")):
            # The run was corrected meanwhile: whoever books it puts the rest to the credit.
            collected = asked
        elif known.outcome is Outcome.BOOKED:
            collected = asked
        else:
            raise AnswerNeeded(payment, known.request.attempt + 1, outdated=known)
        if known.outcome is None:
            give_outcome(self._conn, known, Outcome.BOOKED)
        return Answer(
            PaymentState.ACCEPTED,
            known.reason,
            collected_usd_micros=collected,
            key=known.request.key,
        )


@contextmanager
def whole(conn: Connection, *, gateway: PaymentGateway) -> Iterator[None]:
    """What is done in one piece: an answer that is needed in it leaves all before it done."""
    if isinstance(gateway, AnswersOnRecord):
        with conn.begin_nested():
            yield
    else:
        yield
