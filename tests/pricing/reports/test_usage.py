"""Usage of the current cycle: by day, department and run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.boosts import boost
from pricing.accounts.opening import open_account
from pricing.accounts.plan_changes import upgrade
from pricing.accounts.view import account_view
from pricing.departments.commands import add_department, allocate, limit_wallet
from pricing.ledger.reservations import end_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.periods import Anchor, period
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Quote
from pricing.reports.usage import CycleUsage, RunUse, Total
from pricing.reports.usage_focus import COLUMNS, focus_records
from pricing.reports.usage_records import runs_between, usage_of_cycle
from pricing.run_charges.charges import charge_start, correct, reserve

PARIS = ZoneInfo("Europe/Paris")
Charge = Callable[..., int]
QuoteOf = Callable[[Plan, int, int], Quote]


def usage(db: Engine, account_id: str, at: datetime) -> CycleUsage:
    with transaction(db) as conn:
        return usage_of_cycle(conn, account_id, at, gateway=REHEARSED_GATEWAY)


def test_r95_r102_consumed_and_remaining_of_the_current_cycle(
    db: Engine, acme: str, starter: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
        charge(conn, acme, "r2", starter, now + timedelta(days=1), injectors=20)
    used = usage(db, acme, now + timedelta(days=2))
    assert used.total == Total(runs=2, li_minutes=180, credits_li_minutes=180, usd_micros=0)
    assert used.remaining_li_minutes == 1_800 - 180
    assert (used.cycle.first_day, used.cycle.last_day) == (date(2027, 1, 25), date(2027, 2, 24))
    assert used.charged_usd_micros == 199_000_000
    assert [(each.what, each.usd_micros) for each in used.purchases] == [
        ("subscription", 199_000_000)
    ]


def test_r103_a_new_cycle_begins_with_nothing_consumed(
    db: Engine, acme: str, starter: Plan, charge: Charge
) -> None:
    last_second = datetime(2027, 2, 24, 23, 59, 59, tzinfo=PARIS)
    boundary = datetime(2027, 2, 25, tzinfo=PARIS)
    with transaction(db) as conn:
        charge(conn, acme, "last", starter, last_second)
    assert [run.run_id for run in usage(db, acme, last_second).runs] == ["last"]
    fresh = usage(db, acme, boundary)
    assert (fresh.total, fresh.remaining_li_minutes) == (Total(), 3_540)
    with transaction(db) as conn:
        charge(conn, acme, "first", starter, boundary)
    assert [run.run_id for run in usage(db, acme, boundary).runs] == ["first"]
    with db.connect() as conn:
        before = runs_between(conn, acme, boundary - timedelta(days=31), boundary)
    assert [run.run_id for run in before] == ["last"]


def test_r95_a_run_belongs_to_the_cycle_in_which_it_started_its_correction_too(
    db: Engine, acme: str, starter: Plan, charge: Charge
) -> None:
    started = datetime(2027, 2, 24, 23, 50, tzinfo=PARIS)
    with transaction(db) as conn:
        charge(conn, acme, "over", starter, started)
        assert (
            usage_of_cycle(conn, acme, started, gateway=REHEARSED_GATEWAY).total.credits_li_minutes
            == 60
        )
        ended = datetime(2027, 2, 25, 0, 10, tzinfo=PARIS)
        correct(
            conn,
            "over",
            keep_startup=50,
            keep_use=0,
            reason="cancelled",
            now=ended,
            gateway=REHEARSED_GATEWAY,
        )
        later = usage_of_cycle(conn, acme, ended, gateway=REHEARSED_GATEWAY)
    assert later.total == Total()
    assert later.remaining_li_minutes == 3_600 - 50


def test_r102_on_demand_runs_cost_money_and_consume_no_credits(
    db: Engine, globex: str, on_demand: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        total = charge(conn, globex, "r1", on_demand, now)
    used = usage(db, globex, now)
    assert used.total == Total(runs=1, li_minutes=60, credits_li_minutes=0, usd_micros=total)
    assert (used.remaining_li_minutes, used.charged_usd_micros) == (0, total)


def test_r95_on_demand_the_cycle_is_the_calendar_month_of_the_accounts_zone(
    db: Engine, on_demand: Plan, charge: Charge
) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    january = datetime(2027, 1, 31, 23, 59, tzinfo=zone)
    with transaction(db) as conn:
        open_account(
            conn, "kiwi", on_demand, timezone=zone.key, now=january, gateway=REHEARSED_GATEWAY
        )
        charge(conn, "kiwi", "january", on_demand, january)
        february = january + timedelta(minutes=1)
        charge(conn, "kiwi", "february", on_demand, february)
    used = usage(db, "kiwi", february)
    assert [run.run_id for run in used.runs] == ["february"]
    assert (used.cycle.first_day, used.cycle.last_day) == (date(2027, 2, 1), date(2027, 2, 28))


def test_what_a_correction_gave_back_is_not_used(
    db: Engine,
    globex: str,
    acme: str,
    on_demand: Plan,
    starter: Plan,
    now: datetime,
    charge: Charge,
) -> None:
    with transaction(db) as conn:
        charge(conn, globex, "money", on_demand, now, minutes=10, cancelled=True)
        charge(conn, acme, "credits", starter, now, minutes=10, cancelled=True)
    (money,) = usage(db, globex, now).runs
    (in_credits,) = usage(db, acme, now).runs
    assert (money.li_minutes, money.usd_micros, money.corrected) == (50, 7_500_000, True)
    assert (in_credits.li_minutes, in_credits.credits_li_minutes) == (50, 50)


def test_a_departments_runs_are_its_own_whether_credits_or_its_wallet_pay(
    db: Engine, acme: str, starter: Plan, on_demand: Plan, now: datetime, quote_of: QuoteOf
) -> None:
    in_credits, in_money = (quote_of(plan, 10, 6) for plan in (starter, on_demand))
    with transaction(db) as conn:
        add_department(conn, acme, "Web", now=now, gateway=REHEARSED_GATEWAY)
        allocate(conn, acme, "Web", 100, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, "Web", 50_000_000, now=now, gateway=REHEARSED_GATEWAY)
        for run_id, department in (("own", None), ("first", "Web"), ("second", "Web")):
            reserve(
                conn,
                acme,
                run_id,
                in_credits,
                now=now,
                department=department,
                on_demand=in_money,
                gateway=REHEARSED_GATEWAY,
            )
            charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)
    by_department = usage(db, acme, now).by_department()
    assert by_department == {
        None: Total(runs=1, li_minutes=60, credits_li_minutes=60, usd_micros=0),
        "Web": Total(2, li_minutes=120, credits_li_minutes=60, usd_micros=in_money.total),
    }


def test_one_accounts_usage_is_not_anothers(
    db: Engine, globex: str, acme: str, starter: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
    assert usage(db, globex, now).runs == ()


def use(run_id: str, at: datetime, department: str | None, li_minutes: int) -> RunUse:
    return RunUse(
        run_id=run_id,
        at=at,
        department=department,
        injectors=1,
        users=1,
        duration_s=60,
        li_minutes=li_minutes,
        credits_li_minutes=li_minutes,
        usd_micros=0,
        corrected=False,
        rehearsal=False,
        tariff="on-demand",
        tariff_version=date(2026, 11, 1),
    )


@pytest.fixture
def two_days() -> CycleUsage:
    """Three runs, two of them on one day in Paris but not in UTC."""
    cycle = period(Anchor(date(2027, 1, 25), "Europe/Paris"), 0)
    late = datetime(2027, 1, 26, 22, 59, tzinfo=UTC)
    return CycleUsage(
        account_id="acme",
        plan="starter",
        timezone="Europe/Paris",
        cycle=cycle,
        remaining_li_minutes=1_690,
        runs=(
            use("a", cycle.start, None, 50),
            use("b", late, "Web", 10),
            use("c", late + timedelta(minutes=1), "App", 50),
        ),
        purchases=(),
    )


def test_r95_every_day_of_the_cycle_is_shown_as_the_accounts_zone_has_it(
    two_days: CycleUsage,
) -> None:
    days = two_days.by_day()
    assert (len(days), next(iter(days)), list(days)[-1]) == (
        31,
        date(2027, 1, 25),
        date(2027, 2, 24),
    )
    assert {day.day: total.li_minutes for day, total in days.items() if total.runs} == {
        25: 50,
        26: 10,
        27: 50,
    }


def test_by_department_the_accounts_own_runs_come_first(two_days: CycleUsage) -> None:
    departments = two_days.by_department()
    assert list(departments) == [None, "App", "Web"]
    assert departments["App"] == Total(1, 50, 50, 0)


def test_days_departments_and_runs_add_up_to_the_same(two_days: CycleUsage) -> None:
    total = two_days.total.li_minutes
    assert sum(each.li_minutes for each in two_days.by_day().values()) == total == 110
    assert sum(each.li_minutes for each in two_days.by_department().values()) == total
    assert replace(two_days, runs=()).total == Total()


def test_focus_records_have_every_column_and_cost_what_the_cycle_charged(
    db: Engine,
    acme: str,
    globex: str,
    starter: Plan,
    on_demand: Plan,
    now: datetime,
    charge: Charge,
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
        charge(conn, globex, "r2", on_demand, now)
        charge(conn, globex, "r3", on_demand, now, cancelled=True)
    for account_id in (acme, globex):
        used = usage(db, account_id, now)
        records = focus_records(used)
        assert all(tuple(record) == COLUMNS for record in records)
        for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
            billed = sum(Decimal(record[column]) for record in records)
            assert billed * 1_000_000 == used.charged_usd_micros
    credit = focus_records(usage(db, acme, now))[1]
    assert (credit["ChargeCategory"], credit["BilledCost"], credit["PricingCurrency"]) == (
        "Usage",
        "0.00",
        "LI-minutes",
    )
    assert (credit["ConsumedQuantity"], credit["PricingCurrencyEffectiveCost"]) == ("60", "60")
    assert credit["ChargePeriodStart"] == "2027-01-25T09:15:00Z"
    assert credit["BillingPeriodStart"] == "2027-01-24T23:00:00Z"


def test_focus_says_no_charge_of_a_cancelled_run_lies_in_the_future(two_days: CycleUsage) -> None:
    first = two_days.runs[0]
    ends = {
        None: first.at + timedelta(seconds=first.duration_s),
        first.at: first.at + timedelta(seconds=1),
        first.at + timedelta(seconds=20): first.at + timedelta(seconds=20),
        first.at + timedelta(days=1): first.at + timedelta(seconds=first.duration_s),
    }
    for ended_at, end in ends.items():
        used = replace(two_days, runs=(replace(first, ended_at=ended_at),))
        (record,) = focus_records(used)
        assert datetime.fromisoformat(record["ChargePeriodEnd"]) == end


def test_a_cancelled_run_is_known_to_have_ended(
    db: Engine, acme: str, starter: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
        ended_at = now + timedelta(seconds=90)
        end_run(conn, "r1", ended_at)
    (run,) = usage(db, acme, now).runs
    assert run.ended_at == ended_at


def test_a_period_recurs_and_an_upgrade_and_a_boost_do_not(
    db: Engine, acme: str, now: datetime
) -> None:
    later = now + timedelta(days=1)
    with transaction(db) as conn:
        professional = load_plans(BUNDLED_PLANS)["professional"]
        upgrade(conn, acme, professional, now=later, request_id="u", gateway=REHEARSED_GATEWAY)
        boost(conn, acme, now=later, request_id="b", gateway=REHEARSED_GATEWAY)
    records = focus_records(usage(db, acme, later))
    assert {record["ChargeCategory"] for record in records} == {"Purchase"}
    assert [(record["ChargeFrequency"], record["BilledCost"]) for record in records] == [
        ("Recurring", "199.00"),
        ("One-Time", "500.00"),
        ("One-Time", "699.00"),
    ]


def test_the_command_prints_a_document_and_two_kinds_of_csv(
    db: Engine,
    acme: str,
    starter: Plan,
    now: datetime,
    charge: Charge,
    answer: Callable[..., Any],
    run: Callable[..., Any],
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
    at = ("--now", now.isoformat())
    document = answer("usage", acme, *at)
    assert document["period"] == {
        "start": "2027-01-25T00:00:00+01:00",
        "end": "2027-02-25T00:00:00+01:00",
    }
    assert (document["consumed_li_minutes"], document["remaining_li_minutes"]) == (60, 1_740)
    assert document["days"][0] == {
        "day": "2027-01-25",
        "runs": 1,
        "li_minutes": 60,
        "credits_li_minutes": 60,
        "usd": "0.00",
    }
    assert [each["department"] for each in document["departments"]] == [None]
    assert [each["run"] for each in document["runs"]] == ["r1"]
    _, out, _ = run("usage", acme, "--csv", *at)
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["run"], row["at"], row["li_minutes"]) == ("r1", "2027-01-25T10:15:00+01:00", "60")
    _, out, _ = run("usage", acme, "--focus", *at)
    assert len(list(csv.DictReader(io.StringIO(out)))) == 2
    _, out, _ = run("usage", acme, *at)
    for said in ("60 LI-minutes", "LI-minutes by day", "25 Jan", "r1"):
        assert said in out


def test_without_runs_the_csv_is_a_line_of_headings(
    globex: str, run: Callable[..., Any], now: datetime
) -> None:
    _, out, _ = run("usage", globex, "--csv", "--now", now.isoformat())
    assert out.startswith("run,at,department,")
    assert out.count("\n") == 1
    assert "No run was charged" in run("usage", globex, "--now", now.isoformat())[1]


def test_two_forms_of_output_at_once_are_refused(globex: str, run: Callable[..., Any]) -> None:
    code, _, said = run("usage", globex, "--csv", "--json")
    assert (code, "choose one" in said) == (2, True)
    assert run("usage", "nobody")[0] == 2


def test_usage_never_changes_what_is_left(
    db: Engine, acme: str, starter: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        charge(conn, acme, "r1", starter, now)
        before = account_view(conn, acme, now, gateway=REHEARSED_GATEWAY)
        usage_of_cycle(conn, acme, now, gateway=REHEARSED_GATEWAY)
        assert account_view(conn, acme, now, gateway=REHEARSED_GATEWAY) == before
