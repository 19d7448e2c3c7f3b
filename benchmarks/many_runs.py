"""A hundred runs driven at once by one process, and the memory that this takes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Figure, peak_kib
from engine.scenario import Protocol
from engine.scenario.profile import closed
from kernel.clock import SystemClock
from loadmuster import Engine, Scenario
from providers.rehearsal.aws_cloud import start_rehearsal_server

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 900), (600, 900)]))
TIME_SCALE = 30.0
"""The load of a run flows for twenty seconds."""

PATIENCE_S = 600.0


def figures(runs: int = 100) -> list[Figure]:
    """Peak memory of the controller; every run must have completed."""
    with tempfile.TemporaryDirectory(prefix="lm-bench-") as folder:
        rehearsal = start_rehearsal_server(Path(folder), boot_s=0.3, shutdown_s=0.3)
        try:
            url = f"sqlite:///{folder}/books.db"
            _accept(url, rehearsal.endpoint_url, runs)
            served = subprocess.run(
                [
                    *(sys.executable, "-m", "benchmarks.many_runs"),
                    *(url, rehearsal.endpoint_url, str(runs)),
                ],
                check=True,
                stdout=subprocess.PIPE,
                cwd=ROOT,
            )
        finally:
            rehearsal.stop()
    found = json.loads(served.stdout)
    assert found["completed"] == runs, found
    memory_mib = found["peak_kib"] / 1_024
    return [
        Figure(
            f"memory of the process that drives {runs} runs at once",
            f"{memory_mib:.0f} MiB",
            "200 MB",
            memory_mib * 2**20 / 200e6,
            "at most 1",
        )
    ]


def _accept(url: str, endpoint_url: str, runs: int) -> None:
    engine = Engine(url, clock=SystemClock(), rehearsal_url=endpoint_url)
    engine.accounts.open("acme")
    for _ in range(runs):
        engine.runs.accept(
            SCENARIO, account="acme", provider="aws", dry_run=True, time_scale=TIME_SCALE
        )
    engine.close()


def main() -> None:
    """Drive all runs of a database at once; what completed and the peak memory as JSON."""
    url, endpoint_url, runs = sys.argv[1:]
    engine = Engine(url, clock=SystemClock(), rehearsal_url=endpoint_url)
    ends_s = time.monotonic() + PATIENCE_S
    counts = engine.serving.serve(
        stop_wanted=lambda: time.monotonic() > ends_s,
        at_once=int(runs),
        until_idle=True,
        reap_every_s=0,
    )
    engine.close()
    print(json.dumps({"completed": counts["completed"], "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main()
