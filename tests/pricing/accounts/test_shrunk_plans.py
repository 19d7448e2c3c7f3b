"""A file of plans that shrinks a plan in use takes nothing from who has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.clock import ManualClock
from kernel.errors import RefusedError
from pricing.plans.on_sale import BUNDLED_PLANS

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
IN_A_MONTH = datetime(2027, 2, 26, 9, tzinfo=UTC)
CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
SHRUNK = """
[[plans]]
name = "starter"
version = 2026-11-01
monthly_usd = "1.00"
li_minutes = 10
rollover = false
boosts = false
users_max = 1
injectors_max = 1
duration_s_max = 1
concurrent_runs_max = 1
extra_credits_max = 0
channels = ["aws-marketplace"]
tariff = "on-demand"
cancellation = "full_quote"
"""


def does(engine: Engine) -> None:
    """Everything that the smaller plan would refuse."""
    engine.accounts.boost("acme")
    engine.departments.add("acme", "lab")
    engine.departments.allocate("acme", "lab", 1_500)
    engine.accounts.extra_credits("acme", 60)
    engine.runs.accept(CHECKOUT, account="acme", users=90, provider="aws", dry_run=True)


@pytest.fixture
def sold(database_url: str, tmp_path: Path) -> Callable[[str, datetime], Engine]:
    """An engine whose file of plans has the given Starter, at an instant."""
    others = BUNDLED_PLANS.read_text(encoding="utf-8")
    head, *entries = others.split("[[plans]]")
    kept = [each for each in entries if 'name = "starter"' not in each]
    file = tmp_path / "plans.toml"

    def engine(starter: str, at: datetime) -> Engine:
        file.write_text("[[plans]]".join([head, *kept]) + starter, encoding="utf-8")
        environment = {"LOADMUSTER_PLANS": str(file)}
        return Engine(database_url, clock=ManualClock(at), environment=environment)

    return engine


def test_who_has_the_plan_keeps_what_was_bought(sold: Callable[[str, datetime], Engine]) -> None:
    as_it_was = BUNDLED_PLANS.read_text(encoding="utf-8").split("[[plans]]")
    starter = next(each for each in as_it_was if 'name = "starter"' in each)
    with sold(f"[[plans]]{starter}", NOW) as engine:
        engine.accounts.open("acme", plan="starter", card="visa")
    with sold(SHRUNK, NOW) as engine:
        assert engine.accounts.show("acme").balance_li_minutes == 1_800
        does(engine)
    with sold(SHRUNK, IN_A_MONTH) as engine:
        shown = engine.accounts.show("acme")
        assert shown.charged_usd_micros == 3 * 199_000_000
        assert shown.balance_li_minutes == 3 * 1_800
        engine.accounts.advance()
        assert engine.db.check() == ()


def test_what_would_be_refused_by_the_smaller_plan_is(
    sold: Callable[[str, datetime], Engine],
) -> None:
    """The walk above would notice."""
    smaller = SHRUNK.replace('channels = ["aws-marketplace"]', 'channels = ["card"]')
    with sold(smaller, NOW) as engine:
        engine.accounts.open("acme", plan="starter", card="visa")
        engine.departments.add("acme", "other")
        for refused in (
            lambda: engine.accounts.boost("acme"),
            lambda: engine.departments.allocate("acme", "other", 1_500),
            lambda: engine.accounts.extra_credits("acme", 60),
            lambda: engine.runs.accept(
                CHECKOUT, account="acme", users=90, provider="aws", dry_run=True
            ),
        ):
            with pytest.raises(RefusedError):
                refused()
