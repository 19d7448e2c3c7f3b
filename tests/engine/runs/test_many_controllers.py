"""Many controllers on one PostgreSQL, killed now and then: every run ends, and is billed, once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.rehearsal.aws_cloud import Rehearsal, start_rehearsal_server
from tests.patience import PATIENCE_S

PROGRAM = Path(__file__).with_name("many_controllers.py")
LATE = "not launched within"
"""Why a run fails here on a machine that is too busy: whoever launched it was killed too often."""


@pytest.fixture
def shared_cloud(tmp_path: Path) -> Iterator[Rehearsal]:
    """A rehearsed AWS for all runs, whose machines take their time to come and to go."""
    rehearsal = start_rehearsal_server(
        tmp_path / "cloud", boot_s=0.3, shutdown_s=0.3, owner_pid=os.getpid()
    )
    yield rehearsal
    rehearsal.stop()


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_every_run_of_controllers_that_are_killed_ends_once_and_is_billed_once(
    database_url: str,
    shared_cloud: Rehearsal,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    wanted = int(pytestconfig.getoption("--many-runs"))
    ended = subprocess.run(
        [
            *(sys.executable, str(PROGRAM), database_url, str(tmp_path / "many")),
            *(shared_cloud.endpoint_url, str(wanted)),
            *(str(pytestconfig.getoption(name)) for name in ("--kill-every-s", "--kills")),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)

    outcomes = Counter(run["outcome"] for run in report["runs"])
    sys.stdout.write(
        f"\n{wanted} runs, {report['killed']} controllers killed, "
        f"{report['taken_over']} runs taken over, {report['took_s']} s: "
        + ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        + "".join(
            f", {sum(run[name] for run in report['runs'])} {name.replace('_', ' ')}"
            for name in ("startup_charges", "corrections", "invoices")
        )
        + f", {report['machines_left']} machines left\n"
    )
    assert report["killed"] >= 2
    assert report["taken_over"] >= 1
    assert set(report["codes"]) == {0}, "the controllers that were not killed end by themselves"
    assert report["machines_left"] == 0
    assert report["sums"] == [0]
    assert len(report["runs"]) == wanted
    assert outcomes["completed"] > outcomes["failed"]
    for run in report["runs"]:
        charges = int(run["charged"])
        assert run["ended"], run
        assert run["ends"] == 1, run
        assert run["outcome"] != "failed" or run["reason"].startswith(LATE), run
        assert run["intents"] == run["startup_charges"] == run["use_charges"] == charges, run
        assert run["invoices"] == charges, run
        assert run["corrections"] <= charges, run
        assert not (run["outcome"] == "completed" and run["corrections"]), run
