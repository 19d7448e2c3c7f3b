"""Extra credits: bought as runs need them, last of all, up to a limit a period."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, update

from engine.database import transaction
from kernel.errors import BadInputError, RequestConflictError
from pricing.accounts.opening import open_account
from pricing.accounts.view import account_view
from pricing.departments.extra_credits import (
    ExtraCreditsRefusedError,
    extra_credits_of,
    limit_extra_credits,
)
from pricing.ledger.allocations import account_lots
from pricing.ledger.issuing import issue_for_run
from pricing.ledger.ledger import entries, entries_of
from pricing.ledger.lots import LotKind
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.charges import (
    InsufficientCreditsError,
    bill_of,
    charge_start,
    void_reservation,
)
from pricing.run_charges.funding import preview
from pricing.subscriptions.subscriptions import latest
from pricing.subscriptions.terms import begin_terms
from pricing.tables import ACCOUNTS

MONTH = timedelta(days=31)
CENT = 10_000

Quotes = Callable[..., Any]
Runs = Callable[..., Any]
QuoteOf = Callable[[Plan, int, int], Quote]


@pytest.mark.parametrize("channel", [Channel.AWS_MARKETPLACE, Channel.INVOICE])
def test_r105_only_card_payers_have_extra_credits(
    db: Engine, acme: str, now: datetime, channel: Channel
) -> None:
    with transaction(db) as conn:
        conn.execute(update(ACCOUNTS).values(channel=channel))
    with (
        pytest.raises(ExtraCreditsRefusedError, match="pay by") as refused,
        transaction(db) as conn,
    ):
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
    assert refused.value.facts == {"account": acme, "plan": "starter", "channel": channel.value}


def test_r105_nor_has_an_account_on_demand(db: Engine, globex: str, now: datetime) -> None:
    with pytest.raises(ExtraCreditsRefusedError, match="on-demand"), transaction(db) as conn:
        limit_extra_credits(conn, globex, 100, now=now, gateway=REHEARSED_GATEWAY)


def test_r106_r107_the_customer_sets_the_limit_at_any_time(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        of = runs(conn, acme)
        of.start("r1", quotes(1_750), now, department=None)
        with pytest.raises(InsufficientCreditsError, match="allow extra credits"):
            of.accept("r2", quotes(60), now, department=None)
        extra = limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        assert (extra.limit_li_minutes, extra.available_li_minutes) == (100, 100)
        assert extra.usd_micros_each == 15 * CENT
        of.accept("r2", quotes(60), now, department=None)
        assert (
            limit_extra_credits(
                conn, acme, 0, now=now, gateway=REHEARSED_GATEWAY
            ).available_li_minutes
            == 0
        )


def test_r108_c20_a_run_that_was_refused_takes_what_is_missing_last(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(1_750), now, department=None)
        assert extra_credits_of(conn, acme, now).bought_li_minutes == 0
        before = account_view(conn, acme, now, gateway=REHEARSED_GATEWAY).charged_usd_micros
        payment = preview(conn, acme, quotes(60).credits, now=now, gateway=REHEARSED_GATEWAY)
        assert (payment.extra_li_minutes, payment.extra_usd_micros) == (10, 150 * CENT)
        of.start("r2", quotes(60), now, department=None)
        extra = extra_credits_of(conn, acme, now)
        assert (extra.bought_li_minutes, extra.available_li_minutes) == (10, 90)
        after = account_view(conn, acme, now, gateway=REHEARSED_GATEWAY)
        assert (after.balance_li_minutes, after.charged_usd_micros) == (0, before + 150 * CENT)
        bill = bill_of(conn, "r2")
        assert bill is not None
        assert (bill.unit, bill.total, bill.corrected) == (Unit.LI_MINUTES, 60, False)
        invoice = issue_for_run(conn, "r2", now)
        assert invoice is not None
        assert invoice.usd_micros == 150 * CENT
        assert "10 extra credits" in invoice.lines[0].description


def test_r109_a_credit_is_a_minute_of_one_load_generator(
    db: Engine,
    acme: str,
    starter: Plan,
    quote_of: QuoteOf,
    quotes: Quotes,
    runs: Runs,
    now: datetime,
) -> None:
    quote = quote_of(starter, 10, 6)
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 60, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(1_800), now, department=None)
        assert (
            preview(conn, acme, quote, now=now, gateway=REHEARSED_GATEWAY).extra_li_minutes
            == 10 * 6
        )


def test_r107_above_the_limit_a_run_is_refused_with_the_numbers(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        runs(conn, acme).start("r1", quotes(1_850), now, department=None)
        before = entries(conn, acme)
    with pytest.raises(InsufficientCreditsError) as refused, transaction(db) as conn:
        runs(conn, acme).accept("r2", quotes(51), now, department=None)
    facts = {"account": acme, "needed": 51, "available": 50}
    assert refused.value.facts == facts | {"remedies": "boost, extra-credits"}
    with transaction(db) as conn:
        assert entries(conn, acme) == before
        runs(conn, acme).accept("r2", quotes(50), now, department=None)


def test_r107_runs_that_wait_count_against_the_limit_until_they_are_given_up(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.accept("r1", quotes(1_850), now, department=None)
        with pytest.raises(InsufficientCreditsError) as refused:
            of.accept("r2", quotes(51), now, department=None)
        assert refused.value.facts["available"] == 50
        of.accept("r2", quotes(50), now, department=None)
        void_reservation(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert extra_credits_of(conn, acme, now).available_li_minutes == 50


def test_c19_a_run_that_starts_at_the_boundary_buys_in_the_period_that_begins(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        period = extra_credits_of(conn, acme, now).period
        assert period is not None
        of.start("r1", quotes(3_650), period.end, department=None)
        assert extra_credits_of(conn, acme, period.end).bought_li_minutes == 50
        before = period.end - timedelta(microseconds=1)
        assert extra_credits_of(conn, acme, before).bought_li_minutes == 0


def test_c19_the_limit_stays_and_the_count_starts_again_each_period(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(1_900), now, department=None)
        later = now + MONTH
        extra = extra_credits_of(conn, acme, now)
        assert (extra.bought_li_minutes, extra.available_li_minutes) == (100, 0)
        of.start("r2", quotes(1_900), later, department=None)
        assert extra_credits_of(conn, acme, later).bought_li_minutes == 100


def test_a_limit_below_what_was_bought_takes_nothing_back(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(1_850), now, department=None)
        of.accept("r2", quotes(30), now, department=None)
        before = entries(conn, acme)
        extra = limit_extra_credits(conn, acme, 10, now=now, gateway=REHEARSED_GATEWAY)
        assert (extra.bought_li_minutes, extra.reserved_li_minutes) == (50, 30)
        assert extra.available_li_minutes == 0
        assert entries(conn, acme) == before
        charge_start(conn, "r2", now=now, gateway=REHEARSED_GATEWAY)
        with pytest.raises(InsufficientCreditsError):
            of.accept("r3", quotes(1), now, department=None)


def test_a_run_that_is_given_up_buys_nothing(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        before = entries(conn, acme)
        runs(conn, acme).accept("r1", quotes(1_900), now, department=None)
        void_reservation(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert extra_credits_of(conn, acme, now).available_li_minutes == 100
        assert entries(conn, acme) == before


def test_what_a_cancel_gives_back_of_extra_credits_stays_in_their_lot(
    db: Engine, acme: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(1_900), now, department=None)
        of.cancel("r1", quotes(1_900).credits, now)
        kinds = {lot.kind: lot.available for lot in account_lots(conn, acme, now)}
        assert kinds == {LotKind.PLAN: 1_795, LotKind.EXTRA: 100}
        assert extra_credits_of(conn, acme, now).bought_li_minutes == 100
        of.start("r2", quotes(1_895), now, department=None)
        (charge,) = entries_of(conn, "run:r2")
        assert {posting.unit for posting in charge.postings} == {Unit.LI_MINUTES}


def test_the_same_request_does_nothing_twice(db: Engine, acme: str, now: datetime) -> None:
    with transaction(db) as conn:
        first = limit_extra_credits(
            conn, acme, 100, now=now, request_id="x-1", gateway=REHEARSED_GATEWAY
        )
        assert (
            limit_extra_credits(
                conn, acme, 100, now=now, request_id="x-1", gateway=REHEARSED_GATEWAY
            )
            == first
        )
    with pytest.raises(RequestConflictError), transaction(db) as conn:
        limit_extra_credits(conn, acme, 101, now=now, request_id="x-1", gateway=REHEARSED_GATEWAY)


@pytest.mark.parametrize("limit", [-1, 10**12])
def test_a_limit_beyond_reason_is_refused(db: Engine, acme: str, now: datetime, limit: int) -> None:
    with pytest.raises(BadInputError, match="0 to"), transaction(db) as conn:
        limit_extra_credits(conn, acme, limit, now=now, gateway=REHEARSED_GATEWAY)


@pytest.fixture
def bounded(db: Engine, now: datetime, starter: Plan) -> Callable[[int], str]:
    """An account on Starter as it would be sold with so many extra credits."""

    def opened(most: int) -> str:
        with transaction(db) as conn:
            return open_account(
                conn,
                "bounded",
                replace(starter, extra_credits_max=most),
                timezone="UTC",
                now=now,
                gateway=REHEARSED_GATEWAY,
            ).id

    return opened


def test_c19_a_plan_may_bound_the_limit(
    db: Engine, bounded: Callable[[int], str], quotes: Quotes, runs: Runs, now: datetime
) -> None:
    account = bounded(100)
    with pytest.raises(ExtraCreditsRefusedError, match="up to 100 extra"), transaction(db) as conn:
        limit_extra_credits(conn, account, 101, now=now, gateway=REHEARSED_GATEWAY)
    with transaction(db) as conn:
        limit_extra_credits(conn, account, 100, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, account)
        with pytest.raises(InsufficientCreditsError) as refused:
            of.accept("r1", quotes(1_901), now, department=None)
        # What is not sold is not recommended.
        assert refused.value.facts["remedies"] == "boost"
        of.accept("r2", quotes(1_900), now, department=None)


def test_c19_a_plan_may_be_sold_without(
    db: Engine, bounded: Callable[[int], str], now: datetime
) -> None:
    account = bounded(0)
    with pytest.raises(ExtraCreditsRefusedError, match="without extra"), transaction(db) as conn:
        limit_extra_credits(conn, account, 1, now=now, gateway=REHEARSED_GATEWAY)
    with transaction(db) as conn:
        extra = limit_extra_credits(conn, account, 0, now=now, gateway=REHEARSED_GATEWAY)
    assert extra.available_li_minutes == 0


def test_c19_a_limit_that_was_set_before_counts_as_far_as_the_plan_allows(
    db: Engine, acme: str, starter: Plan, now: datetime
) -> None:
    with transaction(db) as conn:
        limit_extra_credits(conn, acme, 500, now=now, gateway=REHEARSED_GATEWAY)
        subscription = latest(conn, acme)
        smaller = replace(starter, extra_credits_max=200)
        begin_terms(conn, acme, subscription.id, smaller, now)
        assert extra_credits_of(conn, acme, now).limit_li_minutes == 200
