"""What was paid is given back once, whether it is on an invoice still or in credit (C73, C81)."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from random import Random

import pytest

from engine.api import Engine
from engine.database import open_database, transaction
from pricing.accounts.adjustments import AdjustmentTooLargeError
from pricing.accounts.deletions import CreditLeftError
from pricing.accounts.refundable import RefundTooMuchError
from pricing.ledger.invoices import InvoiceStatus
from pricing.money import format_usd
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentState
from pricing.payments.refunds import Refund, RefundState
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import charge_start, correct, issue_invoice, reserve
from pricing.tariffs import LoadSize
from tests.pricing.payments.conftest import USD, MortalBank, booked
from tests.pricing.rim import advanced

CENT = 10_000
GROSS = 236_810_000
FIRST = "INV-2027-000001"


class Books:
    """An engine's accounts, their runs, and the bank behind them."""

    def __init__(self, engine: Engine, url: str, bank: MortalBank, now: datetime) -> None:
        self.accounts, self.reports, self.db = engine.accounts, engine.reports, engine.db
        self.engine = engine
        self._database = open_database(url)
        self._bank = bank
        self._now = now

    def cancelled_run(self, run_id: str, *, is_whole: bool = False) -> tuple[str, int, int]:
        """A run that used nothing, or all: its invoice, its price, what of that is start-up."""
        plan = load_plans(BUNDLED_PLANS)["on-demand"]
        quote = quote_run(plan, LoadSize(injectors=10, users=1_000, duration_s=600))
        with transaction(self._database) as conn:
            reserve(conn, "acme", run_id, quote, now=self._now, gateway=REHEARSED_GATEWAY)
            charge_start(conn, run_id, now=self._now, gateway=REHEARSED_GATEWAY)
        advanced(self._database, "acme", self._now, gateway=self._bank)
        with transaction(self._database) as conn:
            correct(
                conn,
                run_id,
                keep_startup=quote.startup,
                keep_use=quote.use if is_whole else 0,
                reason="cancelled",
                now=self._now,
                gateway=REHEARSED_GATEWAY,
            )
            invoice = issue_invoice(conn, run_id, now=self._now)
        assert invoice is not None
        return invoice.number, quote.startup + quote.use, quote.startup

    def refund(self, number: str, usd_micros: int | None = None) -> Refund:
        return self.accounts.refund(
            "acme", invoice=number, usd_micros=usd_micros, reason="slow", keep_credits=True
        )

    def credit(self, usd_micros: int) -> None:
        self.accounts.adjust("acme", usd_micros=usd_micros, reason="goodwill")

    @property
    def earned(self) -> tuple[int, int]:
        """What the books say was earned, and owed to the tax office, in micro-dollars."""
        shown = self.accounts.show("acme")
        return shown.charged_usd_micros, shown.tax_usd_micros

    @property
    def in_credit(self) -> int:
        return self.accounts.show("acme").credit_usd_micros


@pytest.fixture
def books(engine: Engine, sqlite_url: str, bank: MortalBank, now: datetime) -> Books:
    return Books(engine, sqlite_url, bank, now)


@pytest.fixture
def taxed(books: Books) -> Books:
    """An account in Germany whose first month was paid: 199.00 USD and 37.81 of tax."""
    books.engine.billing.set_seller(name="Load Ltd", country="DE")
    books.accounts.open("acme", plan="starter", card="tok_good")
    return books


@pytest.fixture
def on_demand(books: Books) -> Books:
    books.accounts.open("acme", plan="on-demand", card="tok_good")
    return books


def test_a_credited_invoice_is_not_taken_back_again_by_its_refund(
    taxed: Books, bank: MortalBank
) -> None:
    taxed.credit(GROSS)
    assert taxed.earned == (0, 0)
    done = taxed.refund(FIRST)
    # The credit note was written as it was credited: what goes is the credit.
    assert (done.from_credit_usd_micros, done.credit_note) == (GROSS, None)
    assert taxed.earned == (0, 0)
    assert (taxed.in_credit, sum(bank.collected.values()) - sum(bank.refunded.values())) == (0, 0)
    assert taxed.reports.invoices("acme")[0].status is InvoiceStatus.REFUNDED
    assert taxed.db.check() == ()


def test_a_refund_takes_the_invoice_back_first_and_what_was_credited_on_it_last(
    taxed: Books,
) -> None:
    taxed.credit(100 * USD)
    assert taxed.refund(FIRST, 50 * USD).from_credit_usd_micros == 0
    done = taxed.refund(FIRST)
    assert (done.usd_micros, done.from_credit_usd_micros) == (GROSS - 50 * USD, 100 * USD)
    assert taxed.earned == (0, 0)
    assert booked(taxed.engine) == (0, 0, 0)
    assert taxed.db.check() == ()


