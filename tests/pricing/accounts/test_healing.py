"""An account that was pushed ahead is healed: then it is as if nobody had looked."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select, update

from engine.api import Engine
from engine.database import reading, transaction
from kernel.clock import ManualClock, SystemClock
from kernel.errors import RefusedError
from pricing.accounts.account import UnknownAccountError
from pricing.accounts.advance import ClockBackwardsError, advance
from pricing.accounts.clock import WrongClockError
from pricing.accounts.healing import CannotHealError
from pricing.payments.gateway import (
    DECLINES,
    REHEARSED_GATEWAY,
)
from pricing.payments.play_bank import PlayBank
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, quote_run
from pricing.run_charges.charges import charge_start, correct, reserve
from pricing.tables import ACCOUNTS, LOTS, POSTINGS
from pricing.tariffs import LoadSize
from tests.billing_simulator.invariants import broken
from tests.pricing.rim import advanced

START = datetime(2027, 1, 31, 22, 30, tzinfo=UTC)
STARTER_USD = 199_000_000
"""Of one month."""

HELD_BY_HEALED_BOOKS = (
    *("I1 ", "I2 ", "I3 ", "I15 ", "I18 every lot", "an invoice", "an account"),
    *("what was charged", "every reference"),
)
"""The invariants of books; the others are of how an account came by what it has."""

Step = Callable[[Engine], object]
STEPS: dict[str, Step] = {
    "boost": lambda e: e.accounts.boost("acme"),
    "up": lambda e: e.accounts.upgrade("acme", plan="professional"),
    "down": lambda e: e.accounts.downgrade("acme", plan="starter"),
    "on-demand": lambda e: e.accounts.to_on_demand("acme"),
    "undo": lambda e: e.accounts.undo("acme"),
    "cancel": lambda e: e.accounts.cancel("acme", by="ann"),
    "confirm": lambda e: e.accounts.confirm_cancel("acme"),
    "bad card": lambda e: e.accounts.set_card("acme", DECLINES),
    "good card": lambda e: e.accounts.set_card("acme", "visa"),
    "share": lambda e: e.departments.allocate("acme", "lab", 600),
    "run": lambda e: run(e, e.clock.now()),
    "a month": lambda e: e.clock.sleep(31 * 86_400.0),
    "ten days": lambda e: e.clock.sleep(10 * 86_400.0),
}


def quote(plan: Plan) -> Quote:
    return quote_run(plan, LoadSize(injectors=2, users=100, duration_s=600))


def run(engine: Engine, now: datetime) -> None:
    """A run that is charged and cut short."""
    name = f"run-{now:%Y%m%d}"
    quoted = quote(engine.accounts.plan_of("acme"))
    with transaction(engine._context.db) as conn:
        reserve(conn, "acme", name, quoted, now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, name, now=now, gateway=REHEARSED_GATEWAY)
        correct(
            conn,
            name,
            keep_startup=quoted.startup,
            keep_use=0,
            reason="cancelled",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )


def opened(url: str, now: datetime) -> Engine:
    return Engine(url, clock=ManualClock(now), environment={}, new_id=lambda: "run-1")


def push(engine: Engine, to: datetime) -> None:
    """What a look under a clock that runs ahead did in earlier versions."""
    with transaction(engine._context.db) as conn:
        advance(conn, "acme", to, gateway=REHEARSED_GATEWAY)
        conn.execute(update(ACCOUNTS).values(test_clock=None))


def balances(engine: Engine) -> dict[str, int]:
    """What every ledger account holds; LI-minutes of lots by what the lots are."""
    with reading(engine._context.db) as conn:
        lots = {
            f"lot:{row.id}": f"lot {row.kind} {row.effective_at}"
            for row in conn.execute(select(LOTS))
        }
        sums: Counter[str] = Counter()
        for row in conn.execute(select(POSTINGS)):
            sums[f"{lots.get(row.ledger_account, row.ledger_account)} {row.unit}"] += row.amount
    return {name: amount for name, amount in sums.items() if amount}


def answers(url: str, at: datetime) -> dict[str, Any]:
    """All that an account answers, without what numbers and keys of rows are in it."""
    with opened(url, at) as engine:
        answered = {
            "show": engine.accounts.show("acme"),
            "usage": engine.reports.usage("acme"),
            "advise": engine.reports.advise("acme", li_minutes=60, runs=3),
            "history": engine.accounts.history("acme"),
            "offers": engine.accounts.offers("acme"),
            "departments": engine.departments.list("acme"),
            "settings": engine.accounts.billing_settings("acme"),
            "extra": engine.accounts.plan_of("acme"),
        }
    return {name: nameless(msgspec.to_builtins(each)) for name, each in answered.items()}


def nameless(value: Any) -> Any:  # noqa: ANN401 - any document
    if isinstance(value, dict):
        return {
            name: nameless(each)
            for name, each in value.items()
            if name not in {"id", "cause", "key"}
        }
    return [nameless(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("healing")


@pytest.mark.promise("pushed-ahead-is-healed", command="account heal")
@given(
    plan=st.sampled_from(["starter", "professional", "advanced", "team", "trial", "on-demand"]),
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/Los_Angeles"]),
    activated=st.sampled_from([None, datetime(2021, 10, 11, 12, tzinfo=UTC)]),
    steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=7),
    ahead_days=st.integers(1, 900),
    later_days=st.integers(0, 900),
    then=st.sampled_from(sorted({*STEPS} - {"a month", "ten days"})),
)
@settings(max_examples=6, phases=[Phase.generate])
def test_a_healed_account_answers_like_one_that_was_never_pushed_ahead(  # noqa: PLR0913 - drawn
    *,
    migrated_file: Path,
    folder: Path,
    plan: str,
    zone: str,
    activated: datetime | None,
    steps: list[str],
    ahead_days: int,
    later_days: int,
    then: str,
) -> None:
    pushed, never = (f"sqlite:///{shutil.copy(migrated_file, folder / n)}" for n in ("a", "b"))
    with opened(pushed, START) as engine:
        engine.accounts.open(
            "acme", plan=plan, timezone=zone, activated=activated, administrators=["ann"]
        )
        engine.departments.add("acme", "lab")
        for step in steps:
            with suppress(RefusedError):
                STEPS[step](engine)
        now = engine.clock.now()
        engine.accounts.advance()
    shutil.copy(folder / "a", folder / "b")
    with opened(pushed, now) as engine:
        push(engine, now + timedelta(days=ahead_days))

        engine.accounts.heal("acme")

        with opened(never, now) as untouched:
            assert balances(engine) == balances(untouched)
        with reading(engine._context.db) as conn:
            assert not [said for said in broken(conn) if said.startswith(HELD_BY_HEALED_BOOKS)]
    assert answers(pushed, now) == answers(never, now)
    for url in (pushed, never):
        with opened(url, now) as engine, suppress(RefusedError):
            STEPS[then](engine)
    for at in (now, now + timedelta(days=later_days)):
        assert answers(pushed, at) == answers(never, at)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An account on Starter with a department."""
    with opened(database_url, START) as engine:
        engine.accounts.open("acme", plan="starter", administrators=["ann"])
        engine.departments.add("acme", "lab")
        engine.departments.allocate("acme", "lab", 600)
        yield engine


