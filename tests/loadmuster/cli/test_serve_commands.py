"""``run --queue``, ``serve`` and ``reap``, as an operator sees them."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from engine.api import Engine
from engine.database import transaction
from engine.readers import read_scenario
from engine.runs.model.codec import order_to_json
from engine.runs.model.states import Run
from engine.runs.model.tables import RUNS
from kernel.clock import SystemClock
from providers.contract import LaunchSpec
from providers.local import LocalProvider
from providers.local.processes import processes_by_machine
from tests.loadmuster.cli.accounts import NOBODYS_AWS, live_in
from tests.patience import PATIENCE_S, until

if TYPE_CHECKING:
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
REHEARSED = ("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run")
QUEUED = (*REHEARSED, "--speed", "600", "--queue", "--json")


def states(acme: CommandLine) -> dict[str, tuple[str, str | None]]:
    runs = acme.here("--json", "runs").json["runs"]
    return {run["id"]: (run["state"], run["outcome"]) for run in runs}


def refused(answer: Answer, code: int, *words: str) -> None:
    assert answer.code == code, answer
    assert answer.err.count("\n") == 1, answer.err
    for word in words:
        assert word in answer.err, answer.err


def test_a_queued_run_that_is_asked_for_again_otherwise_stays_queued(acme: CommandLine) -> None:
    asked = (*REHEARSED, "--speed", "600", "--request-id", "q1")
    run_id = acme.here(*asked, "--queue", "--json").json["id"]
    for more in ((), ("--detach",), ("--queue",)):
        again = acme.here(*asked, *more, "--json")
        assert again.code == 0, again.err
        assert (again.json["id"], again.json["state"], again.json["queued"]) == (
            *(run_id, "accepted", True),
        )
        assert f"{run_id}: queued, and stays so until" in acme.here(*asked, *more).out
    with Engine(f"sqlite:///{acme.database}") as engine:
        for ask in (engine.runs.run, engine.runs.start):
            same = ask(
                CHECKOUT,
                account="acme",
                provider="aws",
                dry_run=True,
                time_scale=600.0,
                request_id="q1",
            )
            assert (same.id, same.is_queued) == (run_id, True)
    assert states(acme) == {run_id: ("accepted", None)}


def test_a_run_that_is_cancelled_twice_was_not_too_late(acme: CommandLine) -> None:
    run_id = acme.here(*QUEUED).json["id"]
    cancelled = acme.here("cancel", run_id, "--json")
    assert (cancelled.code, cancelled.json["cancelled_too_late"]) == (0, False)
    late = acme.here("cancel", run_id, "--json")
    assert (late.code, late.json) == (0, cancelled.json)
    assert "too late" not in acme.here("cancel", run_id).out


def leave_machine(acme: CommandLine, run_id: str) -> str:
    """A real process of this computer that carries a run's mark, launched half an hour ago."""
    root = acme.home / "books.db.runs" / "machines"
    now = SystemClock().now()

    class Earlier(SystemClock):
        def now(self) -> datetime:
            return super().now() - timedelta(minutes=30)

    (machine,) = LocalProvider(root, Earlier()).launch(
        LaunchSpec(
            run_id=run_id,
            attempt=1,
            token=run_id,
            region="local",
            machine_types=["process"],
            count=1,
            min_count=1,
            created_at=now,
            expires_at=now + timedelta(minutes=5),
            owner="acme",
            commands=[[["sleep", "120"]]],
        )
    )
    return machine.machine_id


def make_real(acme: CommandLine, run: Run, begun_at: datetime, **changes: object) -> None:
    """Put on record that a run is on the real cloud, since when, and what became of it."""
    engine = Engine(f"sqlite:///{acme.database}")
    document = order_to_json(replace(run.order, rehearsal=False))
    with transaction(engine._context.db) as conn:
        one = update(RUNS).where(RUNS.c.id == run.id)
        conn.execute(one.values(order_document=document, intent_at=begun_at, **changes))
    engine.close()


@pytest.mark.early
def test_a_queued_run_waits_for_whoever_serves_and_then_lives_its_life(acme: CommandLine) -> None:
    first, second = (acme.here(*QUEUED) for _ in range(2))
    assert (first.code, first.json["state"]) == (0, "accepted")
    runs = [first.json["id"], second.json["id"]]

    served = acme("serve", "--until-idle", "--at-once", "2", "--json")

    assert served.code == 0, served.err
    assert served.json == {
        "served": dict.fromkeys(("cancelled", "failed", "stopped", "released", "lost", "errors"), 0)
        | {"taken": 2, "completed": 2}
    }
    assert states(acme) == dict.fromkeys(runs, ("ended", "completed"))
    for run in runs:
        assert f"{run}: taken\n" in served.err
        assert f"{run}: completed\n" in served.err
    assert "reaper: machines: 0 seen, 0 released" in served.err


