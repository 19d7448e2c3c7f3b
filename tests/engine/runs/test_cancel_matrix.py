"""A cancel at every moment of a run's life, on this machine and on a rehearsed AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.runs.model.states import Outcome, Run, RunState
from engine.scenario import Scenario
from providers.rehearsal.aws_cloud import LOG_FILE, is_alive
from tests.patience import PATIENCE_S, until

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab, Stage

MOMENTS = (
    "before the request",
    "while launching",
    "while starting",
    "while running",
    "twice",
    "after the end",
    "by two processes at once",
)
PROVIDERS = ("local", "aws")

Start = Callable[..., "subprocess.Popen[str]"]
Cancel = Callable[["Stage", Run], Run]


@dataclass(frozen=True)
class Kept:
    """What must stay charged of a run's quote, in micro-dollars; ``None``: it was never charged."""

    startup: int
    use: int


WITHIN_THE_FLOOR = {"local": Kept(750_000, 0), "aws": Kept(4_500_000, 0)}
IN_FULL = {"local": Kept(750_000, 10_000), "aws": Kept(4_500_000, 10_500_000)}
# 400 of 600 s: 7 started minutes of 6 injectors, 12 LI-minutes beyond the floor of 30, which are
# 12/30 of the use line. On this machine the load is shorter than the floor.
AFTER_SOME_LOAD = {"local": Kept(750_000, 0), "aws": Kept(4_500_000, 4_200_000)}
SEEN_S = {"local": 1.0, "aws": 300.0}
"""Of the test, once which was seen the end is asked for: on AWS, a look later, at 400 s."""


def before_the_request(stage: Stage, run: Run) -> Run:
    assert stage.cancel_request(run)
    return stage.drive(run)


def while_launching(stage: Stage, run: Run) -> Run:
    return stage.drive(run, at_step={"launching/Launch/before": lambda: stage.cancel_request(run)})


def while_starting(stage: Stage, run: Run) -> Run:
    return stage.drive(run, at_step={"launching/Launch/after": lambda: stage.cancel_request(run)})


def while_running(stage: Stage, run: Run) -> Run:
    return stage.drive(run, cancel_after_s=SEEN_S[run.order.provider])


def twice(stage: Stage, run: Run) -> Run:
    asked: list[bool] = []
    ended = stage.drive(
        run,
        cancel_after_s=SEEN_S[run.order.provider],
        at_step={"releasing/Release/before": lambda: asked.append(stage.cancel_request(run))},
    )
    assert asked == [False]
    return ended


def after_the_end(stage: Stage, run: Run) -> Run:
    stage.drive(run)
    before = stage.books(run)
    ended = stage.engine.runs.cancel(run.id)
    assert stage.books(run) == before
    assert not stage.cancel_request(run)
    return ended


@dataclass(frozen=True)
class Case:
    """One moment of a cancel, what makes it happen, and what must come of it."""

    cancel: Cancel
    outcome: Outcome
    kept: dict[str, Kept] | None


CASES = {
    "before the request": Case(before_the_request, Outcome.CANCELLED, None),
    "while launching": Case(while_launching, Outcome.CANCELLED, WITHIN_THE_FLOOR),
    "while starting": Case(while_starting, Outcome.CANCELLED, WITHIN_THE_FLOOR),
    "while running": Case(while_running, Outcome.CANCELLED, AFTER_SOME_LOAD),
    "twice": Case(twice, Outcome.CANCELLED, AFTER_SOME_LOAD),
    "after the end": Case(after_the_end, Outcome.COMPLETED, IN_FULL),
}


def check(stage: Stage, ended: Run, outcome: Outcome, kept: Kept | None) -> None:
    """The books are right to the cent."""
    assert (ended.state, ended.outcome) == (RunState.ENDED, outcome)
    books = stage.books(ended)
    assert not any(books.sums.values())
    if kept is None:
        assert (books.startup_charges, books.use_charges, books.invoices) == ((), (), ())
        assert books.kept is None
        return
    assert books.startup_charges == (kept.startup,)
    assert sum(books.use_charges) == kept.use
    assert books.invoices == (kept.startup + kept.use,)
    assert books.kept == (kept.startup, kept.use)


