"""What every payment gateway does, those that ship and those that are plugged in: one suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pricing.payments.gateway import (
    DECLINES,
    DELAYS,
    Answer,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    RehearsedGateway,
    calls_out,
    is_rehearsed,
)
from pricing.payments.play_bank import KeyUsedAgainError, PlayBank
from pricing.plans.channels import Channel

GATEWAYS: tuple[Callable[[], PaymentGateway], ...] = (RehearsedGateway, PlayBank)

REQUEST = PaymentRequest(
    key="4f0c19d2ab7e:subscription:1:period:3:1",
    account_id="acme",
    usd_micros=199_000_000,
    channel=Channel.CARD,
    card="tok_good",
    at_once=False,
    purpose="subscription:1:period:3",
)


@pytest.fixture(params=GATEWAYS)
def gateway(request: pytest.FixtureRequest) -> PaymentGateway:
    made: PaymentGateway = request.param()
    return made


@pytest.mark.parametrize("channel", list(Channel))
def test_what_can_be_collected_is(gateway: PaymentGateway, channel: Channel) -> None:
    assert gateway.collect(replace(REQUEST, channel=channel)) == Answer(PaymentState.ACCEPTED)


def test_the_same_key_again_is_answered_the_same(gateway: PaymentGateway) -> None:
    for card in ("tok_good", None, DECLINES):
        asked = replace(REQUEST, key=f"of {card}", card=card)
        answers = {gateway.collect(asked).state for _ in range(3)}
        assert answers == {PaymentState.DECLINED if card == DECLINES else PaymentState.ACCEPTED}


def test_a_declined_payment_says_why(gateway: PaymentGateway) -> None:
    answer = gateway.collect(replace(REQUEST, card=DECLINES))
    assert answer.state is PaymentState.DECLINED
    assert answer.reason


def test_an_answer_that_comes_later_is_delayed(gateway: PaymentGateway) -> None:
    assert gateway.collect(replace(REQUEST, card=DELAYS)).state is PaymentState.DELAYED


def test_a_buyer_who_waits_is_never_asked_for_money_later(gateway: PaymentGateway) -> None:
    waiting = replace(REQUEST, card=DELAYS, at_once=True)
    for _ in range(3):
        assert gateway.collect(waiting).state is PaymentState.DELAYED


def test_it_says_whether_money_moves_and_whether_it_asks_others(gateway: PaymentGateway) -> None:
    assert is_rehearsed(gateway=gateway) is not gateway.collects
    assert calls_out(gateway=gateway) is gateway.collects


@pytest.mark.parametrize("card", ["tok_good", DELAYS])
def test_what_was_withdrawn_is_never_collected(gateway: PaymentGateway, card: str) -> None:
    asked = replace(REQUEST, card=card, at_once=True)
    if card == DELAYS:
        gateway.collect(asked)
    for _ in range(2):
        assert gateway.withdraw(asked).state is PaymentState.DECLINED
    if gateway.collects:
        assert gateway.collect(asked).state is PaymentState.DECLINED


@pytest.mark.parametrize("make", [PlayBank])
def test_what_was_collected_cannot_be_withdrawn(make: Callable[[], PlayBank]) -> None:
    gateway = make()
    gateway.collect(REQUEST)
    assert gateway.withdraw(REQUEST).state is PaymentState.ACCEPTED
    assert gateway.collected == {("acme", "USD"): REQUEST.usd_micros}


@pytest.mark.parametrize("make", [PlayBank])
@pytest.mark.parametrize(
    "other", [{"usd_micros": 1}, {"card": "tok_other"}, {"account_id": "globex"}]
)
def test_a_key_that_stands_for_something_else_is_refused(
    make: Callable[[], PlayBank], other: dict[str, str]
) -> None:
    gateway = make()
    gateway.collect(REQUEST)
    with pytest.raises(KeyUsedAgainError):
        gateway.collect(replace(REQUEST, **other))
    assert gateway.collected == {("acme", "USD"): REQUEST.usd_micros}
