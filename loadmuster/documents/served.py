"""The document of ``serve``: what a controller did with the runs that it took."""

from __future__ import annotations

from collections import Counter
from typing import Any

SERVED = ("taken", "completed", "cancelled", "failed", "stopped", "released", "lost", "errors")
"""What is counted, in order."""


def served_document(counts: Counter[str]) -> dict[str, Any]:
    """How many runs were taken, and what became of them."""
    return {"served": {name: counts[name] for name in SERVED}}
