"""Load tests of a shop, as pytest runs them: ``TARGET=http://127.0.0.1:8000 pytest examples``."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from engine.runs.decide import Observed
from loadmuster import Outcome, RefusedError, Run

FAILURES_MAX = 5
LENGTH_S = int(os.environ.get("LENGTH_S", "3"))

LoadTest = Callable[..., Run]


@pytest.mark.budget_usd("1.00")
def test_as_soon_as_requests_fail_it_is_over(load_test: LoadTest) -> None:
    """A callback that raises fails the test; the run is ended on the way out."""

    def watch(_run: Run, observed: Observed) -> None:
        failures = 0 if observed.progress is None else observed.progress.failures
        assert failures <= FAILURES_MAX, f"{failures} requests have failed"

    run = load_test("smoke.yaml", duration_s=LENGTH_S, watch=watch)
    assert run.outcome is Outcome.COMPLETED


@pytest.mark.budget_usd("1.00")
def test_three_users_are_answered(load_test: LoadTest) -> None:
    """What was measured is there once the run has ended."""
    run = load_test("smoke.yaml", duration_s=LENGTH_S)

    assert run.outcome is Outcome.COMPLETED
    assert run.result is not None
    assert run.result.valid, run.result.verdict
    assert run.result.failures == 0


@pytest.mark.budget_usd("0.10")
def test_what_is_above_the_budget_is_not_started(load_test: LoadTest) -> None:
    """A load test that costs too much is refused, and nothing is charged."""
    with pytest.raises(RefusedError, match="above the cap"):
        load_test("smoke.yaml")