@pytest.mark.promise("pushed-ahead-is-healed", command="account heal")
def test_a_database_pushed_ahead_by_a_read_is_healed_and_says_what_is_undone(
    engine: Engine,
) -> None:
    push(engine, START + timedelta(days=730))
    with pytest.raises(ClockBackwardsError, match="account heal acme"):
        engine.accounts.boost("acme")

    healing = engine.accounts.healing("acme")

    months = 23
    assert healing.usd_micros == months * STARTER_USD
    assert [len(part) for part in (healing.invoices, healing.periods)] == [months, months]
    # A grant and the department's share of it.
    assert len(healing.lots) == 2 * months
    assert all(entry.effective_at > START for entry in healing.entries)
    with pytest.raises(ClockBackwardsError):
        engine.accounts.boost("acme")

    healed = engine.accounts.heal("acme", request_id="r1")
    assert healed.entries == healing.entries
    assert engine.accounts.boost("acme").charged_usd_micros == 2 * STARTER_USD


def test_nothing_is_deleted_from_the_books_and_invoices_get_one_credit_note(
    engine: Engine,
) -> None:
    push(engine, START + timedelta(days=100))
    before = engine.reports.ledger("acme"), engine.reports.invoices("acme")

    healing = engine.accounts.heal("acme")

    entries, invoices = engine.reports.ledger("acme"), engine.reports.invoices("acme")
    assert entries[: len(before[0])] == before[0]
    kept = [replace(each, status=None) for each in invoices[: len(before[1])]]
    assert kept == [replace(each, status=None) for each in before[1]]
    (note,) = invoices[len(before[1]) :]
    assert note.number == healing.credit_note == "acme-CN00001"
    assert note.usd_micros == -healing.usd_micros == -3 * STARTER_USD
    assert engine.db.check() == ()
    for original, undoing in zip(healing.entries, entries[len(before[0]) :], strict=True):
        assert undoing.natural_key == f"healing:{original.natural_key}"
        assert undoing.effective_at == original.effective_at
        assert undoing.recorded_at == START


