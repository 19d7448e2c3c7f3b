"""What every payment gateway does, those that ship and those that are plugged in: one suite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from pricing.payments.gateway import (
    DECLINES,
    DELAYS,
    REFUND_TIME,
    Answer,
    KeyUsedAgainError,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    RefundRequest,
    RehearsedGateway,
    calls_out,
    is_rehearsed,
)
from pricing.payments.play_bank import PlayBank
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

COLLECTED_AT = datetime(2027, 1, 25, 9, tzinfo=UTC)


def refund_of(usd: int, number: int = 1, *, before: int = 0) -> RefundRequest:
    """Dollars given back of ``REQUEST``, after so many."""
    micros = usd * 1_000_000
    return RefundRequest(
        key=f"{REQUEST.key}:refund:{number}:{micros}",
        payment_key=REQUEST.key,
        account_id="acme",
        usd_micros=micros,
        collected_usd_micros=REQUEST.usd_micros,
        refunded_usd_micros=before * 1_000_000,
        collected_at=COLLECTED_AT,
        asked_at=COLLECTED_AT + timedelta(days=3),
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


def test_what_was_collected_is_given_back_in_parts_and_no_more(gateway: PaymentGateway) -> None:
    gateway.collect(REQUEST)
    assert gateway.refund(refund_of(150)) == Answer(PaymentState.ACCEPTED)
    too_much = gateway.refund(refund_of(50, 2, before=150))
    assert too_much.state is PaymentState.DECLINED
    assert "more than is left" in too_much.reason
    assert gateway.refund(refund_of(49, 3, before=150)).state is PaymentState.ACCEPTED
    assert gateway.refund(refund_of(1, 4, before=199)).state is PaymentState.DECLINED


def test_the_same_refund_again_is_answered_the_same(gateway: PaymentGateway) -> None:
    gateway.collect(REQUEST)
    answers = {gateway.refund(refund_of(150)).state for _ in range(3)}
    assert answers == {PaymentState.ACCEPTED}
    declined = {gateway.refund(refund_of(100, 2, before=150)).state for _ in range(3)}
    assert declined == {PaymentState.DECLINED}


def test_a_key_of_a_refund_that_comes_with_another_amount_is_refused(
    gateway: PaymentGateway,
) -> None:
    gateway.collect(REQUEST)
    asked = refund_of(150)
    gateway.refund(asked)
    with pytest.raises(KeyUsedAgainError):
        gateway.refund(replace(asked, usd_micros=20_000_000))


def test_nothing_is_given_back_of_a_disputed_payment(gateway: PaymentGateway) -> None:
    gateway.collect(REQUEST)
    if isinstance(gateway, PlayBank):
        gateway.contested.add(REQUEST.key)
    answer = gateway.refund(replace(refund_of(10), is_contested=True))
    assert answer.state is PaymentState.DECLINED
    assert "disputed" in answer.reason


@pytest.mark.parametrize(("late", "state"), [(0, "accepted"), (1, "declined")])
def test_nothing_is_given_back_once_the_time_for_it_is_over(
    gateway: PaymentGateway, late: int, state: str
) -> None:
    gateway.collect(REQUEST)
    at = COLLECTED_AT + REFUND_TIME + timedelta(seconds=late)
    assert gateway.refund(replace(refund_of(10), asked_at=at)).state == state


@pytest.mark.parametrize("make", [PlayBank])
def test_who_keeps_books_gives_nothing_back_that_was_never_collected(
    make: Callable[[], PlayBank],
) -> None:
    gateway = make()
    assert gateway.refund(refund_of(10)).state is PaymentState.DECLINED
    gateway.collect(replace(REQUEST, card=DECLINES))
    assert gateway.refund(refund_of(10, 2)).state is PaymentState.DECLINED
    assert gateway.refunded == {}
