"""A process that dies: before any statement, any COMMIT, any call of the bank, or after a call."""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, event

from kernel.outside import CalledInTransactionError, check_outside
from pricing.payments.gateway import Answer, PaymentRequest, RefundRequest
from pricing.payments.play_bank import Faults, PlayBank


class DiedError(BaseException):
    """Nothing in the product may catch it; its connection is gone without a ROLLBACK."""


class Deaths:
    """Counts the places where a process can die, and kills it at the one that was chosen.

    Attributes:
        places: How many places the command has come by so far.
    """

    def __init__(self) -> None:
        self.places = 0
        self._at: int | None = None

    def watch(self, db: Engine) -> None:
        """Statements and commits of a database are places."""
        event.listen(db, "before_cursor_execute", self._before_statement)
        event.listen(db, "commit", self.come_by)

    def arm(self, at: int | None) -> None:
        """A command begins, and dies at its place of that number; None: it does not."""
        self.places, self._at = 0, at

    def come_by(self, conn: Connection | None = None) -> None:
        """One more place."""
        self.places += 1
        if self._at is not None and self.places > self._at:
            self._at = None
            if conn is not None:
                conn.invalidate()
            raise DiedError

    def _before_statement(self, conn: Connection, *_details: Any) -> None:  # noqa: ANN401
        self.come_by(conn)


class WatchedBank(PlayBank):
    """A bank whose calls are places to die, and which notes who calls with a transaction open."""

    def __init__(self, deaths: Deaths, faults: Faults, random: Random) -> None:
        super().__init__(faults=faults, random=random)
        self.deaths = deaths
        self.called_in_transaction = 0

    def collect(self, payment: PaymentRequest) -> Answer:
        self._begin()
        answer = super().collect(payment)
        self.deaths.come_by()
        return answer

    def withdraw(self, payment: PaymentRequest) -> Answer:
        self._begin()
        answer = super().withdraw(payment)
        self.deaths.come_by()
        return answer

    def refund(self, refund: RefundRequest) -> Answer:
        self._begin()
        answer = super().refund(refund)
        self.deaths.come_by()
        return answer

    def _begin(self) -> None:
        try:
            check_outside("the bank")
        except CalledInTransactionError:
            self.called_in_transaction += 1
        self.deaths.come_by()