def test_what_was_credited_and_spent_is_not_given_back_besides(on_demand: Books) -> None:
    number, gross, kept = on_demand.cancelled_run("r1")
    second, _, _ = on_demand.cancelled_run("r2", is_whole=True)
    # The second run was paid by what the first had too much.
    with pytest.raises(RefundTooMuchError, match=r"credited to the account and are spent"):
        on_demand.refund(number, gross)
    assert on_demand.refund(number).usd_micros == kept
    assert on_demand.refund(second).usd_micros == kept
    assert booked(on_demand.engine)[0] == (gross - kept) // USD
    assert on_demand.db.check() == ()


def test_a_credit_counts_the_refunds_that_are_under_way(taxed: Books, bank: MortalBank) -> None:
    bank.silent = 1
    with suppress(Exception):
        taxed.refund(FIRST, 200 * USD)
    with pytest.raises(AdjustmentTooLargeError, match=r"36\.81 USD of what it was charged"):
        taxed.credit(37 * USD)
    taxed.credit(36_810_000)
    taxed.accounts.reconcile("acme")
    assert taxed.earned == (0, 0)
    assert taxed.db.check() == ()


def test_what_a_cancelled_run_has_too_much_is_given_back(
    on_demand: Books, bank: MortalBank
) -> None:
    number, gross, kept = on_demand.cancelled_run("r1")
    assert on_demand.in_credit == gross - kept
    done = on_demand.refund(number, gross - kept)
    # What the run has used stays earned: its invoice has the correction already.
    assert (done.from_credit_usd_micros, done.credit_note) == (gross - kept, None)
    assert on_demand.earned == (kept, 0)
    assert sum(bank.refunded.values()) == gross - kept
    assert on_demand.in_credit == 0
    assert on_demand.reports.invoices("acme")[0].status is InvoiceStatus.PAID
    rest = on_demand.refund(number)
    assert (rest.usd_micros, rest.from_credit_usd_micros) == (kept, 0)
    assert on_demand.reports.invoices("acme")[0].status is InvoiceStatus.REFUNDED
    with pytest.raises(RefundTooMuchError, match=r"nothing is left to be given back") as told:
        on_demand.refund(number)
    assert "0.00 USD cannot" not in told.value.line
    assert on_demand.db.check() == ()


def test_what_is_on_its_way_out_is_not_set_off_meanwhile(
    on_demand: Books, bank: MortalBank
) -> None:
    number, gross, kept = on_demand.cancelled_run("r1")
    bank.silent = 1
    with suppress(Exception):
        on_demand.refund(number, gross - kept)
    on_demand.cancelled_run("r2")
    on_demand.accounts.reconcile("acme")
    collected, given = sum(bank.collected.values()), sum(bank.refunded.values())
    assert (collected, given) == (2 * gross, gross - kept)
    assert on_demand.in_credit == gross - kept
    assert on_demand.db.check() == ()


def test_a_refund_that_came_back_can_be_tried_again(on_demand: Books, bank: MortalBank) -> None:
    number, gross, _ = on_demand.cancelled_run("r1")
    done = on_demand.refund(number)
    assert done.usd_micros == gross
    answer = bank.refund_settled(done.key, PaymentState.DECLINED)
    on_demand.accounts.payment_heard(done.key, answer)
    assert on_demand.in_credit == gross
    again = on_demand.refund(number)
    assert (again.usd_micros, again.from_credit_usd_micros) == (gross, gross)
    assert again.state is RefundState.ACCEPTED
    assert (on_demand.in_credit, on_demand.earned) == (0, (0, 0))
    assert on_demand.db.check() == ()


@pytest.mark.parametrize("way", ["given back", "taken", "given up"])
def test_c82_who_is_in_credit_is_not_deleted_before_that_is_settled(
    on_demand: Books, way: str
) -> None:
    number, gross, kept = on_demand.cancelled_run("r1")
    credit = gross - kept
    with pytest.raises(CreditLeftError, match=r"gives the \d+\.\d\d USD back") as told:
        on_demand.accounts.delete("acme")
    assert told.value.facts["usd"] == format_usd(credit)
    if way == "given back":
        on_demand.refund(number, credit)
    elif way == "taken":
        on_demand.credit(-credit)
    on_demand.accounts.delete("acme", give_up_credit=way == "given up")
    assert on_demand.accounts.show("acme").account.status == "deleted"
    assert on_demand.in_credit == (credit if way == "given up" else 0)
    assert on_demand.db.check() == ()


@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_credits_and_refunds_gives_back_more_than_was_earned(
    taxed: Books, bank: MortalBank, seed: int
) -> None:
    random = Random(seed)
    taxed.accounts.boost("acme")
    for _ in range(14):
        usd_micros = random.choice((CENT, 33_330_000, 71_110_000, 150 * USD))
        numbers = [each.number for each in taxed.reports.invoices("acme")]
        with suppress(AdjustmentTooLargeError, RefundTooMuchError):
            match random.randrange(3):
                case 0:
                    taxed.credit(usd_micros)
                case 1:
                    taxed.credit(-usd_micros)
                case _:
                    taxed.refund(random.choice(numbers[:2]), usd_micros)
        charged, tax = taxed.earned
        assert min(charged, tax, taxed.in_credit) >= 0
        assert sum(bank.refunded.values()) <= sum(bank.collected.values())
    assert taxed.db.check() == ()
