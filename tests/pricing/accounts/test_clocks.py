"""An account lives by one clock: under the other it is looked at, and not changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from engine.api import Engine
from engine.database import transaction
from engine.readers import read_scenario
from kernel.clock import Clock, ManualClock, SystemClock
from pricing.accounts.clock import WrongClockError
from pricing.tables import ACCOUNTS

NOW = datetime(2026, 1, 25, 9, 0, tzinfo=UTC)
CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
CHANGES: dict[str, Callable[[Engine], object]] = {
    "boost": lambda e: e.accounts.boost("acme"),
    "upgrade": lambda e: e.accounts.upgrade("acme", plan="professional"),
    "to-on-demand": lambda e: e.accounts.to_on_demand("acme"),
    "cancel": lambda e: e.accounts.cancel("acme", by="ann"),
    "card": lambda e: e.accounts.set_card("acme", "visa"),
    "extra-credits": lambda e: e.accounts.extra_credits("acme", 60),
    "department add": lambda e: e.departments.add("acme", "lab"),
    "allow-target": lambda e: e.targets.allow("acme", "shop.example.com"),
    "run": lambda e: e.runs.accept(CHECKOUT, account="acme", users=9),
}


def opened(url: str, clock: Clock) -> Engine:
    return Engine(url, clock=clock, environment={})


@pytest.mark.promise(
    "one-clock-an-account",
    command=(
        "account boost",
        "account upgrade",
        "account to-on-demand",
        "account cancel",
        "account card",
        "account extra-credits",
        "account allow-target",
        "department add",
        "run",
    ),
)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("own", "other"),
    [(SystemClock(), ManualClock(NOW + timedelta(days=730))), (ManualClock(NOW), SystemClock())],
    ids=["real", "test"],
)
def test_a_change_under_the_other_clock_is_refused_and_leaves_nothing(
    own: Clock, other: Clock, change: str, database_url: str
) -> None:
    with opened(database_url, own) as engine:
        engine.accounts.open("acme", plan="starter", administrators=["ann"])
        before = engine.reports.ledger("acme")
        with opened(database_url, other) as wrong, pytest.raises(WrongClockError, match="--now"):
            CHANGES[change](wrong)
        assert engine.reports.ledger("acme") == before
        CHANGES[change](engine)


def test_under_a_test_clock_an_account_of_the_real_one_is_shown_as_hypothetical(
    database_url: str,
) -> None:
    with opened(database_url, SystemClock()) as engine:
        engine.accounts.open("acme", plan="starter")
        ahead = ManualClock(SystemClock().now() + timedelta(days=730))
        with opened(database_url, ahead) as looking:
            shown = looking.accounts.show("acme")
        assert shown.hypothetical
        assert shown.charged_usd_micros > 20 * 199_000_000
        assert not engine.accounts.show("acme").hypothetical


def test_advancing_all_leaves_out_those_that_live_by_the_other_clock(database_url: str) -> None:
    with opened(database_url, SystemClock()) as engine:
        engine.accounts.open("real", plan="starter")
        with opened(database_url, ManualClock(NOW)) as tested:
            tested.accounts.open("tested", plan="starter")
        with opened(database_url, ManualClock(NOW + timedelta(days=730))) as ahead:
            assert ahead.accounts.advance().accounts == 1
            assert ahead.accounts.show("tested").due_usd_micros == 0
        assert engine.accounts.show("real").charged_usd_micros == 199_000_000


def test_advancing_all_under_a_test_clock_leaves_out_those_whose_clock_is_not_known(
    database_url: str,
) -> None:
    with opened(database_url, SystemClock()) as engine:
        engine.accounts.open("acme", plan="starter")
        with transaction(engine._context.db) as conn:
            conn.execute(update(ACCOUNTS).values(test_clock=None))
        with opened(database_url, ManualClock(NOW + timedelta(days=9_999))) as ahead:
            assert ahead.accounts.advance().accounts == 0
        assert engine.accounts.advance().accounts == 1
        assert engine.accounts.boost("acme").charged_usd_micros == 2 * 199_000_000


def test_an_account_of_an_earlier_version_is_let_through_under_either(database_url: str) -> None:
    with opened(database_url, ManualClock(NOW)) as engine:
        engine.accounts.open("acme", plan="starter")
        with transaction(engine._context.db) as conn:
            conn.execute(update(ACCOUNTS).values(test_clock=None))
        engine.accounts.boost("acme")
    with opened(database_url, SystemClock()) as real:
        assert real.accounts.boost("acme").charged_usd_micros > 0
