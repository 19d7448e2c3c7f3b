"""A runner of one's own in five lines: ``python examples/runner.py http://127.0.0.1:8000``."""

from __future__ import annotations

import sys

from loadmuster import Engine

with Engine() as engine:
    engine.accounts.open("ci", request_id="open-ci")
    target = [f"TARGET={sys.argv[1]}"]
    run = engine.run("examples/smoke.yaml", account="ci", settings=target, max_usd_micros=2_000_000)
    print(run.id, run.outcome, engine.runs.show(run.id).bill)  # noqa: T201 - it says so
