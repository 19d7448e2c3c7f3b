"""``run`` when it is interrupted, when its cloud fails, and when its database will not do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from providers.local.processes import processes_by_machine
from providers.rehearsal.aws_cloud import ADDRESS_FILE, is_alive, start_rehearsal_server
from providers.rehearsal.azure_cloud import start_rehearsal_server as start_azure_server
from providers.rehearsal.faults import Fault, FaultKind
from providers.rehearsal.program import Rehearsal
from tests.patience import PATIENCE_S
from tests.real_charges import charged_for_real

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
REHEARSED = ("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run")
# Root may write anywhere unless it gives up the right to: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH.
UNPRIVILEGED = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.promise("exit-code-tells-outcome", command="run", provider="local")
@pytest.mark.promise("closed-terminal-releases", command="run", provider="local")
@pytest.mark.parametrize(("told", "code"), [("Ctrl-C", 130), ("SIGTERM", 8)])
def test_told_to_end_a_real_run_leaves_no_process_and_costs_its_start_up(
    told: str, code: int, acme: CommandLine, shop: str
) -> None:
    process = acme.start(
        *("run", CHECKOUT, "--account", "acme", "--users", "8", "--duration", "10m"),
        *("--set", f"TARGET={shop}", "--json"),
    )
    run = acme.until_state("running")
    assert len(processes_by_machine(acme.home)) == 1

    if told == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    _, errors = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, "Traceback" in errors) == (code, False)
    assert processes_by_machine(acme.home) == {}
    shown = acme.here("--json", "show", run["id"]).json
    assert (shown["state"], shown["outcome"]) == ("ended", "cancelled")
    assert {machine["state"] for machine in shown["machines"]} == {"gone"}
    assert (shown["bill"]["startup_usd"], shown["bill"]["usd"]) == ("0.75", "0.75")
    assert not shown["result"]["completed"]
    assert not shown["result"]["valid"]
    assert "the run was cancelled" in shown["result"]["invalid_reasons"][-1]
    invoices = acme.here("--json", "invoices", "acme").json["invoices"]
    assert [invoice["usd"] for invoice in invoices] == ["0.75"]


@pytest.mark.parametrize(
    ("provider", "state"), [("local", "launching"), ("aws", "accepted")], ids=["local", "aws"]
)
def test_ctrl_c_while_machines_or_their_cloud_are_starting_is_a_cancel_and_no_failure(
    provider: str, state: str, acme: CommandLine, shop: str
) -> None:
    process = acme.start(
        *("run", CHECKOUT, "--account", "acme", "--users", "8", "--provider", provider, "--json"),
        *(("--dry-run",) if provider == "aws" else ("--set", f"TARGET={shop}")),
    )
    acme.until_state(state)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130, errors
    run = acme.until_state("ended")
    assert run["outcome"] == "cancelled"
    assert processes_by_machine(acme.home) == {}
    assert list(acme.home.glob(f"books.db.runs/*/{ADDRESS_FILE}")) == []


@pytest.mark.promise("exit-code-tells-outcome", command="run", provider=("aws", "azure"))
@pytest.mark.parametrize(
    ("provider", "start", "code"),
    [
        ("aws", start_rehearsal_server, "InsufficientInstanceCapacity"),
        ("azure", start_azure_server, "AllocationFailed"),
    ],
    ids=["aws", "azure"],
)
def test_a_run_whose_cloud_has_no_capacity_exits_with_4_and_costs_nothing(
    provider: str, start: Callable[..., Rehearsal], code: str, acme: CommandLine
) -> None:
    engine = Engine(f"sqlite:///{acme.database}")
    with charged_for_real():
        run = engine.runs.accept(
            read_scenario(CHECKOUT),
            account="acme",
            provider=provider,
            dry_run=True,
            request_id="build-7",
        )
    cloud = start(engine.runs.folder / run.id, boot_s=0.0, shutdown_s=0.0)
    cloud.inject(Fault(FaultKind.SHORT_CAPACITY, available=0))
    engine.runs.store.set_endpoint(run.id, cloud.endpoint_url)

    rehearsed = ("run", CHECKOUT, "--account", "acme", "--provider", provider, "--dry-run")
    answer = acme(*rehearsed, "--request-id", "build-7", "--json")

    assert answer.code == 4, answer.err
    assert answer.json["id"] == run.id
    assert answer.json["outcome"] == "failed"
    assert code in answer.json["reason"]
    assert answer.json["machines"] == []
    assert (answer.json["bill"]["usd"], answer.json["bill"]["corrected"]) == ("0.00", True)
    shown = acme.here("show", run.id).out
    assert "use, after the failure" in shown
    assert "after the cancel" not in shown
    assert not is_alive(cloud.endpoint_url)


@pytest.mark.promise("killed-controller-is-succeeded", command="run", provider="azure")
def test_a_killed_controller_on_azure_is_taken_over_and_its_machines_go(
    acme: CommandLine,
) -> None:
    rehearsed = ("run", CHECKOUT, "--account", "acme", "--provider", "azure", "--dry-run")
    process = acme.charged.start(*rehearsed, "--speed", "10", "--json")
    run = acme.until(lambda run: run["state"] in {"launching", "starting"})
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    cancelled = acme("--json", "cancel", run["id"]).json

    assert (cancelled["state"], cancelled["outcome"]) == ("ended", "cancelled")
    assert {machine["state"] for machine in cancelled["machines"]} <= {"gone"}
    assert {machine["type"] for machine in cancelled["machines"]} <= {"Standard_D4pls_v6"}
    assert cancelled["bill"]["usd"] == "1.50"


def test_a_detached_run_is_watched_with_show_until_it_has_ended_by_itself(
    acme: CommandLine,
) -> None:
    started = acme.charged(*REHEARSED, "--speed", "600", "--detach", "--json")
    assert started.code == 0, started.err
    accepted = started.json
    assert (accepted["state"], accepted["outcome"], accepted["bill"]) == ("accepted", None, None)

    acme.until_state("ended")

    shown = acme.here("--json", "show", accepted["id"]).json
    assert shown["outcome"] == "completed"
    assert (shown["bill"]["usd"], shown["bill"]["rehearsed"]) == (shown["quote"]["usd"], False)
    assert [event["event"] for event in shown["timeline"]] == [
        "accepted",
        "charged",
        "launched",
        "load started",
        "releasing",
        "completed",
    ]
    # The same again, in the documents of the other commands.
    late = acme.here("--json", "cancel", accepted["id"]).json
    assert late == {**shown, "cancelled_too_late": True}
    told = acme.here("cancel", accepted["id"]).out
    assert told.startswith(f"{accepted['id']} had ended before it could be cancelled")
    ledger = acme.here("--json", "ledger", "acme").json
    charge, payment = ledger["transactions"]
    assert payment["postings"][0] == {"account": "cash", "usd": shown["bill"]["usd"]}
    assert ledger["id"] == "acme"
    assert accepted["id"] in charge["description"]
    assert sum(Decimal(posting["usd"]) for posting in charge["postings"]) == 0
    (invoice,) = acme.here("--json", "invoices", "acme").json["invoices"]
    assert set(invoice) >= {"number", "issued_at", "usd", "lines"}
    assert all(set(line) >= {"description", "usd", "cause"} for line in invoice["lines"])
    assert sum(Decimal(line["usd"]) for line in invoice["lines"]) == Decimal(invoice["usd"])


@pytest.mark.parametrize("speed", ["nan", "inf", "1e9", "0.5"])
def test_a_speed_that_nothing_can_play_is_refused_before_anything_happens(
    speed: str, acme: CommandLine
) -> None:
    answer = acme.here(*REHEARSED, "--speed", speed)

    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "speed" in answer.err
    assert acme.here("--json", "runs").json == {"runs": []}


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(acme: CommandLine) -> None:
    with closing(sqlite3.connect(acme.database)) as books:
        books.execute("UPDATE loadmuster_version SET version_num = '9999_from_the_future'")
        books.commit()

    for command in (REHEARSED, ("runs",), ("cancel", "run-0"), ("invoices", "acme")):
        answer = acme.here(*command)
        assert answer.code == 2
        assert answer.err.count("\n") == 1
        assert "later version" in answer.err
        assert "9999_from_the_future" in answer.err
    with closing(sqlite3.connect(acme.database)) as books:
        assert books.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def unprivileged(loadmuster: CommandLine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command by somebody who may write only where permissions say so."""
    return subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, sys.executable, "-m", "loadmuster.cli", *arguments],
        cwd=Path(__file__).parents[3],
        env=loadmuster.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def protected() -> Iterator[Callable[[Path], None]]:
    """Takes away the right to write to a folder, for the test."""
    folders: list[Path] = []

    def protect(folder: Path) -> None:
        folders.append(folder)
        folder.chmod(0o555)

    yield protect
    for folder in folders:
        folder.chmod(0o755)


