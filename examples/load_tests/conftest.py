"""A fixture for load tests as tests: each has a budget, and leaves no machine however it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from engine.runs.decide import Observed
from loadmuster import Engine, Run

EXAMPLES = Path(__file__).resolve().parents[1]
ACCOUNT = "ci"

Watch = Callable[[Run, Observed], None]
LoadTest = Callable[..., Run]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark that holds a test's budget."""
    config.addinivalue_line("markers", "budget_usd(amount): refuse a load test that costs more")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The account that pays, in the database that ``LOADMUSTER_DB`` names."""
    with Engine() as engine:
        engine.accounts.open(ACCOUNT, request_id="open-ci")
        yield engine


@pytest.fixture
def load_test(engine: Engine, request: pytest.FixtureRequest) -> LoadTest:
    """Runs a scenario of this folder's neighbours against ``TARGET``, within the test's budget."""
    budget = request.node.get_closest_marker("budget_usd")
    max_usd_micros = int(Decimal(budget.args[0]) * 1_000_000)

    def run(source: str, *, watch: Watch | None = None, duration_s: int | None = None) -> Run:
        lease = engine.runs.new_lease()
        accepted = engine.runs.accept(
            EXAMPLES / source,
            lease=lease,
            account=ACCOUNT,
            settings=[f"TARGET={os.environ['TARGET']}"],
            duration_s=duration_s,
            max_usd_micros=max_usd_micros,
        )
        # Ctrl-C, or an exception of `watch`, cancels the run and releases its machines first.
        return engine.runs.drive(accepted.id, lease=lease, watch=watch)

    return run
