"""Who may drive a run, and what of a run is decided only once: requests, credits, prices."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import psutil
import pytest

from engine.api import Engine
from engine.runs.leases.lease import TERM_S, Lease
from engine.runs.model.errors import LeaseLostError, PriceCapError
from engine.runs.model.states import Outcome, Run, RunState
from engine.scenario import Scenario
from kernel.clock import ManualClock
from kernel.errors import RefusedError, RequestConflictError
from pricing.plans.quotes import Unit
from pricing.run_charges.charges import InsufficientCreditsError
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab

ELSEWHERE = Lease("another-host/1/0.00/a")
REAL_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_second_controller_is_refused_while_the_first_lives(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    run = lab.accept(checkout)

    def drive_too() -> None:
        with pytest.raises(LeaseLostError) as refused:
            lab.controller().drive(run.id)
        assert refused.value.facts == {"run": run.id}
        assert refused.value.exit_code == 4

    ended = lab.drive(run, at_step={"running/Wait/before": drive_too})

    assert ended.outcome is Outcome.COMPLETED
    assert lab.machines_ever(run) == 3


def test_a_controller_whose_process_is_gone_is_succeeded_at_once(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    run = lab.accept(checkout)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = psutil.Process(process.pid).create_time()
        owner = f"{socket.gethostname()}/{process.pid}/{started:.2f}/a"
        lease_clock = lab.controller().lease_clock
        assert lab.engine.runs.store.acquire(run.id, Lease(owner), lease_clock.now())
        with pytest.raises(LeaseLostError):
            lab.drive(run)
        process.kill()

    assert lab.drive(run).outcome is Outcome.COMPLETED


def test_a_process_id_that_belongs_to_another_process_by_now_holds_nothing(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    parent = psutil.Process()
    owner = f"{socket.gethostname()}/{parent.pid}/{parent.create_time() - 60:.2f}/a"
    assert lab.engine.runs.store.acquire(run.id, Lease(owner), lab.controller().lease_clock.now())

    assert lab.drive(run).outcome is Outcome.COMPLETED


def test_a_controller_elsewhere_is_succeeded_when_its_lease_has_run_out(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    run = lab.accept(checkout)
    assert lab.engine.runs.store.acquire(run.id, ELSEWHERE, REAL_NOW)
    controller = lab.controller()

    controller.lease_clock = ManualClock(REAL_NOW + timedelta(seconds=TERM_S - 0.001))
    with pytest.raises(LeaseLostError):
        controller.drive(run.id)
    controller.lease_clock = ManualClock(REAL_NOW + timedelta(seconds=TERM_S))
    assert controller.drive(run.id).outcome is Outcome.COMPLETED
    assert not lab.engine.runs.store.acquire("run-of-nobody", ELSEWHERE, REAL_NOW)


@pytest.mark.parametrize(
    "step",
    [
        "accepted/RecordIntent/before",
        "launching/Launch/sent",
        "starting/RecordLoadStart/before",
        "running/BeginRelease/before",
        "releasing/End/before",
    ],
)
def test_a_controller_that_slept_through_its_lease_wakes_up_and_changes_nothing(
    step: str, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)

    def sleep() -> None:
        other = lab.controller()
        other.lease_clock = ManualClock(
            lab.controller().lease_clock.now() + timedelta(seconds=TERM_S + 1)
        )
        assert other.drive(run.id).outcome is Outcome.COMPLETED

    with pytest.raises(LeaseLostError):
        lab.drive(run, at_step={step: sleep})

    assert lab.machines(run) == 0
    assert lab.machines_ever(run) == 3
    books = lab.books(run)
    assert books.startup_charges == (run.order.quote.startup,)
    assert books.invoices == (run.order.quote.total,)
    assert [event.name for event in lab.engine.runs.show(run.id).timeline].count("completed") == 1


def test_a_run_whose_cloud_cannot_be_opened_ends_free_of_charge(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()

    def closed(_run: object) -> None:
        raise ConfigurationRejectedError("the rehearsal did not start")

    controller.open_cloud = closed  # type: ignore[assignment]
    ended = controller.drive(run.id)

    assert (ended.outcome, ended.reason) == (Outcome.FAILED, "the rehearsal did not start")
    assert lab.books(run).kept is None
    assert lab.engine.runs.drive(run.id) == ended


def test_the_same_request_is_the_same_run_and_another_under_its_id_is_refused(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    run = lab.accept(checkout, request_id="build-7")
    lab.clock.sleep(3600)
    assert lab.accept(checkout, request_id="build-7").id == run.id

    for other in ({"time_scale": 2.0}, {"regions": ("eu-west-1",)}):
        with pytest.raises(RequestConflictError) as refused:
            lab.accept(checkout, request_id="build-7", **other)
        assert refused.value.facts == {"request_id": "build-7", "run": run.id}
        assert refused.value.exit_code == 3
    assert [each.id for each in lab.engine.runs.list()] == [run.id]
    assert lab.accept(checkout, request_id="build-8").id != run.id


@pytest.mark.promise("one-request-one-run", command="run", provider="aws")
def test_a_request_sent_twice_at_once_is_one_run(
    lab_on_both: Lab, checkout: Scenario, database_url: str
) -> None:
    lab = lab_on_both
    answers = at_once(
        lambda engine: engine.runs.accept(
            checkout, account="acme", provider="aws", dry_run=True, request_id="build-7"
        ),
        [Engine(database_url, clock=lab.clock, folder=lab.engine.runs.folder) for _ in range(3)],
    )

    (run,) = lab.engine.runs.list()
    assert answers == [run, run, run]


def at_once(work: Callable[[Engine], Run], engines: Sequence[Engine]) -> list[Run | RefusedError]:
    """Do the work with each engine, in as many threads, all at the same time."""
    together = threading.Barrier(len(engines))

    def wait_and_work(engine: Engine) -> Run | RefusedError:
        engine.runs.list()
        together.wait()
        try:
            return work(engine)
        except RefusedError as refused:
            return refused
        finally:
            engine._context.db.dispose()

    with ThreadPoolExecutor(len(engines)) as threads:
        return list(threads.map(wait_and_work, engines))


@pytest.fixture
def globex(lab_on_both: Lab) -> str:
    """An account on Starter: 1,800 LI-minutes a month."""
    return lab_on_both.engine.accounts.open("globex", plan="starter").id


def test_r32_of_runs_of_60_li_minutes_starter_has_thirty_and_the_31st_is_refused(
    lab_on_both: Lab, checkout: Scenario, globex: str
) -> None:
    lab = lab_on_both
    runs = [lab.accept(checkout, account=globex) for _ in range(30)]
    assert {(each.order.quote.unit, each.order.quote.total) for each in runs} == {
        (Unit.LI_MINUTES, 60)
    }

    with pytest.raises(InsufficientCreditsError) as refused:
        lab.accept(checkout, account=globex)

    facts = {"account": globex, "needed": 60, "available": 0}
    assert refused.value.facts == facts | {"remedies": "boost, upgrade, extra-credits"}
    assert refused.value.exit_code == 3
    assert len(lab.engine.runs.list(globex)) == 30
    # One that is cancelled before its machines were asked for makes room for another.
    lab.cancel_request(runs[0])
    assert lab.drive(runs[0]).outcome is Outcome.CANCELLED
    assert lab.accept(checkout, account=globex).state is RunState.ACCEPTED


def test_on_credits_a_cancelled_run_keeps_what_was_used_and_the_rest_returns(
    lab_on_both: Lab, checkout: Scenario, globex: str
) -> None:
    lab = lab_on_both
    run = lab.accept(checkout, account=globex)

    ended = lab.drive(run, cancel_after_s=300)

    books = lab.books(ended)
    assert books.kept == (30, 12), "seven started minutes of six injectors"
    assert books.startup_charges == (30,)
    assert books.use_charges == (30, -18)
    assert books.invoices == ()
    assert not any(books.sums.values())
    assert lab.engine.accounts.show(globex).balance_li_minutes == 1800 - 42


def test_of_two_runs_that_race_for_the_last_credits_one_is_refused(
    lab_on_both: Lab, checkout: Scenario, globex: str, database_url: str
) -> None:
    lab = lab_on_both
    for _ in range(29):
        lab.accept(checkout, account=globex)

    outcomes = at_once(
        lambda engine: engine.runs.accept(checkout, account=globex, provider="aws", dry_run=True),
        [Engine(database_url, clock=lab.clock, folder=lab.engine.runs.folder) for _ in range(2)],
    )

    (refused,) = (each for each in outcomes if isinstance(each, RefusedError))
    assert isinstance(refused, InsufficientCreditsError)
    assert refused.facts["available"] == 0
    assert len(lab.engine.runs.list(globex)) == 30
    assert lab.engine.accounts.show(globex).reserved_li_minutes == 1800


@pytest.mark.parametrize(
    ("account", "above_usd_micros", "enough_usd_micros"),
    [("acme", 14_999_999, 15_000_000), ("globex", 10_000, 5_000_000)],
    ids=["the charge on demand", "the machines on a subscription"],
)
def test_a_run_above_the_price_cap_is_refused_with_both_figures(
    account: str,
    above_usd_micros: int,
    enough_usd_micros: int,
    lab_on_both: Lab,
    checkout: Scenario,
    globex: str,
) -> None:
    lab = lab_on_both
    assert globex == "globex"
    with pytest.raises(PriceCapError) as refused:
        lab.accept(checkout, account=account, max_usd_micros=above_usd_micros)

    assert set(refused.value.facts) == {"quoted_usd", "max_usd"}
    assert Decimal(str(refused.value.facts["max_usd"])) * 1_000_000 == above_usd_micros
    assert lab.engine.runs.list() == []
    assert lab.engine.accounts.show(globex).reserved_li_minutes == 0
    assert lab.accept(checkout, account=account, max_usd_micros=enough_usd_micros)
