"""A deleted account is gone for good: whatever is asked of it is refused, and it says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.clock import ManualClock
from pricing.accounts.account import AccountDeletedError

NOW = datetime(2026, 1, 25, 9, 0, tzinfo=UTC)
CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
ASKED: dict[str, Callable[[Engine], object]] = {
    "open": lambda e: e.accounts.open("acme"),
    "open on another plan": lambda e: e.accounts.open("acme", plan="starter"),
    "open by the same request": lambda e: e.accounts.open("acme", request_id="r1"),
    "run": lambda e: e.runs.accept(CHECKOUT, account="acme", users=9),
    "dry run": lambda e: e.runs.accept(
        CHECKOUT, account="acme", users=9, provider="aws", dry_run=True
    ),
    "what a run would cost": lambda e: e.runs.payment(
        e.runs.prepare(CHECKOUT, account="acme", users=9).estimate, account="acme"
    ),
    "boost": lambda e: e.accounts.boost("acme"),
    "upgrade": lambda e: e.accounts.upgrade("acme", plan="starter"),
    "downgrade": lambda e: e.accounts.downgrade("acme", plan="starter"),
    "to-on-demand": lambda e: e.accounts.to_on_demand("acme"),
    "card": lambda e: e.accounts.set_card("acme", "visa"),
    "cancel": lambda e: e.accounts.cancel("acme", by="owner"),
    "extra-credits": lambda e: e.accounts.extra_credits("acme", 60),
    "department add": lambda e: e.departments.add("acme", "lab"),
    "allow-target": lambda e: e.targets.allow("acme", "shop.example.com"),
    "check a target": lambda e: e.targets.check("acme", "https://shop.example.com"),
}


@pytest.fixture
def engine(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Its account was deleted."""
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"
    with Engine(url, clock=ManualClock(NOW), environment={}) as engine:
        engine.accounts.open("acme", request_id="r1")
        engine.accounts.delete("acme")
        yield engine


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_of_a_deleted_account_is_refused_and_says_that_it_was_deleted(
    asked: str, engine: Engine
) -> None:
    with pytest.raises(AccountDeletedError) as refused:
        ASKED[asked](engine)
    assert refused.value.exit_code == 3
    assert "account acme was deleted on 2026-01-25T09:00:00" in refused.value.message
    assert ("; choose another id" in refused.value.message) == asked.startswith("open")
    assert engine.accounts.get("acme").status == "deleted"
    assert engine.runs.list() == []
