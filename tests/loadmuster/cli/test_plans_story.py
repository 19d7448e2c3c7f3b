"""The story of ``examples/plans.sh``: what it prints, and what its sums are.

LOADMUSTER_GOLDEN=write renews the golden file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).with_name("goldens") / "plans.txt"
RUN_ID = re.compile(r"run-[0-9a-f]{10}")
LATER = ("--now", "2027-05-10T13:00+02:00")


@pytest.mark.early
def test_the_story_adds_up_and_leaves_nothing_behind(
    loadmuster: CommandLine, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    told = subprocess.run(
        ["/bin/sh", str(ROOT / "examples" / "plans.sh")],
        env=loadmuster.environment
        | {
            "LOADMUSTER": f"{sys.executable} -m loadmuster.cli",
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(scratch),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert list(scratch.iterdir()) == []
    story = RUN_ID.sub("run-0000000000", told.stdout)
    if os.environ.get("LOADMUSTER_GOLDEN") == "write":
        GOLDEN.write_text(story, encoding="utf-8")
    assert story == GOLDEN.read_text(encoding="utf-8")

    invoices = loadmuster.here("--json", "invoices", "acme", *LATER).json["invoices"]
    charged = ["199.00", "500.00", "699.00", "699.00", "199.00", "199.00"]
    assert [invoice["usd"] for invoice in invoices] == charged
    shown = loadmuster.here("--json", "account", "show", "acme", *LATER).json
    assert (shown["charged_usd"], shown["unpaid_usd"]) == ("2495.00", "0.00")
    assert shown["balance_li_minutes"] == 1800
    assert shown["period"]["start"] == "2027-05-10T00:00:00+02:00"

    sums: dict[str, float] = {}
    for entry in loadmuster.here("--json", "ledger", "acme", *LATER).json["transactions"]:
        for posting in entry["postings"]:
            amount = float(posting.get("usd", posting.get("li_minutes")))
            sums[posting["account"]] = sums.get(posting["account"], 0) + amount
    assert sums["receivable"] == 0
    assert sums["cash"] == 199 + 500 + 699 + 699 + 199 + 199
    # Granted: Starter, the difference, Professional, a boost, Starter twice; a rehearsal used none.
    granted = 1800 + 5400 + 7200 + 7200 + 1800 + 1800
    assert -sums["issued"] == granted
    assert sums["void"] == granted - 1800
