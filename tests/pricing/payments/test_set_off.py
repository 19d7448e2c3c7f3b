"""What an account is in credit pays for whatever it is charged next, once (C80)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from kernel.errors import RefusedError
from pricing.ledger.invoices import InvoiceStatus
from pricing.payments.gateway import DECLINES, Answer, PaymentState
from pricing.plans.channels import Channel
from tests.pricing.payments.conftest import USD, DiedError, MortalBank, booked

MONTH_S = 31 * 86_400.0
FULL = 199


def month_ends(engine: Engine, clock: ManualClock) -> None:
    clock.sleep(MONTH_S)
    engine.accounts.advance()


CHARGES: dict[str, tuple[int, Callable[[Engine, ManualClock], object]]] = {
    "a period": (199, month_ends),
    "a boost": (199, lambda engine, _: engine.accounts.boost("acme")),
    "an upgrade": (500, lambda engine, _: engine.accounts.upgrade("acme", plan="professional")),
}


def in_credit(engine: Engine, usd: int) -> None:
    """An account on Starter that an operator credited so much."""
    engine.accounts.open("acme", plan="starter", card="tok_good", administrators=["ann"])
    engine.accounts.adjust("acme", usd_micros=usd * USD, reason="goodwill")


@pytest.mark.parametrize("credit", [30, FULL])
@pytest.mark.parametrize("charged", CHARGES)
def test_credit_is_set_off_and_the_bank_is_asked_for_the_rest(
    engine: Engine, bank: MortalBank, clock: ManualClock, charged: str, credit: int
) -> None:
    in_credit(engine, credit)
    price, charge = CHARGES[charged]
    charge(engine, clock)
    assert bank.usd == FULL + price - credit
    assert booked(engine) == (FULL + price - credit, 0, 0)
    *_, invoice = engine.reports.invoices("acme")
    assert (invoice.total_usd_micros, invoice.status) == (price * USD, InvoiceStatus.PAID)
    assert engine.db.check() == ()


@pytest.mark.parametrize("charged", CHARGES)
def test_what_is_left_of_credit_stays(
    engine: Engine, bank: MortalBank, clock: ManualClock, charged: str
) -> None:
    engine.accounts.open("acme", plan="advanced", card="tok_good")
    engine.accounts.adjust("acme", usd_micros=1_999 * USD, reason="goodwill")
    engine.accounts.downgrade("acme", plan="starter")
    clock.sleep(MONTH_S)
    engine.accounts.advance()
    before = bank.usd
    assert before == 1_999
    price, charge = CHARGES[charged]
    charge(engine, clock)
    assert bank.usd == before
    assert booked(engine) == (1_999, 0, 1_999 - FULL - price)
    assert engine.db.check() == ()


def test_what_is_owed_is_set_off_as_it_is_asked_for_again(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    in_credit(engine, 30)
    engine.accounts.set_card("acme", DECLINES)
    clock.sleep(MONTH_S)
    engine.accounts.advance()
    # Nothing is set off of what is not paid: a period is paid whole.
    assert engine.accounts.show("acme").unpaid_usd_micros == FULL * USD
    assert booked(engine) == (FULL, 0, 30)
    engine.accounts.adjust("acme", usd_micros=FULL * USD - 30 * USD, reason="goodwill")
    engine.accounts.pay("acme")
    assert booked(engine) == (FULL, 0, 0)
    assert engine.accounts.show("acme").unpaid_usd_micros == 0
    assert bank.usd == FULL
    assert engine.db.check() == ()


@pytest.mark.parametrize("fault", ["dies", "lost", "silent"])
@pytest.mark.parametrize("charged", CHARGES)
def test_what_has_no_answer_is_paid_once_and_set_off_once(
    engine: Engine, bank: MortalBank, clock: ManualClock, charged: str, fault: str
) -> None:
    in_credit(engine, 30)
    price, charge = CHARGES[charged]
    setattr(bank, fault, 1)
    with suppress(DiedError, RefusedError):
        charge(engine, clock)
    for _ in range(2):
        clock.sleep(600.0)
        engine.accounts.reconcile("acme")
    if charged == "a period" or fault != "silent":
        assert booked(engine) == (FULL + price - 30, 0, 0)
    else:
        # It was withdrawn: nothing was bought, and nothing set off.
        assert booked(engine) == (FULL, 0, 30)
    assert sum(bank.collected.values()) == booked(engine)[0] * USD
    assert engine.db.check() == ()


def test_a_bank_that_answers_late_pays_the_rest(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    in_credit(engine, 30)
    bank.says = [Answer(PaymentState.DELAYED, "not yet")]
    clock.sleep(MONTH_S)
    engine.accounts.advance()
    assert booked(engine) == (FULL, 0, 30)
    key = next(key for key, each in bank.charges.items() if each.request.set_off_usd_micros)
    engine.accounts.payment_heard(key, Answer(PaymentState.ACCEPTED))
    assert booked(engine) == (2 * FULL - 30, 0, 0)
    assert engine.db.check() == ()


def test_a_contract_at_a_marketplace_is_charged_whole(engine: Engine, clock: ManualClock) -> None:
    engine.accounts.open("acme", plan="starter", channel=Channel.AWS_MARKETPLACE)
    engine.accounts.adjust("acme", usd_micros=30 * USD, reason="goodwill")
    clock.sleep(MONTH_S)
    engine.accounts.advance()
    assert booked(engine) == (2 * FULL, 0, 30)
