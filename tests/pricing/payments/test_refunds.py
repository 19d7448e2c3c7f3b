"""Money that was collected is given back once, never more than was paid, with its tax (C73)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from kernel.errors import BadInputError, LoadmusterError, RequestConflictError
from pricing.accounts.owner import NotOwnerError
from pricing.accounts.reconciling import Became
from pricing.accounts.refundable import NothingPaidError, RefundTooMuchError
from pricing.accounts.refunding import RefundDeclinedError, RefundPendingError
from pricing.ledger.invoices import InvoiceStatus, UnknownInvoiceError
from pricing.payments.collecting import ChannelCannotError
from pricing.payments.gateway import REFUND_TIME, Answer, PaymentState, RefundRequest
from pricing.payments.play_bank import Faults
from pricing.payments.refunds import Refund, RefundState
from pricing.plans.channels import Channel
from tests.pricing.payments.conftest import USD, DiedError, MortalBank, booked

FIRST = "acme-00001"
PAID = 199 * USD
DAY_S = 86_400.0


@pytest.fixture
def paid(engine: Engine) -> Engine:
    """An account whose first month was paid: 199 USD, 1,800 LI-minutes."""
    engine.accounts.open("acme", plan="starter", card="tok_good", administrators=["ann"])
    return engine


def given_back(
    engine: Engine, usd: int | None = None, request_id: str | None = None, **also: bool
) -> Refund:
    amount = None if usd is None else usd * USD
    return engine.accounts.refund(
        "acme", invoice=FIRST, usd_micros=amount, reason="slow", request_id=request_id, **also
    )


def credits_of(engine: Engine) -> int:
    return engine.accounts.show("acme").balance_li_minutes


def whole(engine: Engine) -> bool:
    return engine.db.check() == ()


def test_a_whole_refund_takes_invoice_money_and_unused_credits_back(
    paid: Engine, bank: MortalBank
) -> None:
    done = given_back(paid)
    assert (done.state, done.credit_note) == (RefundState.ACCEPTED, "acme-CN00001")
    assert bank.refunded == {("acme", "USD"): PAID}
    assert booked(paid) == (0, 0, 0)
    assert credits_of(paid) == 0
    invoice, note = paid.reports.invoices("acme")
    assert invoice.status is InvoiceStatus.REFUNDED
    assert (note.corrects, note.total_usd_micros) == ((FIRST,), -PAID)
    assert paid.accounts.refunds("acme") == (done,)
    assert whole(paid)


def test_parts_are_given_back_until_nothing_is_left(paid: Engine, bank: MortalBank) -> None:
    for usd in (50, 100):
        given_back(paid, usd)
    assert paid.reports.invoices("acme")[0].status is InvoiceStatus.PAID
    # 150 of 199 dollars have gone, and as much of 1,800 LI-minutes.
    assert credits_of(paid) == 1_800 - 1_800 * 150 // 199
    with pytest.raises(RefundTooMuchError, match=r"49\.00 USD of them are left"):
        given_back(paid, 50)
    assert given_back(paid).usd_micros == 49 * USD
    assert sum(bank.refunded.values()) == PAID
    with pytest.raises(RefundTooMuchError):
        given_back(paid)
    assert booked(paid) == (0, 0, 0)
    assert whole(paid)


def test_credits_stay_where_the_seller_says_so(paid: Engine) -> None:
    assert given_back(paid, keep_credits=True).keeps_credits
    assert credits_of(paid) == 1_800
    assert whole(paid)


def test_the_tax_of_all_parts_is_the_tax_of_the_invoice(engine: Engine) -> None:
    engine.billing.set_seller(name="Load Ltd", country="DE")
    engine.accounts.open("acme", plan="starter", card="tok_good")
    (invoice,) = engine.reports.invoices("acme")
    for micros in (10_000, 33_330_000, 71_110_000, None):
        engine.accounts.refund(
            "acme", invoice=invoice.number, usd_micros=micros, reason="bit by bit"
        )
    notes = engine.reports.invoices("acme")[1:]
    assert [note.number for note in notes][-1].endswith("CN-2027-000004")
    assert sum(note.tax_usd_micros for note in notes) == -invoice.tax_usd_micros
    assert sum(note.usd_micros for note in notes) == -invoice.usd_micros
    # 33.33 of which 19 parts in 119 are tax, less what the cent before had.
    assert notes[1].tax_usd_micros == -5_320_000
    assert engine.accounts.show("acme").tax_usd_micros == 0
    assert whole(engine)


@pytest.mark.parametrize("request_id", [None, "r1"])
@pytest.mark.parametrize("fault", ["dies", "lost", "silent"])
def test_whoever_gets_no_answer_gets_it_by_the_same_command(
    paid: Engine, bank: MortalBank, fault: str, request_id: str | None
) -> None:
    setattr(bank, fault, 1)
    with pytest.raises(DiedError if fault == "dies" else RefundPendingError):
        given_back(paid, 50, request_id)
    assert booked(paid)[0] == 199
    assert given_back(paid, 50, request_id).state is RefundState.ACCEPTED
    assert booked(paid)[0] == 149
    assert bank.refunded == {("acme", "USD"): 50 * USD}
    assert len(paid.accounts.refunds("acme")) == 1
    assert whole(paid)


@pytest.mark.parametrize("finish", ["reconcile", "advance"])
def test_a_sweep_finishes_a_refund_that_somebody_left(
    paid: Engine, bank: MortalBank, finish: str
) -> None:
    bank.dies = 1
    with pytest.raises(DiedError):
        given_back(paid, 50)
    if finish == "reconcile":
        (found,) = paid.accounts.reconcile("acme")
        assert (found.became, found.purpose) == (Became.REFUNDED, "refund:1")
    else:
        paid.accounts.advance()
    assert booked(paid) == (149, 0, 0)
    assert paid.accounts.reconcile() == ()


def test_the_same_request_again_gives_nothing_back_again(paid: Engine, bank: MortalBank) -> None:
    first = given_back(paid, 50, "r1")
    assert given_back(paid, 50, "r1") == first
    with pytest.raises(RequestConflictError):
        given_back(paid, 60, "r1")
    assert bank.refunded == {("acme", "USD"): 50 * USD}


def test_a_declined_refund_leaves_the_books_as_they_were(
    paid: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    contested = bank.dispute(next(iter(bank.charges)), 10 * USD)
    with pytest.raises(RefundDeclinedError, match="disputed"):
        given_back(paid, 50, "r1")
    with pytest.raises(RefundDeclinedError):
        given_back(paid, 50, "r1")
    assert (booked(paid), credits_of(paid)) == ((199, 0, 0), 1_800)
    bank.decide(contested.name, won=True)
    # Another try is a refund of its own, under a key of its own.
    assert given_back(paid, 50, "r2").key.endswith(":refund:2:50000000")
    clock.sleep(REFUND_TIME.total_seconds() + DAY_S)
    with pytest.raises(RefundDeclinedError, match="180 days"):
        given_back(paid, 10)
    assert whole(paid)


@pytest.mark.parametrize("times", [1, 3])
def test_a_refund_that_takes_its_time_is_booked_when_the_bank_has_taken_it(
    paid: Engine, bank: MortalBank, times: int
) -> None:
    bank.faults = Faults(is_delayed=1.0)
    under_way = given_back(paid, 50)
    assert (under_way.state, under_way.credit_note) == (RefundState.DELAYED, None)
    assert booked(paid)[0] == 199
    with pytest.raises(RefundTooMuchError):
        given_back(paid, 150)
    answer = bank.refund_settled(under_way.key, PaymentState.ACCEPTED)
    for _ in range(times):
        heard = paid.accounts.payment_heard(under_way.key, answer)
        assert heard is not None
        assert heard.became is Became.REFUNDED
        # One that was sent before and comes after it.
        paid.accounts.payment_heard(under_way.key, Answer(PaymentState.DELAYED))
    assert booked(paid) == (149, 0, 0)
    assert whole(paid)


def test_what_was_set_off_is_not_given_back_beside_a_refund_that_is_under_way(
    paid: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    paid.accounts.adjust("acme", usd_micros=50 * USD, reason="goodwill")
    clock.sleep(31 * DAY_S)
    paid.accounts.advance()
    *_, second = paid.reports.invoices("acme")
    # 149 of its 199 dollars were collected.
    bank.faults = Faults(is_delayed=1.0)

    def give_back(usd: int) -> Refund:
        return paid.accounts.refund(
            "acme", invoice=second.number, usd_micros=usd * USD, reason="slow"
        )

    assert give_back(100).state is RefundState.DELAYED
    with pytest.raises(RefundTooMuchError, match=r"49\.00 USD of them are left"):
        give_back(50)
    assert give_back(49).state is RefundState.DELAYED
    assert whole(paid)


def test_a_refund_that_the_customers_bank_sends_back_is_credit(
    paid: Engine, bank: MortalBank
) -> None:
    done = given_back(paid, 50)
    answer = bank.refund_settled(done.key, PaymentState.DECLINED)
    for late in (answer, answer, Answer(PaymentState.ACCEPTED)):
        heard = paid.accounts.payment_heard(done.key, late)
        assert heard is not None
        assert heard.became is Became.RETURNED
    assert booked(paid) == (199, 0, 50)
    assert bank.refunded == {}
    assert whole(paid)


@pytest.mark.parametrize(
    "said",
    [
        Answer(PaymentState.ACCEPTED, collected_usd_micros=49 * USD),
        Answer(PaymentState.ACCEPTED, currency="EUR"),
    ],
)
def test_what_was_given_back_otherwise_than_asked_stays_apart(
    paid: Engine, monkeypatch: pytest.MonkeyPatch, bank: MortalBank, said: Answer
) -> None:
    def refund(_request: RefundRequest) -> Answer:
        return said

    monkeypatch.setattr(bank, "refund", refund)
    assert given_back(paid, 50).state is RefundState.APART
    assert booked(paid) == (199, 0, 0)
    assert whole(paid)


@pytest.mark.parametrize(
    "said",
    [
        "no answer",
        Answer(PaymentState.DUE),
        Answer(PaymentState.ACCEPTED, collected_usd_micros=-1),
        Answer(PaymentState.ACCEPTED, collected_usd_micros=2**70),
    ],
)
def test_a_message_that_is_no_answer_is_refused_and_changes_nothing(
    paid: Engine, said: Answer
) -> None:
    done = given_back(paid, 50)
    (payment,) = {each.payment_key for each in (done,)}
    for key in (done.key, payment):
        with pytest.raises(BadInputError):
            paid.accounts.payment_heard(key, said)
    assert booked(paid) == (149, 0, 0)


def test_a_boost_an_upgrade_and_a_late_period_can_be_refunded(
    paid: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    paid.accounts.boost("acme")
    paid.accounts.upgrade("acme", plan="professional")
    bank.silent = 1
    clock.sleep(31 * DAY_S)
    paid.accounts.advance()
    paid.accounts.reconcile()
    for invoice in paid.reports.invoices("acme"):
        paid.accounts.refund("acme", invoice=invoice.number, reason="all of it")
    assert sum(bank.refunded.values()) == sum(bank.collected.values()) > 3 * PAID
    assert (booked(paid), credits_of(paid)) == ((0, 0, 0), 0)
    assert whole(paid)


def test_credits_that_a_run_has_used_or_reserved_are_not_taken_back(paid: Engine) -> None:
    paid.departments.add("acme", "lab")
    paid.departments.allocate("acme", "lab", 1_700)
    given_back(paid)
    # What departments were given is theirs.
    assert credits_of(paid) == 1_700
    assert whole(paid)


def by_marketplace(engine: Engine) -> str:
    engine.accounts.open("other", plan="starter", channel=Channel.AWS_MARKETPLACE)
    return engine.reports.invoices("other")[0].number


REFUSED: dict[str, tuple[Callable[[Engine], object], type[LoadmusterError]]] = {
    "no such invoice": (
        lambda e: e.accounts.refund("acme", invoice="acme-00009", reason="r"),
        UnknownInvoiceError,
    ),
    "a part of a cent": (
        lambda e: e.accounts.refund("acme", invoice=FIRST, usd_micros=1, reason="r"),
        BadInputError,
    ),
    "less than nothing": (
        lambda e: e.accounts.refund("acme", invoice=FIRST, usd_micros=-USD, reason="r"),
        BadInputError,
    ),
    "no reason": (
        lambda e: e.accounts.refund("acme", invoice=FIRST, reason=" "),
        BadInputError,
    ),
    "more than was paid": (
        lambda e: e.accounts.refund("acme", invoice=FIRST, usd_micros=PAID + 10_000, reason="r"),
        RefundTooMuchError,
    ),
    "a marketplace's": (
        lambda e: e.accounts.refund("other", invoice=by_marketplace(e), reason="r"),
        ChannelCannotError,
    ),
    "a credit note": (
        lambda e: (
            given_back(e, 10),
            e.accounts.refund("acme", invoice="acme-CN00001", reason="r"),
        ),
        NothingPaidError,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_given_back_is_refused_and_asks_nobody(
    paid: Engine, bank: MortalBank, case: str
) -> None:
    ask, error = REFUSED[case]
    with pytest.raises(error):
        ask(paid)
    assert len(bank.refunds) == (case == "a credit note")
    assert whole(paid)


def test_only_the_owner_of_the_installation_gives_money_back(
    paid: Engine, sqlite_url: str, bank: MortalBank, clock: ManualClock
) -> None:
    with (
        Engine(sqlite_url, clock=clock, environment={}, gateway=bank, user="ann") as hers,
        pytest.raises(NotOwnerError),
    ):
        given_back(hers)
    assert bank.refunds == {}
    assert paid.accounts.refunds("acme") == ()


def test_a_rehearsed_payment_is_not_given_back_by_a_bank(
    sqlite_url: str, bank: MortalBank, clock: ManualClock
) -> None:
    with Engine(sqlite_url, clock=clock, environment={}) as rehearsing:
        rehearsing.accounts.open("acme", plan="starter")
    with (
        Engine(sqlite_url, clock=clock, environment={}, gateway=bank) as real,
        pytest.raises(NothingPaidError, match="rehearsed"),
    ):
        given_back(real)
    assert bank.refunds == {}


def test_a_deleted_account_gets_its_money_back_and_no_word_about_it_stays(
    paid: Engine, clock: ManualClock
) -> None:
    given_back(paid, 50)
    paid.accounts.cancel("acme", by="ann")
    paid.accounts.confirm_cancel("acme", representative="rep")
    clock.sleep(40 * DAY_S)
    paid.accounts.delete("acme")
    assert [each.reason for each in paid.accounts.refunds("acme")] == [""]
    assert "slow" not in str(paid.accounts.log("acme"))
    given_back(paid, 20)
    assert booked(paid)[0] == 129
    assert whole(paid)


def test_a_month_is_not_closed_while_a_refund_has_no_answer(
    paid: Engine, bank: MortalBank, clock: ManualClock
) -> None:
    bank.faults = Faults(is_delayed=1.0)
    under_way = given_back(paid, 50)
    clock.sleep(10 * DAY_S)
    paid.accounts.advance()
    with pytest.raises(LoadmusterError, match="1 refund without an answer"):
        paid.books.close("2027-01")
    paid.accounts.payment_heard(
        under_way.key, bank.refund_settled(under_way.key, PaymentState.ACCEPTED)
    )
    assert paid.books.close("2027-01").month == "2027-01"
