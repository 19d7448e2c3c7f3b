"""A disk that fills up while the gateway is asked: what is pending is told, and goes on once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.api import Engine
from engine.database import DatabaseFullError
from kernel.clock import ManualClock
from pricing.payments.gateway import Answer, PaymentRequest, RefundRequest
from tests.full_disk import fill, make_room, room_in_the_end
from tests.pricing.payments.conftest import USD, MortalBank, booked


class FillingBank(MortalBank):
    """While it is asked, somebody fills the disk."""

    fills = False

    def collect(self, payment: PaymentRequest) -> Answer:
        answer = super().collect(payment)
        if self.fills:
            fill()
        return answer

    def refund(self, refund: RefundRequest) -> Answer:
        answer = super().refund(refund)
        if self.fills:
            fill()
        return answer


@pytest.fixture
def bank(clock: ManualClock) -> Iterator[FillingBank]:
    with room_in_the_end():
        yield FillingBank(clock.now)


def boosted(engine: Engine) -> None:
    engine.accounts.boost("acme")


def refunded(engine: Engine) -> None:
    engine.accounts.refund("acme", invoice="acme-00001", usd_micros=50 * USD, reason="slow")


@pytest.mark.parametrize("goes_on_by", ["the same command", "reconcile"])
@pytest.mark.parametrize(
    ("command", "pending", "cash"),
    [(boosted, "a payment of", 199), (refunded, "a refund of 50.00 USD", -50)],
)
def test_what_is_pending_on_a_full_disk_is_told_and_carried_out_once(
    engine: Engine,
    bank: FillingBank,
    clock: ManualClock,
    command: Callable[[Engine], None],
    pending: str,
    cash: int,
    goes_on_by: str,
) -> None:
    engine.accounts.open("acme", plan="starter", card="tok_good")
    before = booked(engine)[0]
    bank.fills = True
    with pytest.raises(DatabaseFullError) as told:
        command(engine)
    make_room()
    assert pending in told.value.line
    assert "`loadmuster account reconcile acme`" in told.value.line
    assert "nothing was written" not in told.value.line
    assert booked(engine)[0] == before
    bank.fills = False
    if goes_on_by == "reconcile":
        clock.sleep(600.0)
        engine.accounts.reconcile("acme")
    else:
        command(engine)
    assert booked(engine)[0] == before + cash
    assert sum(bank.collected.values()) - sum(bank.refunded.values()) == (before + cash) * USD
    assert engine.db.check() == ()


def test_where_nothing_is_pending_nothing_was_written(engine: Engine, bank: FillingBank) -> None:
    engine.accounts.open("acme", plan="starter", card="tok_good")
    fill()
    with pytest.raises(DatabaseFullError, match="nothing was written, make room"):
        boosted(engine)
    make_room()
    assert len(bank.charges) == 1