@pytest.mark.promise("cancel-releases-at-any-moment", command="cancel", provider="aws")
@pytest.mark.parametrize("moment", CASES)
def test_on_a_rehearsed_aws(moment: str, lab_on_both: Lab, checkout: Scenario) -> None:
    case = CASES[moment]
    run = lab_on_both.accept(checkout)

    ended = case.cancel(lab_on_both, run)

    assert lab_on_both.machines(ended) == 0
    check(lab_on_both, ended, case.outcome, None if case.kept is None else case.kept["aws"])
    created = lab_on_both.rehearsal.requests("CreateFleet")
    if moment == "before the request":
        assert created == []
    assert lab_on_both.machines_ever(run) == (3 if created else 0)


@pytest.mark.promise("cancel-releases-at-any-moment", command="cancel", provider="local")
@pytest.mark.parametrize("moment", CASES)
def test_on_this_machine(moment: str, here: Stage, visits: Callable[[float], Scenario]) -> None:
    case = CASES[moment]
    run = here.accept(visits(3 if case.outcome is Outcome.COMPLETED else 60))

    ended = case.cancel(here, run)

    assert here.machines(ended) == 0
    check(here, ended, case.outcome, None if case.kept is None else case.kept["local"])
    assert (ended.machines == ()) == (moment == "before the request")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_by_two_processes_at_once(
    provider: str,
    here: Stage,
    visits: Callable[[float], Scenario],
    checkout: Scenario,
    sqlite_url: str,
    loadmuster: Start,
) -> None:
    if provider == "local":
        run = here.accept(visits(60))
    else:
        run = here.accept(checkout, provider="aws", dry_run=True, time_scale=10.0)
    here.engine.runs.detach(run.id)
    run = until_running(here.engine, run.id)
    assert here.machines(run) == run.machines_planned

    cancels = [loadmuster("--db", sqlite_url, "--json", "cancel", run.id) for _ in range(2)]
    answers = [(*cancel.communicate(timeout=PATIENCE_S), cancel.returncode) for cancel in cancels]

    assert [(errors, status) for _, errors, status in answers] == [("", 0), ("", 0)]
    documents = [json.loads(text) for text, _, _ in answers]
    assert documents[0] == documents[1]
    assert documents[0]["outcome"] == "cancelled"
    ended = here.engine.runs.store.load(run.id)
    if run.order.rehearsal:
        assert run.endpoint is not None
        # Its controller has put the rehearsed cloud away, which it does only without machines.
        assert not is_alive(run.endpoint)
        log = (here.engine.runs.folder / run.id / LOG_FILE).read_text()
        assert "DeleteFleets: 200" in log
    check(here, ended, Outcome.CANCELLED, WITHIN_THE_FLOOR[provider])
    requested = [
        each for each in here.engine.runs.show(run.id).timeline if "requested" in each.name
    ]
    assert len(requested) == 1


def until_running(engine: Engine, run_id: str) -> Run:
    def is_running() -> bool:
        run = engine.runs.store.load(run_id)
        assert not run.ended, run
        return run.state is RunState.RUNNING

    until(is_running, every_s=0.1)
    return engine.runs.store.load(run_id)


def test_the_matrix_has_every_moment_on_every_provider() -> None:
    two_at_once = MOMENTS[-1]
    covered = [*product(CASES, PROVIDERS), *product([two_at_once], PROVIDERS)]
    sys.stdout.write(f"{len(covered)} cancels: {', '.join(map(' '.join, covered))}\n")
    assert sorted(covered) == sorted(product(MOMENTS, PROVIDERS))
    assert len(covered) == 14
