"""A department's runs: its own LI-minutes first, then money within its wallet, never both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, update

from engine.database import transaction
from pricing.accounts.view import account_view
from pricing.departments.commands import (
    UnknownDepartmentError,
    add_department,
    allocate,
    department_view,
    limit_wallet,
)
from pricing.departments.wallet import wallet_of
from pricing.ledger.departments import find_department
from pricing.ledger.issuing import issue_for_run
from pricing.ledger.ledger import NaturalKeyConflictError, entries, entries_of
from pricing.ledger.reservations import FundingSource, find_reservation, reservation_of
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.charges import (
    InsufficientCreditsError,
    WalletExceededError,
    bill_of,
    reserve,
    void_reservation,
)
from pricing.run_charges.funding import preview
from pricing.tables import ACCOUNTS

USD = 1_000_000
MONTH = timedelta(days=31)

Quotes = Callable[..., Any]
Runs = Callable[..., Any]


def test_r70_allocated_credits_are_used_first(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        assert of.start("r1", quotes(100), now) is FundingSource.DEPARTMENT_CREDITS
        assert (of.credits_left(now), of.spent_usd(now)) == (0, 0)
        bill = bill_of(conn, "r1")
        assert bill is not None
        assert (bill.unit, bill.total) == (Unit.LI_MINUTES, 100)
        assert issue_for_run(conn, "r1", now) is None


def test_r70_a_departments_run_leaves_the_accounts_credits_alone_and_the_other_way_round(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60), now)
        of.start("r2", quotes(1_700), now, department=None)
        assert of.credits_left(now) == 40
        with pytest.raises(InsufficientCreditsError) as refused:
            of.start("r3", quotes(1), now, department=None)
    facts = {"account": acme, "needed": 1, "available": 0}
    assert refused.value.facts == facts | {"remedies": "boost, extra-credits"}


def test_r71_r72_when_all_credits_are_used_the_run_is_on_demand_within_the_wallet(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(100), now)
        assert of.start("r2", quotes(60, usd=30), now) is FundingSource.WALLET
        assert (of.credits_left(now), of.spent_usd(now)) == (0, 30)
        bill = bill_of(conn, "r2")
        assert bill is not None
        assert (bill.unit, bill.total) == (Unit.USD, 30 * USD)
        assert (
            account_view(conn, acme, now, gateway=REHEARSED_GATEWAY).charged_usd_micros == 229 * USD
        )
        invoice = issue_for_run(conn, "r2", now)
        assert invoice is not None
        assert "r2 of research" in invoice.lines[0].description


def test_c11_with_40_left_and_100_needed_the_whole_run_is_on_demand(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 40, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        assert of.start("r1", quotes(100, usd=25), now) is FundingSource.WALLET
        assert (of.credits_left(now), of.spent_usd(now)) == (40, 25)
        charge, payment = entries_of(conn, "run:r1")
        assert payment.natural_key == "run:r1:payment"
        assert {posting.unit for posting in charge.postings} == {Unit.USD}
        assert of.start("r2", quotes(40), now) is FundingSource.DEPARTMENT_CREDITS


def test_c13_r73_the_limit_may_be_reached_and_not_passed(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_wallet(conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60, usd=20), now)
        of.start("r2", quotes(60, usd=30), now)
        assert of.spent_usd(now) == 50
    with (
        pytest.raises(WalletExceededError, match="raise its limit to 52") as refused,
        transaction(db) as conn,
    ):
        runs(conn, acme).start("r3", quotes(60, usd=2), now)
    assert refused.value.facts == {
        "account": acme,
        "department": "research",
        "quoted_usd": "2.00",
        "limit_usd": "50.00",
        "spent_usd": "50.00",
        "reserved_usd": "0.00",
        "available_usd": "0.00",
        "li_minutes_needed": 60,
        "li_minutes_available": 0,
        "next_month": "2027-02-24T23:00:00+00:00",
        "remedies": "allocate, limit, wait",
    }


def test_r73_without_a_limit_nothing_is_run_in_money(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with pytest.raises(WalletExceededError), transaction(db) as conn:
        runs(conn, acme).start("r1", quotes(60), now, department=research)


def test_r74_with_the_next_cycle_running_is_possible_again(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 60, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 10 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        assert of.start("r1", quotes(60), now) is FundingSource.DEPARTMENT_CREDITS
        assert of.start("r2", quotes(60), now) is FundingSource.WALLET
        with pytest.raises(WalletExceededError):
            of.start("r3", quotes(60), now + timedelta(days=30))
        later = now + MONTH
        assert of.start("r3", quotes(60), later) is FundingSource.DEPARTMENT_CREDITS
        assert of.start("r4", quotes(60), later) is FundingSource.WALLET
        assert of.spent_usd(later) == 10


def test_r74_what_a_department_did_not_use_rolls_over_with_it(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 60, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        assert of.start("r1", quotes(120), now + MONTH) is FundingSource.DEPARTMENT_CREDITS


def test_r76_on_demand_each_run_counts_against_the_departments_limit(
    db: Engine, globex: str, quotes: Quotes, now: datetime
) -> None:
    quote = quotes(60, usd=30).money
    with transaction(db) as conn:
        add_department(conn, globex, "sales", now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, globex, "sales", 70 * USD, now=now, gateway=REHEARSED_GATEWAY)
        for number in range(2):
            reserved = reserve(
                conn,
                globex,
                f"r{number}",
                quote,
                department="sales",
                now=now,
                gateway=REHEARSED_GATEWAY,
            )
            assert reserved.funding_source is FundingSource.WALLET
        with pytest.raises(WalletExceededError) as refused:
            reserve(
                conn, globex, "r2", quote, department="sales", now=now, gateway=REHEARSED_GATEWAY
            )
        assert refused.value.facts["reserved_usd"] == "60.00"
        assert refused.value.facts["li_minutes_needed"] is None
        # 1 February: another calendar month, but what is reserved may start in it.
        february = datetime.fromisoformat("2027-02-01T00:00:00+00:00")
        with pytest.raises(WalletExceededError):
            reserve(
                conn,
                globex,
                "r2",
                quote,
                department="sales",
                now=february,
                gateway=REHEARSED_GATEWAY,
            )
        void_reservation(conn, "r0", now=february, gateway=REHEARSED_GATEWAY)
        reserve(
            conn, globex, "r2", quote, department="sales", now=february, gateway=REHEARSED_GATEWAY
        )
        assert (
            reserve(
                conn, globex, "own", quote, now=february, gateway=REHEARSED_GATEWAY
            ).funding_source
            is FundingSource.ON_DEMAND
        )


def test_a_cancelled_run_gives_back_to_where_it_came_from(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 60, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 10 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60), now)
        of.start("r2", quotes(60), now)
        of.cancel("r1", quotes(60).credits, now)
        of.cancel("r2", quotes(60).money, now)
        assert (of.credits_left(now), of.spent_usd(now)) == (55, 1)


def test_a_run_that_crosses_the_boundary_belongs_to_the_cycle_in_which_it_started(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_wallet(conn, acme, research, 30 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60, usd=30), now)
        later = now + MONTH
        assert of.spent_usd(later) == 0
        of.cancel("r1", quotes(60, usd=30).money, later)
        assert of.spent_usd(later) == 0
        of.accept("r2", quotes(60, usd=30), later)


def test_a_run_scheduled_for_later_keeps_its_credits_and_its_money_over_a_renewal(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    from pricing.run_charges.charges import charge_start

    with transaction(db) as conn:
        allocate(conn, acme, research, 60, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 30 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.accept("r1", quotes(60), now)
        of.accept("r2", quotes(60, usd=30), now)
        later = now + MONTH
        assert (
            department_view(
                conn, acme, research, later, gateway=REHEARSED_GATEWAY
            ).reserved_li_minutes
            == 60
        )
        assert of.accept("r3", quotes(60), later) is FundingSource.DEPARTMENT_CREDITS
        with pytest.raises(WalletExceededError):
            of.accept("r4", quotes(60, usd=1), later)
        for run_id in ("r1", "r2", "r3"):
            charge_start(conn, run_id, now=later, gateway=REHEARSED_GATEWAY)
        assert (of.credits_left(later), of.spent_usd(later)) == (0, 30)


def test_c8_a_run_that_starts_at_the_boundary_is_spent_in_the_month_that_begins(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        wallet = limit_wallet(
            conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY
        ).wallet
        of = runs(conn, acme)
        of.start("r1", quotes(10, usd=20), wallet.period.end)
        assert of.spent_usd(wallet.period.end) == 20
        department = find_department(conn, acme, research)
        before = wallet.period.end - timedelta(microseconds=1)
        assert wallet_of(conn, department, before).spent_usd_micros == 0


def test_r72_a_run_in_money_costs_what_it_costs_on_demand(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_wallet(conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        quoted = quotes(10, usd=20)
        assert runs(conn, acme).start("r1", quoted, now) is FundingSource.WALLET
        bill = bill_of(conn, "r1")
        assert bill is not None
        assert (bill.unit, bill.startup, bill.use) == (
            Unit.USD,
            quoted.money.startup,
            quoted.money.use,
        )


def test_a_wallet_is_its_departments_own(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        add_department(conn, acme, "sales", now=now, gateway=REHEARSED_GATEWAY)
        for name in (research, "sales"):
            limit_wallet(conn, acme, name, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(10, usd=40), now, department="sales")
        of.accept("r2", quotes(10, usd=10), now, department="sales")
        assert (of.spent_usd(now), of.spent_usd(now, "sales")) == (0, 40)
        of.start("r3", quotes(10, usd=50), now)


def test_a_limit_that_is_lowered_below_what_was_spent_takes_nothing_back(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_wallet(conn, acme, research, 30 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60, usd=30), now)
        wallet = limit_wallet(
            conn, acme, research, 10 * USD, now=now, gateway=REHEARSED_GATEWAY
        ).wallet
        assert (wallet.spent_usd_micros, wallet.available_usd_micros) == (30 * USD, 0)


def test_r52_a_contract_payer_has_no_wallet_to_fall_back_to(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        # A limit from before such a limit was refused.
        limit_wallet(conn, acme, research, 30 * USD, now=now, gateway=REHEARSED_GATEWAY)
        conn.execute(update(ACCOUNTS).values(channel=Channel.AWS_MARKETPLACE))
        with pytest.raises(InsufficientCreditsError):
            runs(conn, acme).accept("r1", quotes(60), now)


def test_i13_a_refused_run_changes_nothing(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 40, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 5 * USD, now=now, gateway=REHEARSED_GATEWAY)
        before = (
            department_view(conn, acme, research, now, gateway=REHEARSED_GATEWAY),
            entries(conn, acme),
        )
    for department in ("research", None, "sales"):
        with (
            pytest.raises((WalletExceededError, InsufficientCreditsError, UnknownDepartmentError)),
            transaction(db) as conn,
        ):
            runs(conn, acme).start("r1", quotes(2_000), now, department=department)
    with transaction(db) as conn:
        assert (
            department_view(conn, acme, research, now, gateway=REHEARSED_GATEWAY),
            entries(conn, acme),
        ) == before
        assert find_reservation(conn, "r1") is None


def test_i14_a_lot_is_not_used_outside_its_time(
    db: Engine, starter: Plan, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    from pricing.accounts.opening import open_account

    monthly = replace(starter, rollover=False)
    with transaction(db) as conn:
        open_account(
            conn, "acme", monthly, timezone="Europe/Paris", now=now, gateway=REHEARSED_GATEWAY
        )
        add_department(conn, "acme", "research", now=now, gateway=REHEARSED_GATEWAY)
        allocate(conn, "acme", "research", 60, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, "acme")
        later = now + MONTH
        assert of.credits_left(later) == 60
        with pytest.raises(WalletExceededError):
            of.accept("r1", quotes(61), later)
        assert of.accept("r1", quotes(60), later) is FundingSource.DEPARTMENT_CREDITS


def test_reserving_twice_is_reserving_once(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_wallet(conn, acme, research, 10 * USD, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        assert of.accept("r1", quotes(60), now) is of.accept("r1", quotes(60), now, "RESEARCH")
        wallet = department_view(conn, acme, research, now, gateway=REHEARSED_GATEWAY).wallet
        assert wallet.reserved_usd_micros == 10 * USD
        with pytest.raises(NaturalKeyConflictError):
            of.accept("r1", quotes(60), now, department=None)
        with pytest.raises(NaturalKeyConflictError):
            of.accept("r1", quotes(61, usd=11), now)
        assert reservation_of(conn, "r1").department == "research"


def test_the_quote_says_who_would_pay(
    db: Engine, acme: str, research: str, quotes: Quotes, now: datetime
) -> None:
    def funding_source(department: str | None, quote: Quote, money: Quote) -> FundingSource:
        with transaction(db) as conn:
            return preview(
                conn,
                acme,
                quote,
                department=department,
                on_demand=money,
                now=now,
                gateway=REHEARSED_GATEWAY,
            ).funding_source

    with transaction(db) as conn:
        allocate(conn, acme, research, 60, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 10 * USD, now=now, gateway=REHEARSED_GATEWAY)
    assert funding_source(None, *quotes(60)) is FundingSource.ACCOUNT_CREDITS
    assert funding_source("research", *quotes(60)) is FundingSource.DEPARTMENT_CREDITS
    assert funding_source("research", *quotes(61)) is FundingSource.WALLET
    with transaction(db) as conn:
        assert (
            department_view(
                conn, acme, research, now, gateway=REHEARSED_GATEWAY
            ).reserved_li_minutes
            == 0
        )