def test_without_permission_to_write_the_database_nothing_is_started(
    acme: CommandLine, protected: Callable[[Path], None]
) -> None:
    before = sorted(file.name for file in acme.home.iterdir())
    acme.database.chmod(0o444)
    protected(acme.home)

    answer = unprivileged(acme, *REHEARSED)

    assert answer.returncode == 2, answer
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert "books.db" in answer.stderr
    assert "permission" in answer.stderr
    assert sorted(file.name for file in acme.home.iterdir()) == before


def test_without_permission_to_write_the_files_of_a_run_nothing_is_started(
    acme: CommandLine, protected: Callable[[Path], None]
) -> None:
    folder = acme.home / "books.db.runs"
    folder.mkdir()
    protected(folder)

    answer = unprivileged(acme, *REHEARSED)

    assert answer.returncode == 2, answer
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert str(folder) in answer.stderr
    assert list(folder.iterdir()) == []
    assert acme.here("--json", "runs").json == {"runs": []}


def test_a_file_in_the_place_of_the_folder_of_runs_is_one_clear_line(acme: CommandLine) -> None:
    (acme.home / "books.db.runs").write_text("in the way")

    for wish in (REHEARSED, (*REHEARSED, "--detach")):
        answer = acme.here(*wish)
        assert answer.code == 2
        assert answer.err.count("\n") == 1
        assert "books.db.runs" in answer.err
    assert acme.here("--json", "runs").json == {"runs": []}
