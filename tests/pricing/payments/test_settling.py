"""Whoever dies, waits or hears nothing while a gateway is asked: money is collected once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from kernel.errors import RequestConflictError
from pricing.accounts.pending import PaymentPendingError, PurchaseOutdatedError
from pricing.accounts.reconciling import Became
from pricing.payments.collecting import PaymentFailedError
from pricing.payments.gateway import DECLINES, Answer, PaymentState
from pricing.payments.play_bank import PlayBank
from tests.pricing.payments.conftest import DiedError, MortalBank, booked

MONTH_S = 31 * 86_400.0
Ask = Callable[[Engine, str | None], object]


def on(plan: str) -> Callable[[Engine], None]:
    def begin(engine: Engine) -> None:
        engine.accounts.open("acme", plan=plan, card="tok_good", administrators=["ann"])

    return begin


def after_a_cancellation(engine: Engine) -> None:
    on("starter")(engine)
    engine.accounts.cancel("acme", by="ann")
    engine.accounts.confirm_cancel("acme", representative="rep")
    engine.clock.sleep(MONTH_S)
    engine.accounts.set_card("acme", "tok_good")


def with_a_debt(engine: Engine) -> None:
    on("starter")(engine)
    engine.accounts.set_card("acme", DECLINES)
    engine.clock.sleep(MONTH_S)
    engine.accounts.set_card("acme", "tok_better")


def nothing(_engine: Engine) -> None:
    """The account is not there yet."""


COLLECTING: dict[str, tuple[Callable[[Engine], None], Ask, int]] = {
    "open": (
        nothing,
        lambda e, i: e.accounts.open("acme", plan="starter", card="tok_good", request_id=i),
        199,
    ),
    "boost": (on("starter"), lambda e, i: e.accounts.boost("acme", request_id=i), 199),
    "upgrade": (
        on("starter"),
        lambda e, i: e.accounts.upgrade("acme", plan="professional", request_id=i),
        500,
    ),
    "first plan": (
        on("on-demand"),
        lambda e, i: e.accounts.upgrade("acme", plan="starter", request_id=i),
        199,
    ),
    "renew": (after_a_cancellation, lambda e, i: e.accounts.renew("acme", request_id=i), 199),
    "pay": (with_a_debt, lambda e, i: e.accounts.pay("acme", request_id=i), 199),
}
"""What collects money of a buyer who waits: what comes before, the command, and its dollars."""


@pytest.mark.parametrize("request_id", [None, "r1"])
@pytest.mark.parametrize("command", COLLECTING)
def test_who_dies_after_the_bank_has_collected_is_charged_once_by_the_same_command(
    command: str, request_id: str | None, engine: Engine, bank: MortalBank
) -> None:
    before, ask, usd = COLLECTING[command]
    before(engine)
    had = bank.usd
    bank.dies = 2
    for _ in range(2):
        with pytest.raises(DiedError):
            ask(engine, request_id)
    ask(engine, request_id)
    assert bank.usd == had + usd
    assert booked(engine) == (bank.usd, 0, 0)
    if request_id is not None:
        ask(engine, request_id)
        assert bank.usd == had + usd, "sent again, done once"


@pytest.mark.parametrize("command", [each for each in COLLECTING if each != "pay"])
@pytest.mark.parametrize("fault", ["silent", "lost"])
def test_a_buyer_who_gets_no_answer_is_told_and_goes_on_with_the_same_payment(
    command: str, fault: str, engine: Engine, bank: MortalBank
) -> None:
    before, ask, usd = COLLECTING[command]
    before(engine)
    had = bank.usd
    setattr(bank, fault, 1)
    with pytest.raises(PaymentPendingError, match="same command again goes on"):
        ask(engine, None)
    ask(engine, None)
    assert bank.usd == had + usd
    assert booked(engine) == (bank.usd, 0, 0)


@pytest.mark.parametrize("command", COLLECTING)
def test_a_declined_price_buys_nothing_and_the_next_try_has_a_key_of_its_own(
    command: str, engine: Engine, bank: MortalBank
) -> None:
    before, ask, usd = COLLECTING[command]
    before(engine)
    had, asked = bank.usd, set(bank.charges)
    bank.says = [Answer(PaymentState.DECLINED, "no")]
    with pytest.raises(PaymentFailedError):
        ask(engine, None)
    assert bank.usd == had
    ask(engine, None)
    assert bank.usd == had + usd
    numbers = sorted(each.request.attempt for key, each in bank.charges.items() if key not in asked)
    assert numbers == ([2, 3] if command == "pay" else [1, 2])


def test_a_bank_that_takes_long_holds_up_nobody_else(database_url: str, now: datetime) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def dawdle() -> None:
        asked.set()
        assert may_answer.wait(60)

    slow = PlayBank(sleep=dawdle)
    clock = ManualClock(now)
    with (
        Engine(database_url, clock=clock, environment={}, gateway=slow) as patient,
        Engine(database_url, clock=clock, environment={}, gateway=PlayBank()) as quick,
    ):
        for account in ("acme", "globex"):
            quick.accounts.open(account, plan="starter")
        buyer = threading.Thread(target=patient.accounts.boost, args=["acme"])
        buyer.start()
        try:
            assert asked.wait(60)
            quick.accounts.boost("globex")
            assert booked(quick, "globex") == (398, 0, 0)
            assert booked(quick) == (199, 0, 0)
        finally:
            may_answer.set()
            buyer.join(60)
        assert booked(quick) == (398, 0, 0)


@pytest.mark.parametrize(("fault", "usd"), [("silent", 0), ("lost", 199)])
def test_another_command_takes_over_from_who_has_died(
    fault: str, usd: int, engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    on("starter")(engine)
    setattr(bank, fault, 1)
    with pytest.raises(PaymentPendingError):
        engine.accounts.boost("acme", request_id="r1")
    began = clock.now()
    engine.accounts.upgrade("acme", plan="professional", request_id="r2")
    assert (clock.now() - began).total_seconds() == 35, "who may be alive was waited for"
    assert booked(engine) == (bank.usd, 0, 0) == (199 + usd + 500, 0, 0)
    engine.accounts.boost("acme", request_id="r1")
    assert booked(engine)[0] == bank.usd
    boosts = [purpose for purpose in bank.purposes if purpose.startswith("boost")]
    assert len(boosts) == (1 if usd else 2), "what was withdrawn is asked for anew"


def test_a_purchase_that_was_paid_for_is_made_before_another_command_changes_the_plan(
    engine: Engine, bank: MortalBank
) -> None:
    on("starter")(engine)
    bank.dies = 1
    with pytest.raises(DiedError):
        engine.accounts.boost("acme", request_id="r1")
    engine.accounts.to_on_demand("acme", request_id="r2")
    assert booked(engine) == (398, 0, 0)
    boosts = [each for each in engine.reports.ledger("acme") if "boost" in each.description]
    assert boosts, "the boost was made before the switch"


def test_a_purchase_that_is_refused_after_all_leaves_its_money_as_credit(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    on("starter")(engine)
    bank.dies = 1
    with pytest.raises(DiedError):
        engine.accounts.boost("acme", request_id="r1")
    bank.faults = type(bank.faults)(is_declined=1.0)
    clock.sleep(MONTH_S)
    with pytest.raises(PurchaseOutdatedError, match=r"199\.00 USD had been collected"):
        engine.accounts.boost("acme", request_id="r1")
    assert booked(engine) == (398, 0, 199)
    assert bank.usd == 398


def test_an_unfinished_payments_request_id_stands_for_nothing_else(
    engine: Engine, bank: MortalBank
) -> None:
    on("starter")(engine)
    bank.lost = 1
    with pytest.raises(PaymentPendingError):
        engine.accounts.boost("acme", request_id="r1")
    with pytest.raises(RequestConflictError, match="boost"):
        engine.accounts.upgrade("acme", plan="professional", request_id="r1")
    assert bank.usd == 398


def test_two_boosts_without_ids_are_two(engine: Engine, bank: MortalBank) -> None:
    on("starter")(engine)
    for _ in range(2):
        engine.accounts.boost("acme")
    assert bank.usd == 3 * 199
    assert booked(engine) == (bank.usd, 0, 0)


def test_a_gateway_that_cannot_be_reached_ends_neither_show_nor_the_advance_of_all(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    for account in ("acme", "globex"):
        engine.accounts.open(account, plan="starter")
    clock.sleep(3 * MONTH_S)
    bank.silent = 1_000
    assert engine.accounts.show("acme").account.status
    count = engine.accounts.advance()
    assert (count.accounts, count.failed) == (2, 0)
    assert bank.silent == 1_000 - 5, "after five calls it is asked no more"
    assert booked(engine) == (199, 0, 0)
    bank.silent = 0
    told = engine.accounts.reconcile()
    assert [each.became for each in told] == [Became.BOOKED] * 6
    assert booked(engine) == booked(engine, "globex") == (4 * 199, 0, 0)
    assert engine.accounts.reconcile() == ()


def test_a_long_catch_up_asks_once_for_each_period_and_keeps_what_it_has_crossed(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    on("starter")(engine)
    clock.sleep(12 * MONTH_S)
    bank.dies = 1
    with pytest.raises(DiedError):
        engine.accounts.advance()
    engine.accounts.advance()
    assert bank.calls.total() == len(bank.charges) + 1
    assert booked(engine) == (13 * 199, 0, 0)
