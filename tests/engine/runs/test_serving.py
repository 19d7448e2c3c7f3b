"""Controllers that share a database: what each takes, gives back, and leaves alone for a while."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from engine.api import Engine
from engine.database import transaction
from engine.runs.backoff import PAUSE_S_MAX, Pauses, pause_s
from engine.runs.leases.claims import claim, open_runs
from engine.runs.leases.lease import TERM_S, Lease
from engine.runs.model.codec import order_to_json
from engine.runs.model.errors import LeaseLostError, MachinesElsewhereError, ReleaseUnprovenError
from engine.runs.model.states import Outcome, Run, RunState
from engine.runs.model.tables import RUNS
from engine.runs.serving import FAILED_LOOKS_MAX, RunServer
from engine.scenario import Scenario
from kernel.clock import ManualClock, StartingClock, SystemClock
from providers.errors import ConfigurationRejectedError
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab, Stage

REAL_NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = Lease("another-host/1/0.00/a")
THERE = Lease("a-third-host/1/0.00/b")


def never() -> bool:
    return False


def server(lab: Lab, **changes: object) -> RunServer:
    """One on the lab's cloud that ends when nothing is left to do."""

    def drive(run_id: str, lease: Lease) -> Run:
        controller = lab.controller()
        controller.lease = lease
        return controller.drive(run_id)

    made = RunServer(
        lab.engine._context.db, drive, lab.engine.runs.new_lease, never, until_idle=True
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_a_free_run_is_claimed_by_one_of_many_that_want_it(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    runs = {lab.accept(checkout).id for _ in range(6)}
    together = threading.Barrier(8)

    def take(number: int) -> str | None:
        together.wait()
        lease = Lease(f"host-{number}/1/0.00/a")
        # SKIP LOCKED may pass over what another has just let go of; a server looks again.
        looks = (claim(lab.engine._context.db, lease, REAL_NOW) for _ in range(10))
        return next((run_id for run_id in looks if run_id is not None), None)

    with ThreadPoolExecutor(8) as threads:
        taken = [run_id for run_id in threads.map(take, range(8)) if run_id is not None]

    assert sorted(taken) == sorted(runs)
    assert claim(lab.engine._context.db, HERE, REAL_NOW) is None
    assert open_runs(lab.engine._context.db) == 6


def test_runs_that_may_have_machines_or_are_to_end_come_first_then_the_oldest(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    runs = []
    for _ in range(5):
        runs.append(lab.accept(checkout))
        lab.clock.sleep(1)
    oldest, second, to_end, begun, ended = runs
    lab.drive(ended)
    lab.cancel_request(to_end)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        lab.drive(begun, at_step={"running/Wait/before": stop})

    order = [claim(lab.engine._context.db, HERE, REAL_NOW) for _ in range(5)]
    assert order == [to_end.id, begun.id, oldest.id, second.id, None]


def test_a_lease_elsewhere_keeps_a_run_until_it_has_run_out(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    db = lab_on_both.engine._context.db
    run = lab_on_both.accept(checkout)
    assert claim(db, HERE, REAL_NOW) == run.id

    assert claim(db, THERE, REAL_NOW + timedelta(seconds=TERM_S - 0.001)) is None
    assert claim(db, THERE, REAL_NOW + timedelta(seconds=TERM_S), passing_over=[run.id]) is None
    assert claim(db, THERE, REAL_NOW + timedelta(seconds=TERM_S)) == run.id


def test_a_run_that_is_accepted_to_be_driven_here_is_not_for_whoever_serves(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    lease = lab.engine.runs.new_lease()
    run = lab.accept(checkout, lease=lease)
    now = SystemClock().now()

    assert claim(lab.engine._context.db, HERE, now) is None
    controller = lab.controller()
    controller.lease = lease
    assert controller.drive(run.id).outcome is Outcome.COMPLETED


def test_a_server_drives_every_open_run_and_ends_when_idle(lab: Lab, checkout: Scenario) -> None:
    runs = [lab.accept(checkout) for _ in range(5)]
    lab.cancel_request(runs[0])
    most, now_driven = Counter[str](), threading.Semaphore(2)
    said: list[str] = []
    base = server(lab).drive

    def drive(run_id: str, lease: Lease) -> Run:
        assert now_driven.acquire(blocking=False), "never more than two at once"
        most["driven"] += 1
        try:
            return base(run_id, lease)
        finally:
            now_driven.release()

    counts = server(lab, drive=drive, at_once=2, say=said.append).serve()

    assert counts == {"taken": 5, "completed": 4, "cancelled": 1}
    assert most["driven"] == 5
    assert {lab.engine.runs.store.load(run.id).outcome for run in runs[1:]} == {Outcome.COMPLETED}
    assert f"{runs[0].id}: cancelled, cancelled before any machine was asked for" in said


def test_told_to_stop_a_server_gives_its_runs_back_and_the_next_finishes_them(
    lab: Lab, checkout: Scenario
) -> None:
    first = lab.accept(checkout)
    lab.clock.sleep(1)
    lab.accept(checkout)
    stopped = threading.Event()

    def drive(run_id: str, lease: Lease) -> Run:
        controller = lab.controller()
        controller.lease = lease
        controller.stop_wanted = stopped.is_set
        controller.on_step = lambda name: stopped.set() if name == "running/Wait/after" else None
        return controller.drive(run_id)

    counts = server(lab, drive=drive, stop_wanted=stopped.is_set, at_once=1).serve()

    assert counts == {"taken": 1, "released": 1}
    left = lab.engine.runs.store.load(first.id)
    assert left.state is RunState.RUNNING
    assert lab.machines(left) == 3, "its machines go on"
    # Not one lease is left: whoever comes next needs not wait.
    assert server(lab).serve() == {"taken": 2, "completed": 2}
    assert lab.machines_ever(left) == 3
    assert lab.books(left).startup_charges == (left.order.quote.startup,)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ReleaseUnprovenError("machines are still there"), "machines are still there; left alone"),
        (ZeroDivisionError("a fault of ours"), "ZeroDivisionError: a fault of ours"),
    ],
)
def test_a_run_that_fails_is_tried_again_later_and_takes_nothing_else_down(
    error: Exception, shown: str, lab: Lab, checkout: Scenario
) -> None:
    bad, good = lab.accept(checkout), lab.accept(checkout)
    tries: list[str] = []
    said: list[str] = []
    base = server(lab)

    def drive(run_id: str, lease: Lease) -> Run:
        if run_id == bad.id:
            tries.append(run_id)
            lab.engine.runs.store.release_lease(run_id, lease, SystemClock().now())
            if len(tries) <= 3:
                raise error
        return base.drive(run_id, lease)

    clock = ManualClock(SystemClock().now())
    counts = server(lab, drive=drive, say=said.append, clock=clock).serve()

    assert counts == {"taken": 5, "completed": 2, "errors": 3}
    assert lab.engine.runs.store.load(good.id).outcome is Outcome.COMPLETED
    lines = [line for line in said if line.startswith(f"{bad.id}: ") and shown in line]
    assert len(lines) == 3
    assert [line[-3:] for line in lines] == ["1 s", "2 s", "4 s"]


def test_a_run_that_another_controller_has_taken_over_is_its_and_no_failure(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    base = server(lab)
    lost = iter([True])

    def drive(run_id: str, lease: Lease) -> Run:
        if next(lost, False):
            lab.engine.runs.store.release_lease(run_id, lease, SystemClock().now())
            raise LeaseLostError("another drives it", run=run_id)
        return base.drive(run_id, lease)

    counts = server(lab, drive=drive).serve()

    assert counts == {"taken": 2, "lost": 1, "completed": 1}
    assert lab.engine.runs.store.load(run.id).ended


def test_a_database_that_fails_is_looked_at_again_and_given_up_in_the_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    looks: list[datetime] = []
    clock = ManualClock(REAL_NOW)

    def fail(*_: object, **__: object) -> None:
        looks.append(clock.now())
        raise ReleaseUnprovenError("the database is away")

    monkeypatch.setattr("engine.runs.serving.claim", fail)
    with pytest.raises(ReleaseUnprovenError):
        server(lab, clock=clock, say=said.append).serve()

    assert len(looks) == FAILED_LOOKS_MAX
    gaps_s = [(after - before).total_seconds() for before, after in pairwise(looks)]
    assert gaps_s == sorted(gaps_s)
    assert gaps_s[0] >= 1.0
    assert said[-1] == f"the database is away; looking again in {PAUSE_S_MAX:.0f} s"


def test_a_reaper_that_does_not_come_back_is_said_in_its_place_once_a_period(lab: Lab) -> None:
    clock = ManualClock(REAL_NOW)
    said: list[str] = []
    done = threading.Event()

    def hang() -> str:
        done.wait(timeout=PATIENCE_S)
        return "reaper: back at last"

    def stop() -> bool:
        if len(said) == 2:
            done.set()
        return done.is_set()

    words = iter(["", "reaper: no look at aws us-east-1 for 1m", "reaper: none for 1m30s"])
    asked_s: list[float] = []

    def late() -> str:
        asked_s.append((clock.now() - REAL_NOW).total_seconds())
        return next(words)

    made = server(
        lab,
        clock=clock,
        say=said.append,
        reap=hang,
        reap_every_s=30.0,
        late_reaps=late,
        until_idle=False,
        stop_wanted=stop,
    )
    assert made.serve() == {}
    assert said == [
        "reaper: no look at aws us-east-1 for 1m",
        "reaper: none for 1m30s",
        "reaper: back at last",
    ]
    assert asked_s == pytest.approx([30.0, 60.0, 90.0], abs=2.0)


def test_where_no_reaper_looks_serve_says_for_how_long_though_it_has_none_itself(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    with transaction(lab.engine._context.db) as conn:
        document = order_to_json(replace(run.order, rehearsal=False))
        one = update(RUNS).where(RUNS.c.id == run.id)
        conn.execute(one.values(order_document=document, intent_at=lab.clock.now()))
    lab.clock.sleep(1200)
    assert lab.engine.serving.late_reaps(0) == "", "two periods are in order"
    lab.clock.sleep(60)
    assert lab.engine.serving.late_reaps(0) == "reaper: no look at aws us-east-1 for 21m"
    assert lab.engine.serving.late_reaps(900) == ""


@pytest.mark.long
def test_a_server_reaps_in_its_period_and_a_reaper_that_fails_is_said(lab: Lab) -> None:
    clock = ManualClock(REAL_NOW)
    rounds: list[datetime] = []
    said: list[str] = []

    def reap() -> str:
        rounds.append(clock.now())
        if len(rounds) == 1:
            raise ReleaseUnprovenError("no credentials")
        return "reaper: 0 machines released"

    made = server(
        lab,
        clock=clock,
        say=said.append,
        reap=reap,
        reap_every_s=600.0,
        until_idle=False,
        stop_wanted=lambda: len(rounds) == 3,
    )
    assert made.serve() == {}

    assert said == ["no credentials", "reaper: 0 machines released", "reaper: 0 machines released"]
    assert rounds[1] >= REAL_NOW + timedelta(seconds=600)
    assert rounds[2] >= REAL_NOW + timedelta(seconds=1200)


def test_pauses_double_up_to_a_bound_and_end_with_a_success() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 256.0]
    assert pause_s(10) == pause_s(10_000) == PAUSE_S_MAX
    pauses = Pauses()
    assert pauses.failed("a", REAL_NOW) == 1.0
    assert pauses.failed("a", REAL_NOW) == 2.0
    assert pauses.paused(REAL_NOW + timedelta(seconds=1.9)) == {"a"}
    assert pauses.paused(REAL_NOW + timedelta(seconds=2)) == frozenset()
    assert pauses.failed("a", REAL_NOW) == 4.0, "it is remembered after its pause"
    pauses.succeeded("a")
    assert pauses.failed("a", REAL_NOW) == 1.0
    assert pauses.paused(REAL_NOW + timedelta(hours=2)) == frozenset()
    assert pauses.failed("a", REAL_NOW) == 1.0, "and forgotten after an hour"


def test_a_local_run_stays_on_its_computer_until_its_machines_have_ended_themselves(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    engine = here.engine
    accepted = here.accept(visits(3.0))
    clouds = engine._context.clouds
    clouds.open(accepted, engine.runs.store)
    this_computer = engine.runs.store.load(accepted.id).endpoint
    now = SystemClock().now()
    begun = replace(accepted, state=RunState.RUNNING, intent_at=now, endpoint="another-computer")

    with pytest.raises(MachinesElsewhereError) as refused:
        clouds.open(begun, engine.runs.store)
    assert refused.value.facts == {"run": accepted.id, "host": "another-computer"}
    # Nothing was launched there yet, or all that was has ended by its own expiry.
    for free in (
        replace(begun, state=RunState.ACCEPTED, intent_at=None),
        replace(begun, intent_at=now - timedelta(hours=1)),
    ):
        engine.runs.store.set_endpoint(accepted.id, "another-computer")
        clouds.open(free, engine.runs.store)
        assert engine.runs.store.load(accepted.id).endpoint == this_computer
    here.cancel_request(accepted)
    assert here.drive(accepted).outcome is Outcome.CANCELLED


@pytest.fixture
def make_engine(lab: Lab, sqlite_url: str, now: datetime) -> Callable[[str | None], Engine]:
    """Engines on the lab's database, at real speed, told or not which rehearsal to share."""
    return lambda url: Engine(
        sqlite_url,
        clock=StartingClock(now + timedelta(hours=1)),
        folder=lab.engine.runs.folder,
        rehearsal_url=url,
    )


def test_runs_that_share_a_rehearsal_leave_it_when_they_end(
    lab: Lab, checkout: Scenario, make_engine: Callable[[str | None], Engine]
) -> None:
    sharing = make_engine(lab.rehearsal.endpoint_url)
    run = sharing.runs.accept(
        checkout, account="acme", provider="aws", dry_run=True, time_scale=2000.0
    )
    assert sharing.runs.drive(run.id).endpoint == lab.rehearsal.endpoint_url
    assert lab.rehearsal.requests("CreateFleet"), "it answers still"

    # Another process, that was not told to share, finds it by what is on record.
    run = sharing.runs.accept(
        checkout, account="acme", provider="aws", dry_run=True, time_scale=2000.0
    )
    sharing.runs.store.set_endpoint(run.id, lab.rehearsal.endpoint_url)
    assert make_engine(None).runs.drive(run.id).endpoint == lab.rehearsal.endpoint_url
    assert len(lab.rehearsal.requests("CreateFleet")) == 2


def test_a_shared_rehearsal_that_does_not_answer_ends_the_run_free_of_charge(
    checkout: Scenario, make_engine: Callable[[str | None], Engine]
) -> None:
    run = make_engine(None).runs.accept(checkout, account="acme", provider="aws", dry_run=True)
    sharing = make_engine("http://127.0.0.1:9")
    with pytest.raises(ConfigurationRejectedError, match=r"http://127\.0\.0\.1:9"):
        sharing.runs.accept(checkout, account="acme", provider="aws", dry_run=True)
    ended = sharing.runs.drive(run.id)
    assert ended.outcome is Outcome.FAILED
    assert "http://127.0.0.1:9" in ended.reason
    assert sharing.runs.show(ended.id).bill is None