@pytest.mark.early
@pytest.mark.parametrize(
    "told", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_told_to_end_serve_leaves_its_runs_open_and_the_next_takes_them_over(
    told: signal.Signals, acme: CommandLine
) -> None:
    run = acme.here(*REHEARSED, "--speed", "60", "--queue", "--json").json["id"]
    process = acme.start("serve", "--json")
    acme.until_state("running", process)
    os.kill(process.pid, told)
    out, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0, err
    assert '"released": 1' in out
    assert f"{run}: given back while running\n" in err
    assert states(acme)[run] == ("running", None)
    assert acme("serve", "--until-idle").code == 0
    assert states(acme)[run] == ("ended", "completed")
    shown = acme.here("--json", "show", run).json
    assert shown["bill"]["usd"] == shown["quote"]["usd"]
    assert [event["event"] for event in shown["timeline"]].count("charged") == 1


def test_machines_of_a_run_that_nobody_knows_are_listed_and_ended_only_with_yes(
    acme: CommandLine,
) -> None:
    machine = leave_machine(acme, "run-of-nobody")
    listed = acme.here("--json", "reap", "--provider", "local").json
    (orphans,) = listed["orphans"]
    assert (orphans["run"], orphans["why"]) == ("run-of-nobody", "unknown")
    assert [(each["id"], each["state"]) for each in orphans["machines"]] == [(machine, "orphan")]
    shown = acme.here("reap", "--provider", "local")
    assert shown.code == 0
    assert "1 machine seen, orphans: 1." in shown.out
    assert "reap --yes" in shown.out
    assert (
        acme.here("--json", "reap", "--provider", "local", "--older-than", "1h").json["orphans"]
        == []
    )
    assert len(processes_by_machine(acme.home)) == 1, "to look changes nothing"

    ended = acme.here("--json", "reap", "--provider", "local", "--yes")
    assert ended.code == 0
    assert [each["state"] for each in ended.json["orphans"][0]["machines"]] == ["gone"]
    assert processes_by_machine(acme.home) == {}
    assert acme.here("reap", "--provider", "local").out == "0 machines seen, orphans: 0.\n"


def test_serve_ends_the_machines_of_a_run_that_has_ended_and_no_others(acme: CommandLine) -> None:
    run = acme.here("run", CHECKOUT, "--account", "acme", "--queue", "--json").json["id"]
    assert acme.here("cancel", run).code == 0
    leave_machine(acme, run)
    leave_machine(acme, "run-of-nobody")

    process = acme.start("serve")
    until(lambda: len(processes_by_machine(acme.home)) == 1)
    process.terminate()
    _, err = process.communicate(timeout=PATIENCE_S)

    assert (
        "reaper: machines: 2 seen, 1 released; 1 of runs unknown here: `loadmuster reap` lists"
        in err
    )
    assert {one.run_id for one in processes_by_machine(acme.home)} == {"run-of-nobody"}
    assert acme.here("reap", "--provider", "local", "--yes").code == 0
    assert processes_by_machine(acme.home) == {}


def test_a_cloud_run_that_no_reaper_has_looked_after_is_warned_of(acme: CommandLine) -> None:
    engine = Engine(f"sqlite:///{acme.database}")
    run = engine.runs.accept(read_scenario(CHECKOUT), account="acme", provider="aws", dry_run=True)
    engine.close()
    assert "reaper" not in acme.here("runs").err
    make_real(acme, run, begun_at=datetime.now(UTC) - timedelta(hours=1))
    warned = acme.here("--json", "runs")
    assert warned.code == 0
    assert warned.json["runs"][0]["id"] == run.id
    region = run.regions[0]
    assert f"no reaper has looked at aws {region} for 10m" in warned.err


def test_without_credentials_reaping_aws_is_one_line_that_says_so(acme: CommandLine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        live_in(patch, NOBODYS_AWS)
        answer = acme.here("reap", "--provider", "aws", "--region", "us-east-1", "--json")
    refused(answer, 4, "credentials")
    assert answer.json["error"]["aws_code"] == "NoCredentialsError"


def test_where_one_place_cannot_be_looked_at_the_others_are_and_the_command_fails(
    acme: CommandLine,
) -> None:
    acme.here("run", CHECKOUT, "--account", "acme", "--queue")
    leave_machine(acme, "run-of-nobody")
    with closing(sqlite3.connect(acme.database)) as books, books:
        columns = "account_id, request_hash, accepted_at, state, reason, attempt, machines"
        books.execute(
            f"INSERT INTO runs (id, order_document, {columns}) SELECT 'run-on-azure',"  # noqa: S608 - a constant
            " json_set(order_document, '$.provider', 'azure', '$.placements[0].provider', 'azure'),"
            f" {columns} FROM runs"
        )
    answer = acme.here("reap", "--yes", "--json")
    refused(answer, 2, "AZURE_SUBSCRIPTION_ID")
    assert [each["run"] for each in answer.json["orphans"]] == ["run-of-nobody"]
    assert [each["provider"] for each in answer.json["failures"]] == ["azure"]
    assert processes_by_machine(acme.home) == {}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("reap", "--provider", "azure", "--region", "westeurope"), "AZURE_SUBSCRIPTION_ID"),
        (("reap", "--provider", "aws"), "--region"),
        (("reap", "--region", "us-east-1"), "--provider"),
        (("reap", "--older-than", "soon"), "--older-than"),
        (("reap", "--provider", "gcp"), "gcp"),
        (("serve", "--at-once", "0"), "--at-once"),
        (("serve", "--reap-every", "often"), "--reap-every"),
        ((*REHEARSED, "--queue", "--detach"), "--detach"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_begun(
    acme: CommandLine, arguments: tuple[str, ...], word: str
) -> None:
    refused(acme.here(*arguments), 2, word)
    assert states(acme) == {}
