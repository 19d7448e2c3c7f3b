"""The examples for test runners, run as users run them: what they say, and what they leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from providers.local.processes import processes_by_machine
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

ROOT = Path(__file__).resolve().parents[3]
NOBODY = "http://127.0.0.1:9"
NAMED = f"{sys.executable} -m loadmuster.cli"
"""The command, for who does not have it on the path."""

PYTEST = (
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"),
    *("-c", os.devnull, "--rootdir", "examples/load_tests"),
)
"""As elsewhere: without the settings of this project."""


def started(
    loadmuster: CommandLine, command: Sequence[str], **environment: str
) -> subprocess.Popen[str]:
    """An example, in a process group of its own as a terminal starts it."""
    inherited = {
        name: value for name, value in loadmuster.environment.items() if name != "LOADMUSTER"
    }
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **inherited,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )


def on_the_path(loadmuster: CommandLine) -> dict[str, str]:
    """A path on which the command is, as an installation leaves it."""
    folder = loadmuster.home / "bin"
    folder.mkdir()
    command = folder / "loadmuster"
    command.write_text(f'#!/bin/sh\nexec {NAMED} "$@"\n')
    command.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def said(process: subprocess.Popen[str]) -> str:
    """All that it said, once it has ended."""
    return process.communicate(timeout=PATIENCE_S)[0]


def load_tests(loadmuster: CommandLine, only: str, **environment: str) -> subprocess.Popen[str]:
    return started(loadmuster, [*PYTEST, "examples/load_tests", "-k", only], **environment)


def runs_of(loadmuster: CommandLine) -> Sequence[Mapping[str, Any]]:
    """All runs, newest first, of which no machine may be left."""
    assert processes_by_machine(loadmuster.home) == {}
    runs = loadmuster.here("--json", "runs").json["runs"]
    shown = [loadmuster.here("--json", "show", run["id"]).json for run in runs]
    assert {run["state"] for run in shown} <= {"ended"}
    invoices = loadmuster.here("--json", "invoices", "ci").json["invoices"]
    assert sorted(each["usd"] for each in invoices) == sorted(run["bill"]["usd"] for run in shown)
    return shown


@pytest.mark.promise("example-does-as-it-says", command="Engine.run", provider="local")
def test_the_runner_in_five_lines_runs_and_tells_the_bill(
    loadmuster: CommandLine, shop: str
) -> None:
    process = started(loadmuster, [sys.executable, "examples/runner.py", shop])

    out = said(process)

    (run,) = runs_of(loadmuster)
    assert (process.returncode, run["outcome"], run["bill"]["usd"]) == (0, "completed", "0.76")
    assert out.startswith(f"{run['id']} completed Bill(")
    assert "startup=750000, use=10000" in out


@pytest.mark.promise("example-does-as-it-says", command="Engine.run", provider="local")
def test_load_tests_in_pytest_pass_within_their_budgets(loadmuster: CommandLine, shop: str) -> None:
    process = load_tests(loadmuster, "answered or started", TARGET=shop)

    out = said(process)

    assert (process.returncode, "2 passed" in out) == (0, True), out
    (run,) = runs_of(loadmuster)
    assert (run["outcome"], run["result"]["valid"]) == ("completed", True)


@pytest.mark.promise("example-does-as-it-says", command="Engine.run", provider="local")
@pytest.mark.promise("python-interrupt-releases", command="Engine.run", provider="local")
def test_a_callback_that_raises_and_ctrl_c_end_the_runs_of_load_tests_in_pytest(
    loadmuster: CommandLine,
) -> None:
    process = load_tests(loadmuster, "over or answered", TARGET=NOBODY, LENGTH_S="300")
    loadmuster.until(
        lambda _newest: len(loadmuster.here("--json", "runs").json["runs"]) > 1, process
    )
    loadmuster.until_state("running", process)

    os.killpg(process.pid, signal.SIGINT)
    out = said(process)

    assert (process.returncode, "KeyboardInterrupt" in out) == (2, True), out
    runs = runs_of(loadmuster)
    assert [run["outcome"] for run in runs] == ["cancelled"] * 2
    assert {run["bill"]["usd"] for run in runs} == {"0.75"}
    assert "requests have failed" in out
    assert f"run {runs[1]['id']} was ended on the way out, cancelled: its machines are gone" in out


@pytest.mark.promise("example-does-as-it-says", command="run", provider="local")
@pytest.mark.promise("exit-code-tells-outcome", command="run", provider="local")
@pytest.mark.promise("dead-target-is-no-evidence", command="run", provider="local")
@pytest.mark.parametrize(
    ("target", "where", "code", "last"),
    [
        ("", "named", 0, "The load test passed: deploying."),
        (NOBODY, "named", 7, "Not deployed: what was measured says nothing of the target."),
        (NOBODY, "path", 7, "Not deployed: what was measured says nothing of the target."),
    ],
    ids=["passed", "dead target", "dead target, by the command on the path"],
)
def test_a_step_of_ci_deploys_only_after_a_load_test_that_says_something(
    target: str, where: str, code: int, last: str, loadmuster: CommandLine, shop: str
) -> None:
    step = ["/bin/sh", "examples/ci.sh", target or shop]
    found = {"LOADMUSTER": NAMED} if where == "named" else on_the_path(loadmuster)
    process = started(loadmuster, step, CI_JOB_ID="job-7", **found)

    out = said(process)

    assert (process.returncode, out.splitlines()[-1]) == (code, last), out
    assert "Traceback" not in out
    (run,) = runs_of(loadmuster)
    assert (run["outcome"], run["result"]["valid"]) == ("completed", code == 0)
