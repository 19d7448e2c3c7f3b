"""A Locust worker counts from where the load began, and each request once."""

from __future__ import annotations

import subprocess
import sys


def test_seconds_are_the_loads_and_an_answer_while_it_is_ended_is_an_answer() -> None:
    counted = subprocess.run(
        [sys.executable, "-m", "tests.engine.load.worker_counts"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (counted.returncode, counted.stderr) == (0, "")
