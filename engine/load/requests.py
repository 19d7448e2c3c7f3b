"""Requests: the table of what each kind of request came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from engine.load.figures import RequestFigures
from engine.load.histogram import percentile_ms
from engine.load.tally import OTHER

ROWS_MAX = 100
"""Requests with a row of their own; the rest has one together."""

Row = Mapping[str, Any]


def merged_rows(tables: Iterable[Iterable[Row]]) -> list[dict[str, Any]]:
    """Tables of several processes as one: the most frequent requests, and the rest as one.

    A row has ``method``, ``name``, ``requests``, ``failures`` and ``response_times_ms``.
    """
    counts: Counter[tuple[str, str]] = Counter()
    failures: Counter[tuple[str, str]] = Counter()
    times: dict[tuple[str, str], Counter[int]] = {}
    for table in tables:
        for row in table:
            key = (row["method"], row["name"])
            counts[key] += row["requests"]
            failures[key] += row["failures"]
            times.setdefault(key, Counter()).update(dict(row["response_times_ms"]))
    rest = ("", OTHER)
    named = [key for key, _ in counts.most_common() if key != rest]
    for key in named[ROWS_MAX:]:
        counts[rest] += counts[key]
        failures[rest] += failures[key]
        times.setdefault(rest, Counter()).update(times[key])
    kept = [*named[:ROWS_MAX], *([rest] if rest in counts else [])]
    return [
        {
            "method": method,
            "name": name,
            "requests": counts[method, name],
            "failures": failures[method, name],
            "response_times_ms": sorted(times[method, name].items()),
        }
        for method, name in kept
    ]


def figures_of(rows: Iterable[Row], load_s: float) -> tuple[RequestFigures, ...]:
    """The table as people read it, the most frequent requests first."""
    return tuple(
        RequestFigures(
            name=row["name"],
            method=row["method"],
            requests=row["requests"],
            failures=row["failures"],
            requests_per_s=row["requests"] / load_s if load_s else 0.0,
            p50_ms=percentile_ms(row["response_times_ms"], 50),
            p95_ms=percentile_ms(row["response_times_ms"], 95),
            p99_ms=percentile_ms(row["response_times_ms"], 99),
        )
        for row in merged_rows([rows])
    )
