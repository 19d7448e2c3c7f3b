"""Histograms of response times, and what is read off them."""

from __future__ import annotations

from collections.abc import Sequence

MS_PER_S = 1_000

Histogram = Sequence[tuple[int, int]]
"""Pairs of response time in milliseconds and number of requests, by time."""


def percentile_ms(histogram: Histogram, percent: int) -> int | None:
    """The least time within which ``percent`` of the requests were answered; None: no request."""
    wanted = sum(count for _, count in histogram) * percent
    seen = 0
    for time_ms, count in histogram:
        seen += count
        if seen * 100 >= wanted:
            return time_ms
    return None
