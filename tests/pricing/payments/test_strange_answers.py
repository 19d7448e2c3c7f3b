"""A gateway that answers twice, late, never, something else, or about who is not there any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from kernel.errors import BadInputError
from pricing.accounts.pending import PaymentPendingError
from pricing.accounts.reconciling import Became
from pricing.payments.collecting import PaymentFailedError
from pricing.payments.gateway import Answer, PaymentState
from tests.pricing.payments.conftest import USD, DiedError, MortalBank, booked

MONTH_S = 31 * 86_400.0
ACCEPTED, DECLINED = Answer(PaymentState.ACCEPTED), Answer(PaymentState.DECLINED, "no")


def other(usd: int) -> Answer:
    return Answer(PaymentState.ACCEPTED, collected_usd_micros=usd * USD)


def key_of(bank: MortalBank, purpose: str) -> str:
    (key,) = (key for key, each in bank.charges.items() if each.request.purpose == purpose)
    return key


@pytest.mark.parametrize("usd", [150, 250])
def test_another_amount_for_what_is_bought_is_credit_and_nothing_is_bought(
    usd: int, engine: Engine, bank: MortalBank
) -> None:
    engine.accounts.open("acme", plan="starter")
    bank.says = [other(usd)]
    with pytest.raises(PaymentFailedError, match=rf"collected {usd}\.00 USD where 199\.00 USD"):
        engine.accounts.boost("acme")
    assert booked(engine) == (199 + usd, 0, usd)
    # What it collected is set off the next time.
    engine.accounts.boost("acme")
    assert booked(engine) == (bank.usd, 0, max(usd - 199, 0))


@pytest.mark.parametrize("usd", [150, 250])
def test_another_amount_for_a_period_is_credit_and_the_period_is_owed(
    usd: int, engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter")
    clock.sleep(MONTH_S)
    bank.says = [other(usd)]
    engine.accounts.advance()
    assert booked(engine) == (199 + usd, 0, usd)
    assert engine.accounts.show("acme").unpaid_usd_micros == 199 * USD
    engine.accounts.pay("acme")
    assert booked(engine) == (bank.usd, 0, max(usd - 199, 0))


def test_another_currency_is_never_booked_and_stays_apart(engine: Engine, bank: MortalBank) -> None:
    engine.accounts.open("acme", plan="starter")
    bank.says = [Answer(PaymentState.ACCEPTED, currency="EUR")]
    with pytest.raises(PaymentFailedError, match=r"collected 199\.00 EUR where 199\.00 USD.*apart"):
        engine.accounts.boost("acme")
    assert booked(engine) == (199, 0, 0)
    assert bank.collected == {("acme", "USD"): 199 * USD, ("acme", "EUR"): 199 * USD}
    engine.accounts.boost("acme")
    assert booked(engine) == (398, 0, 0)


@pytest.mark.parametrize(
    "answer", [None, "accepted", Answer(PaymentState.DUE), other(0), other(-5)], ids=repr
)
def test_what_is_no_answer_has_not_answered(
    answer: object, engine: Engine, bank: MortalBank
) -> None:
    engine.accounts.open("acme", plan="starter")
    bank.collect = lambda _payment: answer  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(PaymentPendingError):
        engine.accounts.boost("acme")
    assert booked(engine) == (199, 0, 0)


@pytest.mark.parametrize("answers", [(ACCEPTED, ACCEPTED), (ACCEPTED, DECLINED)])
def test_messages_count_once_however_often_and_in_what_order_they_come(
    answers: tuple[Answer, ...], engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter")
    clock.sleep(MONTH_S)
    bank.says = [Answer(PaymentState.DELAYED, "not yet")]
    engine.accounts.advance()
    assert booked(engine) == (199, 0, 0)
    for answer in answers:
        told = engine.accounts.payment_heard(key_of(bank, "subscription:1:period:1"), answer)
        assert told is not None
        assert told.became is Became.BOOKED
        assert booked(engine) == (398, 0, 0)
    assert engine.accounts.show("acme").unpaid_usd_micros == 0


def test_money_that_comes_after_it_was_declined_pays_what_is_still_owed(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter")
    clock.sleep(MONTH_S)
    bank.says = [DECLINED]
    engine.accounts.advance()
    key = key_of(bank, "subscription:1:period:1")
    assert engine.accounts.payment_heard(key, ACCEPTED) is not None
    assert booked(engine) == (398, 0, 0)
    assert engine.accounts.show("acme").unpaid_usd_micros == 0


def test_money_for_a_period_that_was_given_up_is_credit(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter")
    clock.sleep(MONTH_S)
    bank.says = [Answer(PaymentState.DELAYED, "not yet")]
    engine.accounts.advance()
    engine.accounts.to_on_demand("acme")
    clock.sleep(MONTH_S)
    engine.accounts.advance()
    told = engine.accounts.payment_heard(key_of(bank, "subscription:1:period:1"), ACCEPTED)
    assert told is not None
    assert told.became is Became.CREDIT
    assert booked(engine) == (398, 0, 199)


def test_money_that_comes_after_the_account_was_deleted_is_on_record_and_told(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter", administrators=["ann"])
    engine.accounts.cancel("acme", by="ann")
    clock.sleep(MONTH_S)
    bank.says = [Answer(PaymentState.DELAYED, "not yet")]
    engine.accounts.advance()
    engine.accounts.confirm_cancel("acme", representative="rep")
    clock.sleep(MONTH_S)
    engine.accounts.delete("acme")
    told = engine.accounts.payment_heard(key_of(bank, "subscription:1:period:1"), ACCEPTED)
    assert told is not None
    assert told.became is Became.CREDIT
    assert booked(engine) == (398, 0, 199)


def test_a_message_about_what_nobody_asked_for_changes_nothing(engine: Engine) -> None:
    engine.accounts.open("acme", plan="starter")
    assert engine.accounts.payment_heard("someone-elses:run:r1:1", ACCEPTED) is None


def test_an_account_that_was_paid_for_and_never_opened_is_opened_by_who_reconciles(
    engine: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    bank.dies = 1
    with pytest.raises(DiedError):
        engine.accounts.open("acme", plan="starter", timezone="Europe/Paris", card="tok_good")
    assert engine.accounts.reconcile()[0].became is Became.PENDING, "who asked may be alive"
    clock.sleep(180)
    (told,) = engine.accounts.reconcile()
    assert told.became is Became.BOOKED
    assert booked(engine) == (bank.usd, 0, 0) == (199, 0, 0)
    assert engine.accounts.get("acme").timezone == "Europe/Paris"


def test_a_purchase_that_nobody_paid_for_is_never_collected_once_it_is_reconciled(
    engine: Engine, bank: MortalBank
) -> None:
    engine.accounts.open("acme", plan="starter")
    bank.silent = 1
    with pytest.raises(PaymentPendingError):
        engine.accounts.boost("acme", request_id="r1")
    (told,) = engine.accounts.reconcile("acme")
    assert told.became is Became.WITHDRAWN
    assert bank.collect(bank.charges[told.key].request).state is PaymentState.DECLINED
    assert booked(engine) == (bank.usd, 0, 0) == (199, 0, 0)


def test_keys_name_the_installation(
    engine: Engine, bank: MortalBank, tmp_path: object, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter", request_id="r1")
    with Engine(
        f"sqlite:///{tmp_path}/other.db", clock=clock, environment={}, gateway=bank
    ) as another:
        another.accounts.open("acme", plan="starter", request_id="r1")
    assert len(bank.charges) == 2, "one bank, two databases, the same account"
    assert len({key.split(":")[0] for key in bank.charges}) == 2
    assert not any("acme" in key or "r1" in key for key in bank.charges)


def is_refused(command: Callable[[], object]) -> bool:
    """Whether it says what is wrong with the id."""
    with pytest.raises(BadInputError) as refused:
        command()
    return "--request-id" in refused.value.message


def test_an_empty_request_id_is_refused_whatever_the_command(engine: Engine) -> None:
    engine.accounts.open("acme", plan="starter", administrators=["ann"])
    do, parts = engine.accounts, engine.departments
    commands: dict[str, Callable[[], object]] = {
        "open": lambda: do.open("globex", request_id=""),
        "upgrade": lambda: do.upgrade("acme", plan="professional", request_id=""),
        "downgrade": lambda: do.downgrade("acme", plan="basic", request_id=""),
        "to-on-demand": lambda: do.to_on_demand("acme", request_id=""),
        "undo": lambda: do.undo("acme", request_id=""),
        "boost": lambda: do.boost("acme", request_id=""),
        "cancel": lambda: do.cancel("acme", by="ann", request_id=""),
        "confirm-cancel": lambda: do.confirm_cancel("acme", request_id=""),
        "renew": lambda: do.renew("acme", request_id=""),
        "delete": lambda: do.delete("acme", request_id=""),
        "card": lambda: do.set_card("acme", "tok", request_id=""),
        "pay": lambda: do.pay("acme", request_id=""),
        "heal": lambda: do.heal("acme", request_id=""),
        "extra-credits": lambda: do.extra_credits("acme", 10, request_id=""),
        "add": lambda: parts.add("acme", "lab", request_id=""),
        "allocate": lambda: parts.allocate("acme", "lab", 1, request_id=""),
        "limit": lambda: parts.limit("acme", "lab", 0, request_id=""),
        "allow": lambda: engine.targets.allow("acme", "example.com", request_id=""),
        "forbid": lambda: engine.targets.forbid("acme", "example.com", request_id=""),
        "run": lambda: engine.runs.start(
            "examples/checkout.yaml", account="acme", provider="aws", dry_run=True, request_id=""
        ),
    }
    assert {name for name, command in commands.items() if not is_refused(command)} == set()
