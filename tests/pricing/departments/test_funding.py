"""Which funding source pays for a run, and what is left in it (R5, R29, R32, R33, R102, R103)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.view import account_view
from pricing.departments.commands import allocate, department_view
from pricing.ledger.ledger import entries_of
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit, runs_within
from pricing.reports.usage_records import usage_of_cycle
from pricing.run_charges.charges import WalletExceededError

Quotes = Callable[..., Any]
Runs = Callable[..., Any]
QuoteOf = Callable[[Plan, int, int], Quote]


def test_r5_r29_a_departments_run_on_allocated_credits_moves_no_money(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 100, now=now, gateway=REHEARSED_GATEWAY)
        runs(conn, acme).start("r1", quotes(60), now)
        (charge,) = entries_of(conn, "run:r1")
    assert {posting.unit for posting in charge.postings} == {Unit.LI_MINUTES}
    assert sorted(posting.amount for posting in charge.postings) == [-60, 5, 55]


def test_r32_w4_a_department_with_the_whole_grant_runs_thirty_times_60(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 1_800, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        for number in range(30):
            of.start(f"r{number}", quotes(60), now)
        with pytest.raises(WalletExceededError) as refused:
            of.start("r30", quotes(60), now)
    assert refused.value.facts["li_minutes_available"] == 0


def test_r33_more_injectors_leave_room_for_fewer_runs(
    db: Engine, acme: str, research: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        left = allocate(
            conn, acme, research, 600, now=now, gateway=REHEARSED_GATEWAY
        ).balance_li_minutes
    needs = [quote_of(starter, injectors, 6).total for injectors in (5, 10, 20)]
    assert [runs_within(left, need) for need in needs] == [20, 10, 5]


def test_r102_consumed_and_remaining_credits_are_shown_for_account_and_department(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 600, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60), now)
        of.start("r2", quotes(100), now, department=None)
        view = department_view(conn, acme, research, now, gateway=REHEARSED_GATEWAY)
        assert [(lot.amount, lot.remaining) for lot in view.lots] == [(600, 540)]
        assert account_view(conn, acme, now, gateway=REHEARSED_GATEWAY).balance_li_minutes == 1_640
        used = usage_of_cycle(conn, acme, now, gateway=REHEARSED_GATEWAY)
    assert sum(run.credits_li_minutes for run in used.runs) == 160


def test_r103_what_was_consumed_is_counted_over_the_billing_period(
    db: Engine, acme: str, research: str, quotes: Quotes, runs: Runs, now: datetime
) -> None:
    with transaction(db) as conn:
        allocate(conn, acme, research, 600, now=now, gateway=REHEARSED_GATEWAY)
        of = runs(conn, acme)
        of.start("r1", quotes(60), now)
        later = now + timedelta(days=31)
        of.start("r2", quotes(70), later)
        used = usage_of_cycle(conn, acme, later, gateway=REHEARSED_GATEWAY)
    assert [run.credits_li_minutes for run in used.runs] == [70]