def test_the_same_request_heals_once_and_answers_the_same(engine: Engine) -> None:
    push(engine, START + timedelta(days=100))

    first = engine.accounts.heal("acme", request_id="r1")
    written = engine.reports.ledger("acme")

    assert engine.accounts.heal("acme", request_id="r1") == first
    assert not engine.accounts.heal("acme").is_needed
    assert engine.reports.ledger("acme") == written


def test_an_account_can_be_pushed_and_healed_again_and_is_charged_when_it_is_due(
    engine: Engine, database_url: str
) -> None:
    for days in (400, 40, 700):
        push(engine, START + timedelta(days=days))
        engine.accounts.heal("acme")
    with opened(database_url, START + timedelta(days=60)) as later:
        assert later.accounts.boost("acme").charged_usd_micros == 4 * STARTER_USD
        push(later, START + timedelta(days=365))
        later.accounts.heal("acme")
        shown = later.accounts.show("acme")
        assert shown.charged_usd_micros == 4 * STARTER_USD
        usage = later.reports.usage("acme")
        assert [each.usd_micros for each in usage.purchases] == [STARTER_USD, STARTER_USD]


AFTER = START + timedelta(days=60)
REAL: dict[str, tuple[Step, str]] = {
    "run": (lambda e: run(e, AFTER), "run run-20270401"),
    "boost": (lambda e: e.accounts.boost("acme"), "boost"),
    "upgrade": (lambda e: e.accounts.upgrade("acme", plan="professional"), "upgrade"),
    "cancel": (lambda e: e.accounts.cancel("acme", by="ann"), "cancel"),
    "to-on-demand": (lambda e: e.accounts.to_on_demand("acme"), "to-on-demand"),
    "share": (lambda e: e.departments.allocate("acme", "lab", 900), "share of department"),
}


@pytest.mark.parametrize("what", REAL)
def test_what_somebody_asked_for_after_it_is_never_undone(
    engine: Engine, database_url: str, what: str
) -> None:
    do, named = REAL[what]
    with opened(database_url, AFTER) as later:
        do(later)
    before = engine.reports.ledger("acme")

    for look in (engine.accounts.healing, engine.accounts.heal):
        with pytest.raises(CannotHealError, match=named) as refused:
            look("acme")
        happened = refused.value.facts["happened"]
        assert isinstance(happened, int)
        assert happened >= 1

    assert engine.reports.ledger("acme") == before


def test_money_that_a_gateway_has_really_collected_is_never_undone(database_url: str) -> None:
    clock = ManualClock(START)
    with Engine(database_url, clock=clock, environment={}, gateway=PlayBank()) as engine:
        engine.accounts.open("acme", plan="starter")
        advanced(engine._context.db, "acme", AFTER, gateway=PlayBank())
        with pytest.raises(CannotHealError, match=r"a payment of 199\.00 USD"):
            engine.accounts.heal("acme")


def test_a_run_charged_before_is_kept_whole(engine: Engine) -> None:
    run(engine, START)
    shown = engine.accounts.show("acme")
    push(engine, AFTER)

    engine.accounts.heal("acme")

    assert engine.accounts.show("acme") == shown
    assert [each.run_id for each in engine.reports.usage("acme").runs] == ["run-20270131"]


def test_an_account_of_the_real_world_is_healed_by_the_real_clock_and_lives_by_it(
    database_url: str,
) -> None:
    real = SystemClock()
    with Engine(database_url, clock=real, environment={}) as engine:
        engine.accounts.open("acme", plan="starter")
        push(engine, real.now() + timedelta(days=400))
        engine.accounts.heal("acme")
        assert engine.accounts.boost("acme").charged_usd_micros == 2 * STARTER_USD
        with opened(database_url, real.now() + timedelta(days=800)) as ahead:
            for change in (ahead.accounts.healing, ahead.accounts.heal, ahead.accounts.boost):
                with pytest.raises(WrongClockError):
                    change("acme")


def test_an_unknown_account_is_bad_input(engine: Engine) -> None:
    for look in (engine.accounts.healing, engine.accounts.heal):
        with pytest.raises(UnknownAccountError):
            look("nobody")
