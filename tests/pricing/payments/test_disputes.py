"""A payment that a customer contests: booked once, whatever is said of it in any order (C75)."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from engine.api import Engine
from kernel.clock import ManualClock
from kernel.errors import BadInputError
from pricing.accounts.reconciling import Became
from pricing.accounts.refundable import PaymentDisputedError, RefundTooMuchError
from pricing.payments.collecting import PaymentFailedError
from pricing.payments.disputes import DisputeEvent, DisputeNotice, DisputeState
from pricing.payments.gateway import DELAYS, Answer, PaymentState
from pricing.payments.play_records import DISPUTE_FEE_MICROS
from tests.pricing.payments.conftest import USD, MortalBank
from tests.pricing.reports.damaging import (
    rows_of,
    tables,
    unprotected,
    with_a_value,
    without_a_row,
)

FIRST = "acme-00001"
PAID = 199 * USD
DAY_S = 86_400.0
SIDES = ("cash", "disputed", "written-off", "fees:disputes", "receivable", "credit")
UNTOUCHED = (199, 0, 0, 0, 0, 0)
OPENED = UNTOUCHED
WITHDRAWN = (-15, 199, 0, 15, 0, 0)
WON = (184, 0, 0, 15, 0, 0)
LOST = (-15, 0, 199, 15, 0, 0)


@pytest.fixture
def paid(engine: Engine) -> Engine:
    engine.accounts.open("acme", plan="starter", card="tok_good", administrators=["ann"])
    return engine


@pytest.fixture
def key(paid: Engine, bank: MortalBank) -> str:
    """What the first month was collected under."""
    del paid
    return next(iter(bank.charges))


def sides(engine: Engine) -> tuple[int, ...]:
    """Dollars on each ledger account that a dispute moves, and on those that it does not."""
    sums = dict.fromkeys(SIDES, 0)
    for entry in engine.reports.ledger("acme"):
        for posting in entry.postings:
            if posting.ledger_account in sums:
                sums[posting.ledger_account] += posting.amount
    return tuple(amount // USD for amount in sums.values())


def notices(won: bool) -> dict[DisputeEvent, DisputeNotice]:
    decided = DisputeEvent.WON if won else DisputeEvent.LOST
    said = DisputeNotice("dp_1", DisputeEvent.OPENED, PAID)
    return {
        DisputeEvent.OPENED: said,
        DisputeEvent.WITHDRAWN: replace(
            said, event=DisputeEvent.WITHDRAWN, fee_usd_micros=DISPUTE_FEE_MICROS
        ),
        decided: replace(said, event=decided),
    }


def test_a_dispute_is_told_booked_and_won(
    paid: Engine, bank: MortalBank, key: str, clock: ManualClock
) -> None:
    contested = bank.dispute(key)
    opened = paid.accounts.payment_heard(key, contested.notice(DisputeEvent.OPENED))
    assert opened is not None
    assert opened.became is Became.DISPUTED
    assert sides(paid) == OPENED
    assert paid.accounts.show("acme").disputed_usd_micros == PAID
    paid.accounts.payment_heard(key, contested.notice(DisputeEvent.WITHDRAWN))
    assert sides(paid) == WITHDRAWN
    with pytest.raises(PaymentDisputedError):
        paid.accounts.refund("acme", invoice=FIRST, reason="slow")
    clock.sleep(5 * DAY_S)
    won = paid.accounts.payment_heard(key, bank.decide(contested.name, won=True))
    assert won is not None
    assert won.became is Became.WON
    assert sides(paid) == WON
    assert paid.accounts.show("acme").disputed_usd_micros == 0
    (dispute,) = paid.accounts.disputes("acme")
    assert dispute.state is DisputeState.WON
    assert paid.accounts.refund("acme", invoice=FIRST, reason="slow").usd_micros == PAID
    assert paid.books.reconcile(month="2027-01").differences == ()
    assert paid.db.check() == ()


def test_a_lost_dispute_is_written_off_and_its_money_is_not_given_back_again(
    paid: Engine, bank: MortalBank, key: str
) -> None:
    contested = bank.dispute(key, 150 * USD)
    for event in (DisputeEvent.OPENED, DisputeEvent.WITHDRAWN):
        paid.accounts.payment_heard(key, contested.notice(event))
    paid.accounts.payment_heard(key, bank.decide(contested.name, won=False))
    assert sides(paid) == (34, 0, 150, 15, 0, 0)
    with pytest.raises(RefundTooMuchError, match=r"49\.00 USD of them are left"):
        paid.accounts.refund("acme", invoice=FIRST, usd_micros=50 * USD, reason="slow")
    paid.accounts.refund("acme", invoice=FIRST, reason="the rest")
    # The invoice stays, the subscription goes on, and its credits with it.
    assert paid.accounts.show("acme").account.status == "active"
    assert paid.books.reconcile(month="2027-01").differences == ()
    assert paid.db.check() == ()


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_said_twice_and_in_any_order_is_booked_once(
    paid: Engine, key: str, order: tuple[int, ...], won: bool
) -> None:
    said = list(notices(won).values())
    for number in (*order, *reversed(order)):
        paid.accounts.payment_heard(key, said[number])
    assert sides(paid) == (WON if won else LOST)
    assert len(paid.accounts.disputes("acme")) == 1
    assert paid.db.check() == ()


def test_a_lost_dispute_has_taken_the_money_though_nobody_said_so(paid: Engine, key: str) -> None:
    paid.accounts.payment_heard(key, notices(won=False)[DisputeEvent.LOST])
    assert sides(paid) == (0, 0, 199, 0, 0, 0)
    paid.accounts.payment_heard(key, notices(won=False)[DisputeEvent.WITHDRAWN])
    assert sides(paid) == LOST
    assert paid.db.check() == ()


@pytest.mark.parametrize("first_won", [True, False])
def test_what_was_decided_first_stays_decided(paid: Engine, key: str, first_won: bool) -> None:
    for won in (first_won, not first_won):
        for notice in notices(won).values():
            paid.accounts.payment_heard(key, notice)
    assert sides(paid) == (WON if first_won else LOST)
    assert paid.db.check() == ()


NOTICE = DisputeNotice("dp_1", DisputeEvent.WITHDRAWN, PAID)
HOSTILE: dict[str, DisputeNotice] = {
    "more than was collected": replace(NOTICE, usd_micros=PAID + 1),
    "nothing": replace(NOTICE, usd_micros=0),
    "less than nothing": replace(NOTICE, usd_micros=-1),
    "a flag": replace(NOTICE, usd_micros=True),
    "a huge fee": replace(NOTICE, fee_usd_micros=2**80),
    "a negative fee": replace(NOTICE, fee_usd_micros=-1),
    "another currency": replace(NOTICE, currency="EUR"),
    "no currency": replace(NOTICE, currency=None),
    "no name": replace(NOTICE, name=""),
    "a long name": replace(NOTICE, name="d" * 10_000),
    "a name of two lines": replace(NOTICE, name="d\n"),
    "an unknown event": replace(NOTICE, event="gone"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_message_that_cannot_be_is_refused_in_one_line(paid: Engine, key: str, case: str) -> None:
    with pytest.raises(BadInputError) as refused:
        paid.accounts.payment_heard(key, HOSTILE[case])
    assert len(refused.value.line) < 300
    assert (sides(paid), paid.accounts.disputes("acme")) == (UNTOUCHED, ())


def test_a_dispute_does_not_become_another_one(paid: Engine, bank: MortalBank, key: str) -> None:
    paid.accounts.boost("acme")
    other = list(bank.charges)[1]
    paid.accounts.payment_heard(key, replace(NOTICE, usd_micros=100 * USD))
    for of, notice in (
        (key, NOTICE),
        (other, replace(NOTICE, usd_micros=100 * USD)),
        # With the first one more than was collected.
        (key, replace(NOTICE, name="dp_2", usd_micros=100 * USD)),
    ):
        with pytest.raises(BadInputError):
            paid.accounts.payment_heard(of, notice)
    paid.accounts.payment_heard(key, replace(NOTICE, name="dp_2", usd_micros=99 * USD))
    assert len(paid.accounts.disputes("acme")) == 2
    assert paid.db.check() == ()


def test_what_nobody_collected_cannot_be_disputed(
    paid: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    assert paid.accounts.payment_heard("nobody's", NOTICE) is None
    paid.accounts.set_card("acme", DELAYS)
    clock.sleep(31 * DAY_S)
    paid.accounts.advance()
    late = list(bank.charges)[1]
    with pytest.raises(BadInputError, match="nothing was collected"):
        paid.accounts.payment_heard(late, NOTICE)
    assert paid.accounts.disputes("acme") == ()


def test_money_that_is_apart_is_contested_apart(engine: Engine, bank: MortalBank) -> None:
    engine.accounts.open("acme", plan="on-demand", card="tok_good")
    bank.says = [Answer(PaymentState.ACCEPTED, currency="EUR")]
    with pytest.raises(PaymentFailedError):
        engine.accounts.upgrade("acme", plan="starter")
    key = next(iter(bank.charges))
    heard = engine.accounts.payment_heard(key, replace(NOTICE, currency="EUR"))
    assert heard is not None
    assert heard.reason
    assert sides(engine) == (0, 0, 0, 0, 0, 0)
    (dispute,) = engine.accounts.disputes("acme")
    assert not dispute.is_booked
    assert engine.accounts.show("acme").disputed_usd_micros == 0
    assert engine.db.check() == ()


def test_a_deleted_account_is_disputed_all_the_same(
    paid: Engine, bank: MortalBank, key: str, clock: ManualClock
) -> None:
    paid.accounts.cancel("acme", by="ann")
    paid.accounts.confirm_cancel("acme", representative="rep")
    clock.sleep(40 * DAY_S)
    paid.accounts.delete("acme")
    contested = bank.dispute(key)
    paid.accounts.payment_heard(key, contested.notice(DisputeEvent.WITHDRAWN))
    assert sides(paid) == WITHDRAWN
    assert paid.db.check() == ()


@pytest.mark.parametrize(
    "column",
    [
        *("usd_micros", "fee_usd_micros", "currency", "payment_key", "account_id"),
        *("booked", "state", "withdrawn_at", "closed_at", "opened_at"),
    ],
)
def test_a_damaged_dispute_is_told_by_name(
    paid: Engine, key: str, sqlite_url: str, column: str
) -> None:
    for notice in notices(won=False).values():
        paid.accounts.payment_heard(key, notice)
    with unprotected(sqlite_url) as conn:
        table = tables()["disputes"]
        (row,) = rows_of(conn, table)
        assert without_a_row(conn, table, row)
        if column == "opened_at":
            # An earlier one would do: it is the first that was heard.
            row = {**row, "opened_at": row["opened_at"] + timedelta(days=8_000)}
        found = with_a_value(conn, table, row, table.columns[column])
    assert {each.row for each in found} & {"1", "dispute:1:withdrawn"}
    assert paid.db.check() == ()
