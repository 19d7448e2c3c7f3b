"""What runs owe in money is collected once each, and the receivable comes to zero."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, select

from engine.database import transaction
from pricing.accounts.account import find_account
from pricing.accounts.advance import advance
from pricing.accounts.opening import open_account
from pricing.accounts.overdue import NothingDueError, pay, run_payment_answered, set_card
from pricing.accounts.plan_history import PlanStatus, plan_history
from pricing.accounts.reconciling import Became, reconcile_account
from pricing.accounts.view import AccountView, account_view
from pricing.departments.commands import add_department, limit_wallet
from pricing.departments.extra_credits import limit_extra_credits
from pricing.ledger.ledger import balance, entries_of
from pricing.payments.collecting import PaymentFailedError
from pricing.payments.gateway import (
    DECLINES,
    DELAYS,
    REHEARSED_GATEWAY,
    Answer,
    PaymentRequest,
    PaymentState,
    RehearsedGateway,
)
from pricing.payments.play_bank import PlayBank
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation
from pricing.subscriptions.debts import PaymentOverdueError
from pricing.tables import PAYMENTS
from tests.pricing.rim import advanced, rim_of, settle

USD = 1_000_000

QuoteOf = Callable[[Plan, int, int], Quote]


class DeclinesAll(RehearsedGateway):
    """Works out that nobody pays."""

    def collect(self, payment: PaymentRequest) -> Answer:
        del payment
        return Answer(PaymentState.DECLINED, "the card is empty")


def collected(gateway: PlayBank) -> dict[str, int]:
    """Dollars by what was paid."""
    return {
        each.request.purpose: each.request.usd_micros // USD for each in gateway.charges.values()
    }


@pytest.fixture
def ten_usd(on_demand: Plan, quote_of: QuoteOf) -> Quote:
    """A run on demand for 4 USD of start-up and 6 of use."""
    return replace(quote_of(on_demand, 10, 10), startup=4 * USD, use=6 * USD)


def launch(conn: Connection, account: str, run_id: str, quote: Quote, now: datetime) -> None:
    reserve(conn, account, run_id, quote, now=now, gateway=REHEARSED_GATEWAY)
    charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)


def put_card(db: Engine, account: str, card: str, now: datetime) -> None:
    with transaction(db) as conn:
        set_card(
            conn,
            account,
            card,
            now=now,
            request_id=f"card {card} at {now}",
            gateway=REHEARSED_GATEWAY,
        )


def seen(db: Engine, account: str, now: datetime) -> AccountView:
    with transaction(db) as conn:
        return account_view(conn, account, now, gateway=REHEARSED_GATEWAY)


def sums(db: Engine, account: str) -> dict[str, int]:
    """Dollars on the ledger accounts that payments move."""
    with db.connect() as conn:
        found = {
            name: balance(conn, account, name, Unit.USD) / USD
            for name in ("cash", "receivable", "credit")
        }
    return {name: int(usd) for name, usd in found.items() if usd}


def payments(db: Engine, account: str) -> dict[str, tuple[str, int]]:
    """State and dollars of an account's payments, by cause."""
    with db.connect() as conn:
        rows = conn.execute(select(PAYMENTS).where(PAYMENTS.c.account_id == account))
        return {row.cause: (row.state, row.usd_micros // USD) for row in rows}


def test_r1_r52_a_run_on_demand_is_one_payment_of_its_quote(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    gateway = PlayBank()
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    assert not gateway.calls
    assert sums(db, globex) == {"receivable": 10}
    assert payments(db, globex) == {"run:r1": ("due", 10)}
    for _ in range(3):
        settle(db, globex, partial(charge_start, run_id="r1", now=now), now=now, gateway=gateway)
    assert collected(gateway) == {"run:r1": 10}
    assert gateway.calls.total() == 1
    assert sums(db, globex) == {"cash": 10}
    assert seen(db, globex, now).unpaid_usd_micros == 0


def test_r76_a_departments_run_in_money_is_paid_by_the_account(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    with transaction(db) as conn:
        add_department(conn, globex, "research", now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, globex, "research", 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        reserve(
            conn, globex, "r1", ten_usd, department="research", now=now, gateway=REHEARSED_GATEWAY
        )
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        advance(conn, globex, now, gateway=REHEARSED_GATEWAY)
    assert payments(db, globex) == {"run:r1": ("accepted", 10)}
    assert sums(db, globex) == {"cash": 10}


def test_r108_extra_credits_are_paid_as_the_run_starts_that_buys_them(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    gateway = PlayBank()
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 500, now=now, gateway=REHEARSED_GATEWAY)
        launch(conn, acme, "r1", quote_of(starter, 10, 185), now)
        charged = -balance(conn, acme, "revenue:extra-credits", Unit.USD)
        assert balance(conn, acme, "receivable", Unit.USD) == charged > 0
    advanced(db, acme, now, gateway=gateway)
    with transaction(db) as conn:
        assert balance(conn, acme, "receivable", Unit.USD) == 0
        assert balance(conn, acme, "cash", Unit.USD) == 199 * USD + charged
    assert gateway.collected == {(acme, "USD"): charged}


def test_a_run_on_credits_and_one_that_is_never_launched_are_not_asked_for(
    db: Engine,
    acme: str,
    starter: Plan,
    on_demand: Plan,
    ten_usd: Quote,
    quote_of: QuoteOf,
    now: datetime,
) -> None:
    gateway = PlayBank()
    with transaction(db) as conn:
        open_account(conn, "globex", on_demand, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
        launch(conn, acme, "r1", quote_of(starter, 10, 6), now)
        reserve(conn, "globex", "r2", ten_usd, now=now, gateway=REHEARSED_GATEWAY)
        void_reservation(conn, "r2", now=now, gateway=REHEARSED_GATEWAY)
    for account in (acme, "globex"):
        advanced(db, account, now, gateway=gateway)
    assert not gateway.calls


def test_c24_a_declined_run_goes_on_is_overdue_and_stops_the_next_one(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    put_card(db, globex, DECLINES, now)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    view = seen(db, globex, now)
    assert (view.unpaid_usd_micros, view.account.status) == (10 * USD, "payment_failure")
    assert sums(db, globex) == {"receivable": 10}
    with pytest.raises(PaymentOverdueError, match="for 1 run") as refused, transaction(db) as conn:
        reserve(conn, globex, "r2", ten_usd, now=now, gateway=REHEARSED_GATEWAY)
    facts = {"account": globex, "periods": 0, "runs": 1, "usd": "10.00"}
    assert refused.value.facts == facts
    with transaction(db) as conn:
        (row,) = plan_history(conn, globex)
    assert row.status is PlanStatus.ACTIVE

    with pytest.raises(PaymentFailedError, match=r"10\.00 USD"), transaction(db) as conn:
        pay(conn, globex, now=now, request_id="p1", gateway=REHEARSED_GATEWAY)
    put_card(db, globex, "tok_good", now)
    assert sums(db, globex) == {"receivable": 10}, "nobody asks again before `pay`"
    for _ in range(2):
        with transaction(db) as conn:
            pay(conn, globex, now=now, request_id="p2", gateway=REHEARSED_GATEWAY)
    view = seen(db, globex, now)
    assert (view.unpaid_usd_micros, view.account.status) == (0, "active")
    assert sums(db, globex) == {"cash": 10}
    with transaction(db) as conn:
        reserve(conn, globex, "r2", ten_usd, now=now, gateway=REHEARSED_GATEWAY)


@pytest.mark.parametrize(("answer", "cash"), [("accepted", 10), ("declined", 0)])
def test_a_bank_that_answers_late_and_twice_pays_once(
    db: Engine, globex: str, ten_usd: Quote, now: datetime, answer: str, cash: int
) -> None:
    put_card(db, globex, DELAYS, now)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    assert seen(db, globex, now).unpaid_usd_micros == 10 * USD
    done = []
    for _ in range(2):
        with transaction(db) as conn:
            state = PaymentState(answer)
            done.append(
                run_payment_answered(conn, globex, "r1", state, now=now, gateway=REHEARSED_GATEWAY)
            )
    assert done == [cash > 0, False]
    assert sums(db, globex).get("cash", 0) == cash
    assert seen(db, globex, now).unpaid_usd_micros == (10 - cash) * USD


@pytest.mark.parametrize(("keep", "owed", "after"), [(4 * USD, 4, {"receivable": 4}), (0, 0, {})])
def test_a_payment_declined_late_is_lowered_by_what_its_run_gave_back(
    db: Engine, globex: str, ten_usd: Quote, now: datetime, keep: int, owed: int, after: object
) -> None:
    put_card(db, globex, DELAYS, now)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    with transaction(db) as conn:
        correct(
            conn,
            "r1",
            keep_startup=keep,
            keep_use=0,
            reason="cancelled",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
    assert sums(db, globex) == {"receivable": 10, "credit": owed - 10}
    for _ in range(2):
        with transaction(db) as conn:
            run_payment_answered(
                conn, globex, "r1", PaymentState.DECLINED, now=now, gateway=REHEARSED_GATEWAY
            )
    view = seen(db, globex, now)
    assert (view.unpaid_usd_micros, view.credit_usd_micros) == (owed * USD, 0)
    assert sums(db, globex) == after


def test_credit_that_was_set_off_already_is_not_taken_back(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    put_card(db, globex, DELAYS, now)
    with transaction(db) as conn:
        reserve(
            conn,
            globex,
            "r2",
            replace(ten_usd, startup=0, use=5 * USD),
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        launch(conn, globex, "r1", ten_usd, now)
    with transaction(db) as conn:
        correct(
            conn,
            "r1",
            keep_startup=4 * USD,
            keep_use=0,
            reason="cancelled",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        charge_start(conn, "r2", now=now, gateway=REHEARSED_GATEWAY)
    for _ in range(2):
        with transaction(db) as conn:
            run_payment_answered(
                conn, globex, "r1", PaymentState.DECLINED, now=now, gateway=REHEARSED_GATEWAY
            )
    assert sums(db, globex) == {"receivable": 9}
    put_card(db, globex, "tok_good", now)
    with transaction(db) as conn:
        pay(conn, globex, now=now, request_id="p1", gateway=REHEARSED_GATEWAY)
    assert sums(db, globex) == {"cash": 9}, "what both runs cost"


def test_what_a_paid_run_gives_back_is_set_off_against_the_next(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    gateway = PlayBank()
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    cancelling = partial(
        correct, run_id="r1", keep_startup=4 * USD, keep_use=0, reason="cancelled", now=now
    )
    for _ in range(2):
        settle(db, globex, cancelling, now=now, gateway=gateway)
    assert seen(db, globex, now).credit_usd_micros == 6 * USD
    assert sums(db, globex) == {"cash": 10, "credit": -6}
    with transaction(db) as conn:
        launch(conn, globex, "r2", ten_usd, now)
    advanced(db, globex, now, gateway=gateway)
    assert collected(gateway) == {"run:r1": 10, "run:r2": 4}
    assert sums(db, globex) == {"cash": 14}
    assert seen(db, globex, now).charged_usd_micros == 14 * USD


def test_a_run_that_credit_covers_is_not_asked_for(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    small = replace(ten_usd, startup=2 * USD, use=1 * USD)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
        correct(
            conn,
            "r1",
            keep_startup=0,
            keep_use=0,
            reason="no capacity",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        launch(conn, globex, "r2", small, now)
    assert payments(db, globex) == {"run:r1": ("accepted", 10)}
    assert seen(db, globex, now).credit_usd_micros == 7 * USD
    assert sums(db, globex) == {"cash": 10, "credit": -7}


@pytest.mark.parametrize(
    ("keep_startup", "state", "owed"), [(4, "declined", 4), (0, "abandoned", 0)]
)
def test_what_an_unpaid_run_gives_back_is_not_collected(
    db: Engine,
    globex: str,
    ten_usd: Quote,
    now: datetime,
    keep_startup: int,
    state: str,
    owed: int,
) -> None:
    put_card(db, globex, DECLINES, now)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
        advance(conn, globex, now, gateway=REHEARSED_GATEWAY)
        correct(
            conn,
            "r1",
            keep_startup=keep_startup * USD,
            keep_use=0,
            reason="x",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
    view = seen(db, globex, now)
    assert (view.unpaid_usd_micros, view.credit_usd_micros) == (owed * USD, 0)
    assert payments(db, globex)["run:r1"][0] == state
    put_card(db, globex, "tok_good", now)
    with transaction(db) as conn:
        if owed:
            pay(conn, globex, now=now, request_id="p", gateway=REHEARSED_GATEWAY)
        else:
            with pytest.raises(NothingDueError):
                pay(conn, globex, now=now, request_id="p", gateway=REHEARSED_GATEWAY)
    assert sums(db, globex) == ({"cash": owed} if owed else {})


class CrashError(BaseException):
    """The process is gone."""


class Crashing(PlayBank):
    """Collects, and the process dies before it hears of it, so many times."""

    def __init__(self, crashes: int) -> None:
        super().__init__()
        self.crashes = crashes

    def collect(self, payment: PaymentRequest) -> Answer:
        answer = super().collect(payment)
        self.crashes -= 1
        if self.crashes >= 0:
            raise CrashError
        return answer


def test_a_crash_after_the_gateway_said_yes_collects_once(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    gateway = Crashing(2)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    for _ in range(2):
        with pytest.raises(CrashError):
            advanced(db, globex, now, gateway=gateway)
    assert sums(db, globex) == {"receivable": 10}
    advanced(db, globex, now, gateway=gateway)
    assert list(gateway.calls.values()) == [3]
    assert collected(gateway) == {"run:r1": 10}
    assert sums(db, globex) == {"cash": 10}


def test_an_answer_lost_before_a_correction_leaves_the_account_in_credit(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    gateway = Crashing(1)
    with transaction(db) as conn:
        launch(conn, globex, "r1", ten_usd, now)
    with pytest.raises(CrashError):
        advanced(db, globex, now, gateway=gateway)
    with transaction(db) as conn:
        # Its charge is corrected by whoever asks nobody.
        correct(
            conn,
            "r1",
            keep_startup=4 * USD,
            keep_use=0,
            reason="cancelled",
            now=now,
            gateway=DeclinesAll(),
        )
    (told,) = reconcile_account(rim_of(db, now, gateway=gateway), globex)
    assert told.became is Became.BOOKED
    assert sums(db, globex) == {"cash": 10, "credit": -6}
    assert seen(db, globex, now).credit_usd_micros == 6 * USD


def test_pay_keeps_what_it_collected_before_a_payment_failed(
    db: Engine, globex: str, ten_usd: Quote, now: datetime
) -> None:
    class OneOnly(PlayBank):
        def collect(self, payment: PaymentRequest) -> Answer:
            if self.charges:
                return Answer(PaymentState.DECLINED, "the card is empty")
            return super().collect(payment)

    put_card(db, globex, DECLINES, now)
    with transaction(db) as conn:
        for number in (1, 2):
            reserve(conn, globex, f"r{number}", ten_usd, now=now, gateway=REHEARSED_GATEWAY)
        for number in (1, 2):
            charge_start(conn, f"r{number}", now=now, gateway=REHEARSED_GATEWAY)
        advance(conn, globex, now, gateway=REHEARSED_GATEWAY)
    put_card(db, globex, "tok_good", now)
    settle(
        db,
        globex,
        partial(pay, account_id=globex, now=now, request_id="p"),
        now=now,
        gateway=OneOnly(),
    )
    assert payments(db, globex) == {"run:r1": ("accepted", 10), "run:r2": ("declined", 10)}
    assert seen(db, globex, now).unpaid_usd_micros == 10 * USD
    assert sums(db, globex) == {"cash": 10, "receivable": 10}


def test_every_payment_stands_in_the_ledger_under_what_it_paid(
    db: Engine, acme: str, now: datetime
) -> None:
    assert sums(db, acme) == {"cash": 199}
    with transaction(db) as conn:
        account_view(conn, acme, now + timedelta(days=40), gateway=REHEARSED_GATEWAY)
        paid = [entry.natural_key for entry in entries_of(conn, "subscription:1:period:1")]
        assert find_account(conn, acme).status == "active"
    assert paid == [f"subscription:1:period:1:{what}" for what in ("charge", "payment", "grant")]
    assert sums(db, acme) == {"cash": 398}
