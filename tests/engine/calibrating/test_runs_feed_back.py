"""A real run measures its users too, and the next estimate of the same test says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.api import Engine
from engine.calibrating import run_evidence
from engine.calibrating.folder import evidence_of
from engine.runs.model.states import Outcome
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed


@pytest.fixture
def engine(migrated_file: Path, tmp_path: Path) -> Engine:
    """The Python API on books with one account."""
    opened = Engine(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'loads.db')}")
    opened.accounts.open("acme", plan="starter")
    return opened


def busy(target: str) -> Scenario:
    users = UserClass("busy", think_time_s=(0.05, 0.05), requests=(Request("/500"),))
    load = closed([(0, 15), (6, 15)])
    return Scenario("busy", Protocol.HTTP, load, target=target, user_classes=(users,))


def test_a_local_run_feeds_the_next_estimate(
    engine: Engine, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_evidence, "LOAD_S_MIN", 3.0)
    scenario = busy(target)
    assert engine.estimate(scenario).requirement.basis == "published figures"
    run = engine.run(scenario, account="acme", provider="local")
    assert run.outcome is Outcome.COMPLETED
    (figures,) = evidence_of(scenario).runs
    assert (figures.run_id, figures.provider) == (run.id, "local")
    # The master measured what the worker's process took for its requests.
    assert 50 < figures.processor_us_per_request < 10_000
    assert 5_000_000 < figures.requests_per_million_s <= 20_000_000
    again = engine.estimate(scenario)
    assert again.requirement.basis == "1 run"
    assert again.scenario.measured is not None
    assert again.scenario.measured.processor_us_per_request == figures.processor_us_per_request


def test_the_same_request_again_is_answered_though_the_test_was_measured_in_between(
    engine: Engine, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_evidence, "LOAD_S_MIN", 3.0)
    scenario = busy(target)
    first = engine.run(scenario, account="acme", provider="local", request_id="r-1")
    again = engine.runs.accept(engine.estimate(scenario).scenario, account="acme", request_id="r-1")
    assert again.id == first.id


def test_a_rehearsed_run_says_nothing_of_its_users(
    engine: Engine, target: str, calibrations: Path
) -> None:
    run = engine.run(busy(target), account="acme", provider="aws", dry_run=True)
    assert run.ended
    assert not calibrations.exists()
