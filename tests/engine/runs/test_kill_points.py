"""Controllers that are killed with SIGKILL at every step, and what the next one makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from providers.local.processes import processes_by_machine
from providers.rehearsal.aws_cloud import Rehearsal, start_rehearsal_server
from tests.patience import PATIENCE_S

PROGRAM = Path(__file__).with_name("kill_points.py")
KILLS_MIN = 20

Report = dict[str, Any]


def kill(kind: str, url: str, folder: Path, place: str) -> Sequence[Report]:
    """One report a kill."""
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), kind, url, str(folder), place],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def check_the_next_controller_put_it_right(report: Report) -> None:
    assert report["killed"], report
    facts = report["facts"]["after"]
    assert facts["state"] == "ended", report
    assert facts["outcome"] == report["wanted"], report
    assert facts["machines"] == 0, report
    assert facts["startup_charges"] == [facts["startup"]], report
    assert facts["sum"] == 0, report
    assert facts["invoices"] == [facts["total"]], report
    if report["wanted"] == "completed":
        assert facts["total"] == facts["quoted"], report
    else:
        assert facts["startup"] <= facts["total"] <= facts["quoted"], report


@pytest.fixture(scope="module")
def paced_rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed AWS whose machines take their time to come and to go."""
    rehearsal = start_rehearsal_server(
        tmp_path_factory.mktemp("paced"), boot_s=0.3, shutdown_s=0.3, owner_pid=os.getpid()
    )
    yield rehearsal
    rehearsal.stop()


@pytest.mark.promise("killed-controller-is-succeeded", command="run", provider="aws")
@pytest.mark.early
@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True
)
def test_a_controller_killed_at_any_step_leaves_nothing_that_the_next_does_not_end_and_bill_once(
    database_url: str, paced_rehearsal: Rehearsal, tmp_path: Path
) -> None:
    reports = kill("aws", database_url, tmp_path / "runs", paced_rehearsal.endpoint_url)

    states = {report["facts"]["between"]["state"] for report in reports if report["killed"]}
    sys.stdout.write(f"{len(reports)} kill points on {database_url.partition(':')[0]}\n")
    assert len(reports) >= KILLS_MIN
    assert states == {"accepted", "launching", "starting", "running", "releasing", "ended"}
    for report in reports:
        check_the_next_controller_put_it_right(report)


@pytest.mark.promise("killed-controller-is-succeeded", command="run", provider="local")
@pytest.mark.early
def test_real_injectors_outlive_a_killed_controller_and_not_its_successor(
    sqlite_url: str, shop: str, tmp_path: Path
) -> None:
    reports = kill("local", sqlite_url, tmp_path / "runs", shop)

    sys.stdout.write(f"{len(reports)} kill points with real load\n")
    assert {report["step"] for report in reports} == {
        "launching/Launch/sent",
        "running/Wait/after",
        "releasing/Release/before",
        "releasing/Release/sent",
    }
    for report in reports:
        check_the_next_controller_put_it_right(report)
        if report["step"] != "releasing/Release/sent":
            assert report["facts"]["between"]["machines"] == 1, report
    assert processes_by_machine(tmp_path) == {}
