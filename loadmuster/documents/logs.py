"""The document of a run's logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.load.logs import InjectorLog


def logs_document(run_id: str, logs: Sequence[InjectorLog]) -> dict[str, Any]:
    """Logs as ``loadmuster logs --json`` prints them; ``injector`` is null for Locust's master."""
    return {
        "run": run_id,
        "logs": [
            {"injector": each.injector, "file": str(each.file), "lines": list(each.lines)}
            for each in logs
        ],
    }
