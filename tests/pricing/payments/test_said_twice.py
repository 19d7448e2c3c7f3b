"""What is said twice about a run's money counts once: corrections, answers, collections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.advance import advance
from pricing.accounts.overdue import pay, run_payment_answered, set_card
from pricing.accounts.settling import Work
from pricing.accounts.view import account_view
from pricing.payments.gateway import (
    DECLINES,
    DELAYS,
    REHEARSED_GATEWAY,
    PaymentState,
)
from pricing.payments.play_bank import PlayBank
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote
from pricing.run_charges.charges import charge_start, correct, reserve
from tests.pricing.rim import settle

USD = 1_000_000
START_UP, USE = 4 * USD, 6 * USD

QuoteOf = Callable[[Plan, int, int], Quote]


class Runs:
    """Runs on demand of one account, of 4 USD of start-up and 6 of use each."""

    def __init__(self, db: Engine, account: str, quote: Quote, now: datetime) -> None:
        self.db = db
        self.account = account
        self.quote = quote
        self.now = now

    def card(self, card: str) -> None:
        with transaction(self.db) as conn:
            set_card(
                conn,
                self.account,
                card,
                now=self.now,
                request_id=card,
                gateway=REHEARSED_GATEWAY,
            )

    def launch(self, *run_ids: str) -> None:
        """Charge them, and ask for their money."""
        for run_id in run_ids:
            with transaction(self.db) as conn:
                reserve(
                    conn,
                    self.account,
                    run_id,
                    self.quote,
                    now=self.now,
                    gateway=REHEARSED_GATEWAY,
                )
                charge_start(conn, run_id, now=self.now, gateway=REHEARSED_GATEWAY)
        with transaction(self.db) as conn:
            advance(conn, self.account, self.now, gateway=REHEARSED_GATEWAY)

    def cancel(self, run_id: str) -> None:
        """Keep the start-up alone."""
        with transaction(self.db) as conn:
            correct(
                conn,
                run_id,
                keep_startup=START_UP,
                keep_use=0,
                reason="cancelled",
                now=self.now,
                gateway=REHEARSED_GATEWAY,
            )

    def decline(self, run_id: str) -> None:
        with transaction(self.db) as conn:
            run_payment_answered(
                conn,
                self.account,
                run_id,
                PaymentState.DECLINED,
                now=self.now,
                gateway=REHEARSED_GATEWAY,
            )

    def owed_and_in_credit(self) -> tuple[int, int]:
        """Dollars."""
        with transaction(self.db) as conn:
            view = account_view(conn, self.account, self.now, gateway=REHEARSED_GATEWAY)
        return view.unpaid_usd_micros // USD, view.credit_usd_micros // USD


@pytest.fixture
def runs(db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime) -> Runs:
    quote = replace(quote_of(on_demand, 10, 10), startup=START_UP, use=USE)
    return Runs(db, globex, quote, now)


@pytest.mark.parametrize(
    ("card", "owed", "in_credit"), [("tok_good", 0, 6), (DECLINES, 4, 0), (DELAYS, 10, 6)]
)
def test_a_correction_that_is_sent_twice_gives_back_once(
    runs: Runs, card: str, owed: int, in_credit: int
) -> None:
    runs.card(card)
    runs.launch("r1")
    for _ in range(3):
        runs.cancel("r1")
        assert runs.owed_and_in_credit() == (owed, in_credit)


def test_a_run_that_is_declined_twice_takes_its_own_credit_back_and_not_anothers(
    runs: Runs,
) -> None:
    runs.card(DELAYS)
    runs.launch("r1")
    runs.cancel("r1")
    with transaction(runs.db) as conn:
        run_payment_answered(
            conn,
            runs.account,
            "r1",
            PaymentState.ACCEPTED,
            now=runs.now,
            gateway=REHEARSED_GATEWAY,
        )
    assert runs.owed_and_in_credit() == (0, 6)
    runs.quote = replace(runs.quote, use=12 * USD)
    runs.launch("r2")
    assert runs.owed_and_in_credit() == (10, 0)
    runs.cancel("r2")
    assert runs.owed_and_in_credit() == (10, 12)
    for _ in range(2):
        runs.decline("r2")
        assert runs.owed_and_in_credit() == (0, 2)


def test_of_two_declined_runs_each_takes_its_own_credit_back_once(runs: Runs) -> None:
    runs.card(DELAYS)
    with transaction(runs.db) as conn:
        for run_id in ("r1", "r2"):
            reserve(
                conn,
                runs.account,
                run_id,
                runs.quote,
                now=runs.now,
                gateway=REHEARSED_GATEWAY,
            )
    with transaction(runs.db) as conn:
        for run_id in ("r1", "r2"):
            charge_start(conn, run_id, now=runs.now, gateway=REHEARSED_GATEWAY)
    for run_id in ("r1", "r2"):
        runs.cancel(run_id)
    assert runs.owed_and_in_credit() == (20, 12)
    for _ in range(3):
        runs.decline("r1")
        assert runs.owed_and_in_credit() == (14, 6)
    runs.decline("r2")
    assert runs.owed_and_in_credit() == (8, 0)


def test_what_was_collected_is_never_asked_for_again(runs: Runs) -> None:
    runs.card(DECLINES)
    runs.launch("r1")
    runs.card("tok_good")
    gateway = PlayBank()

    def do(work: Work[object]) -> None:
        settle(runs.db, runs.account, work, now=runs.now, gateway=gateway)

    do(partial(pay, account_id=runs.account, now=runs.now, request_id="p1"))
    for state in PaymentState.ACCEPTED, PaymentState.DECLINED:
        do(partial(advance, account_id=runs.account, now=runs.now))
        do(
            partial(
                run_payment_answered,
                account_id=runs.account,
                run_id="r1",
                state=state,
                now=runs.now,
            )
        )
    assert [each.request.purpose for each in gateway.charges.values()] == ["run:r1"]
    assert gateway.calls.total() == 1
    assert runs.owed_and_in_credit() == (0, 0)
