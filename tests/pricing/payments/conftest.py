"""Engines whose gateway is a bank that may die, be silent, or misbehave."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from pricing.payments.gateway import Answer, PaymentRequest, RefundRequest
from pricing.payments.play_bank import PlayBank

USD = 1_000_000


class DiedError(BaseException):
    """The process that was asking is gone."""


class MortalBank(PlayBank):
    """A bank on whose callers a test can play tricks.

    Attributes:
        dies: How often the caller dies after the bank has done what it was asked.
        silent: How often the call fails before the bank hears of it.
        lost: How often the answer is lost.
        says: What it answers next instead of its own answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dies = 0
        self.silent = 0
        self.lost = 0
        self.says: list[Answer] = []

    def collect(self, payment: PaymentRequest) -> Answer:
        if self.silent:
            self.silent -= 1
            raise TimeoutError("no answer within 30 s")
        answer = super().collect(payment)
        if self.says:
            answer = self.charges[payment.key].answer = self.says.pop(0)
        if self.dies:
            self.dies -= 1
            raise DiedError
        if self.lost:
            self.lost -= 1
            raise ConnectionError("the connection was closed")
        return answer

    def refund(self, refund: RefundRequest) -> Answer:
        if self.silent:
            self.silent -= 1
            raise TimeoutError("no answer within 30 s")
        answer = super().refund(refund)
        if self.dies:
            self.dies -= 1
            raise DiedError
        if self.lost:
            self.lost -= 1
            raise ConnectionError("the connection was closed")
        return answer

    @property
    def usd(self) -> int:
        """Dollars that it collected."""
        return sum(self.collected.values()) // USD

    @property
    def purposes(self) -> list[str]:
        return [each.request.purpose for each in self.charges.values()]


@pytest.fixture
def bank() -> MortalBank:
    return MortalBank()


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """Of a fresh database with empty books."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'own.db')}"


@pytest.fixture
def engine(sqlite_url: str, clock: ManualClock, bank: MortalBank) -> Iterator[Engine]:
    with Engine(sqlite_url, clock=clock, environment={}, gateway=bank) as made:
        yield made


def booked(engine: Engine, account: str = "acme") -> tuple[int, int, int]:
    """Dollars of cash, receivable and credit."""
    sums = {"cash": 0, "receivable": 0, "credit": 0}
    for entry in engine.reports.ledger(account):
        for posting in entry.postings:
            if posting.ledger_account in sums:
                sums[posting.ledger_account] += posting.amount
    return sums["cash"] // USD, sums["receivable"] // USD, -sums["credit"] // USD
