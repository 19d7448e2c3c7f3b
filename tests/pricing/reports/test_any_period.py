"""Usage and invoices of any days and of all accounts: a charge belongs to exactly one period."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.api import Engine
from engine.database import transaction
from kernel.clock import ManualClock
from kernel.errors import RefusedError
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.periods import YearOutOfRangeError
from pricing.plans.quotes import quote_run
from pricing.reports.report_period import ReportPeriod, ReportPeriodError
from pricing.reports.usage import CycleUsage
from pricing.reports.usage_focus import focus_records
from pricing.run_charges.charges import charge_start, reserve
from pricing.tariffs import LoadSize

START = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
YEAR = ReportPeriod(date(2027, 1, 1), date(2027, 12, 31))
MONTHS = [ReportPeriod.of_month(f"2027-{month:02}") for month in range(1, 13)]
Run = Callable[..., tuple[int, str, str]]
Answer = Callable[..., Any]


def opened(url: str, now: datetime) -> Engine:
    return Engine(url, clock=ManualClock(now), environment={})


def charge(engine: Engine, name: str) -> None:
    """A run, charged now."""
    now = engine.clock.now()
    quote = quote_run(
        engine.accounts.plan_of("acme"), LoadSize(injectors=1, users=10, duration_s=60), now.date()
    )
    with transaction(engine._context.db) as conn:
        reserve(conn, "acme", name, quote, now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, name, now=now, gateway=REHEARSED_GATEWAY)


STEPS: dict[str, Callable[[Engine, str], object]] = {
    "run": charge,
    "boost": lambda e, _: e.accounts.boost("acme"),
    "up": lambda e, _: e.accounts.upgrade("acme", plan="professional"),
    "on-demand": lambda e, _: e.accounts.to_on_demand("acme"),
    "subscribe": lambda e, _: e.accounts.upgrade("acme", plan="starter"),
    # To the edge of a day in UTC, and past it by the least of instants.
    "midnight": lambda e, _: e.clock.sleep(
        86_400.0 - (e.clock.now() - datetime(2027, 1, 1, tzinfo=UTC)).total_seconds() % 86_400.0
    ),
    "an instant": lambda e, _: e.clock.sleep(0.000001),
    "a month": lambda e, _: e.clock.sleep(31 * 86_400.0),
    "ten days": lambda e, _: e.clock.sleep(10 * 86_400.0),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("periods")


@given(
    plan=st.sampled_from(["starter", "on-demand", "trial", "team"]),
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/Los_Angeles", "Pacific/Auckland"]),
    steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12),
    cuts=st.sets(st.dates(date(2027, 1, 2), date(2027, 12, 31)), max_size=5),
)
@settings(max_examples=6, phases=[Phase.generate])
def test_a_charge_belongs_to_exactly_one_period_and_months_add_up_to_the_year(
    migrated_file: Path, folder: Path, plan: str, zone: str, steps: list[str], cuts: set[date]
) -> None:
    url = f"sqlite:///{shutil.copy(migrated_file, folder / 'books.db')}"
    with opened(url, START) as engine:
        engine.accounts.open("acme", plan=plan, timezone=zone)
        for number, step in enumerate(steps):
            with suppress(RefusedError):
                STEPS[step](engine, f"run-{number}")
        edges = sorted({YEAR.first_day, *cuts, YEAR.last_day + timedelta(days=1)})
        pieces = [ReportPeriod(a, b - timedelta(days=1)) for a, b in pairwise(edges)]
        year = engine.reports.usage("acme", period=YEAR)
        for parts in (MONTHS, pieces):
            used = [engine.reports.usage("acme", period=part) for part in parts]
            assert sum(each.charged_usd_micros for each in used) == year.charged_usd_micros
            assert sum(each.total.li_minutes for each in used) == year.total.li_minutes
            assert [run for each in used for run in each.runs] == list(year.runs)
            assert records(*used) == records(year)
            issued = [engine.reports.invoices("acme", period=part) for part in parts]
            assert Counter(invoice.number for page in issued for invoice in page) == Counter(
                invoice.number for invoice in engine.reports.invoices("acme", period=YEAR)
            )
        days = year.by_day()
        assert sum(total.runs for total in days.values()) == year.total.runs


def records(*used: CycleUsage) -> Counter[tuple[str, ...]]:
    """FOCUS rows, each as often as it is there; when they were looked at left out."""
    return Counter(
        tuple(value for name, value in record.items() if name != "x_AsOf")
        for each in used
        for record in focus_records(each)
    )


@pytest.mark.parametrize(
    ("first", "last", "error"),
    [
        (date(2027, 2, 1), date(2027, 1, 31), ReportPeriodError),
        (date(1, 1, 1), date(2027, 1, 31), YearOutOfRangeError),
        (date(2027, 1, 1), date(9999, 12, 31), YearOutOfRangeError),
    ],
)
def test_an_impossible_period_is_refused(first: date, last: date, error: type[Exception]) -> None:
    with pytest.raises(error):
        ReportPeriod(first, last)


@pytest.mark.parametrize("command", ["usage", "invoices"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acme", "--from", "2027-02-02", "--to", "2027-02-01"), "ends before it begins"),
        (("acme", "--from", "2027-02-30", "--to", "2027-03-01"), "--from: '2027-02-30' is no day"),
        (("acme", "--from", "2027-02-01"), "--from and --to go together"),
        (("--to", "2027-02-01"), "--from and --to go together"),
        (("acme", "--month", "2027-13"), "'2027-13' is no month"),
        (("--month", "27-01"), "'27-01' is no month"),
        (("--month", "9999-01"), "the year 9999 will not do"),
        (("acme", "--month", "2027-01", "--from", "2027-01-01"), "choose one"),
        (("acme", "--all"), "--all is every account"),
        (("--by", "ann"), "--by asks for one account"),
    ],
)
def test_periods_that_are_none_are_refused_in_one_line(
    acme: str, run: Run, command: str, arguments: tuple[str, ...], said: str
) -> None:
    assert acme
    code, out, err = run(command, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_month_of_usage_is_of_the_accounts_own_days(acme: str, answer: Answer) -> None:
    month = answer("usage", acme, "--month", "2027-02", "--now", "2027-06-01")
    assert month["period"] == {
        "start": "2027-02-01T00:00:00+01:00",
        "end": "2027-03-01T00:00:00+01:00",
    }
    assert [each["usd"] for each in month["purchases"]] == ["199.00"]
    whole = answer(
        *("usage", acme, "--from", "2027-01-01", "--to", "2027-05-31", "--now", "2027-06-01")
    )
    assert whole["charged_usd"] == "995.00"
    assert answer("usage", acme, "--now", "2027-06-01")["charged_usd"] == "199.00"


@pytest.mark.parametrize("days", [("--month", "2026-01"), ("--month", "2031-01")])
def test_an_empty_period_is_an_empty_list(
    acme: str, answer: Answer, run: Run, days: tuple[str, ...]
) -> None:
    now = ("--now", "2027-03-01")
    used = answer("usage", acme, *days, *now)
    assert (used["runs"], used["purchases"], used["days"]) == ([], [], [])
    assert answer("invoices", acme, *days, *now)["invoices"] == []
    assert answer("invoices", "--all", *days, *now) == {"payments_rehearsed": True, "invoices": []}
    assert run("usage", acme, *days, "--focus", *now)[1].count("\n") == 1
    assert "No invoice was issued on these days." in run("invoices", acme, *days, *now)[1]
    assert "No run was charged on these days." in run("usage", acme, *days, *now)[1]


def test_all_accounts_are_listed_with_all_and_without_an_id(
    acme: str, globex: str, answer: Answer, run: Run
) -> None:
    now = ("--now", "2027-03-01")
    for every in ((), ("--all",)):
        used = answer("usage", *every, "--month", "2027-01", *now)["accounts"]
        assert [each["account"] for each in used] == [acme, globex]
        assert [each["charged_usd"] for each in used] == ["199.00", "0.00"]
        issued = answer("invoices", *every, *now)["invoices"]
        assert [each["number"] for each in issued] == ["acme-00001", "acme-00002"]
        out = run("usage", *every, *now)[1]
        assert acme in out
        assert globex in out
    rows = list(csv.DictReader(io.StringIO(run("usage", "--all", "--focus", *now)[1])))
    assert {row["BillingAccountId"] for row in rows} == {acme}
    assert run("usage", "--csv", *now)[1].startswith("account,run,at,")


def test_who_is_not_the_owner_is_told_of_the_accounts_that_he_administers(
    database_url: str,
) -> None:
    with opened(database_url, START) as engine:
        for account, name in (("a", "ann"), ("b", "bob"), ("c", "ann")):
            engine.accounts.open(account, plan="starter", administrators=[name])
    clock = ManualClock(START)
    with Engine(database_url, clock=clock, environment={}, user="ann") as engine:
        assert [used.account_id for used in engine.reports.usage_of_all()] == ["a", "c"]
        issued = engine.reports.invoices_of_all()
        assert [invoice.number for invoice in issued] == ["a-00001", "c-00001"]


def test_no_accounts_are_an_empty_list(answer: Answer, run: Run) -> None:
    assert answer("usage") == {"accounts": []}
    assert answer("invoices", "--all") == {"payments_rehearsed": True, "invoices": []}
    assert "No accounts yet." in run("usage")[1]


def test_many_accounts_are_told_one_by_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("account_pages", "reports"):
        monkeypatch.setattr(f"engine.commands.{module}.PAGE", 2)
    with opened(database_url, START) as engine:
        for number in range(5):
            engine.accounts.open(f"a{number}", plan="starter")
        engine.clock.sleep(70 * 86_400.0)
        read: list[str] = []
        usage = engine.reports._usage

        def counting(account_id: str, *rest: Any) -> CycleUsage:  # noqa: ANN401 - as it is called
            read.append(account_id)
            return usage(account_id, *rest)

        monkeypatch.setattr(engine.reports, "_usage", counting)
        every = engine.reports.usage_of_all()
        assert next(every).account_id == "a0"
        assert read == ["a0"]
        assert [used.account_id for used in every] == ["a1", "a2", "a3", "a4"]
        issued = [invoice.number for invoice in engine.reports.invoices_of_all()]
        assert issued == [f"a{account}-0000{n}" for account in range(5) for n in (1, 2, 3)]
        engine.accounts.advance()
        assert [invoice.number for invoice in engine.reports.invoices_of_all()] == issued


def test_one_injector_is_one_in_focus_too(database_url: str) -> None:
    with opened(database_url, START) as engine:
        engine.accounts.open("acme", plan="on-demand")
        charge(engine, "smoke")
        (row,) = focus_records(engine.reports.usage("acme"))
    assert row["ChargeDescription"] == "run smoke: 1 injector, 10 users"
