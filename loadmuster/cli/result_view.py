"""How a run's result looks: its verdict, its figures, its requests, and why some of them failed.

Names and texts come from the test and its target, so they are shown as they are, never as markup.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType
from rich.text import Text

from engine.load.driver import LoadResult
from engine.load.figures import RequestFigures
from kernel.visible import visible
from loadmuster.cli.layout import columns

ROWS_SHOWN = 20
"""Of the table of requests; its document has all."""


def result_parts(
    result: LoadResult, warnings: tuple[str, ...], left_out_because: str | None
) -> list[RenderableType]:
    """The result from its verdict down to its requests.

    Args:
        result: What was measured.
        warnings: The result's own, and what else there is to know.
        left_out_because: Why it does not count in later estimates; None: it does.
    """
    style = "bold red" if not result.valid else "bold yellow" if ", but" in result.verdict else ""
    content: list[RenderableType] = [Text(result.verdict, style=style)]
    said = [each for each in warnings if each not in result.verdict]
    content += [
        Text(f"- {visible(each)}") for each in (*result.invalid_reasons, *said, *result.unknown)
    ]
    content += [*_figures(result), *_by_request(result), *_failures(result)]
    if left_out_because is not None:
        content.append(Text(f"not counted in later estimates: {left_out_because}", style="dim"))
    return content


def _figures(result: LoadResult) -> list[RenderableType]:
    wait_s = result.longest_wait_s
    load = {
        "requests": result.requests,
        "failures": result.failures,
        "failed %": result.failed_percent,
        "no answer": result.unanswered,
        "requests/s": result.requests_per_s,
        "planned/s": result.planned_requests_per_s,
        "peak users": result.peak_users,
    }
    times = {
        "p50 ms": result.p50_ms,
        "p95 ms": result.p95_ms,
        "p99 ms": result.p99_ms,
        "longest wait ms": None if wait_s is None else round(wait_s * 1_000),
    }
    return [_row_of(load), Text(""), _row_of(times)]


def _row_of(figures: Mapping[str, float | None]) -> RenderableType:
    table = columns(*figures, right=tuple(figures))
    table.add_row(*(_figure(value) for value in figures.values()))
    return table


def _by_request(result: LoadResult) -> list[RenderableType]:
    if not result.by_request:
        return []
    names = ("requests", "failures", "failed %", "requests/s", "p50 ms", "p95 ms", "p99 ms")
    table = columns("request", *names, right=names)
    for row in result.by_request[:ROWS_SHOWN]:
        table.add_row(f"{row.method} {row.name}".strip(), *_row(row))
    more = len(result.by_request) - ROWS_SHOWN
    return [Text(""), table, *([Text(f"and {more:,} more, with --json")] if more > 0 else [])]


def _row(row: RequestFigures) -> list[str]:
    failed_percent = 100 * row.failures / row.requests if row.requests else None
    values = (row.requests, row.failures, failed_percent, row.requests_per_s)
    return [_figure(each) for each in (*values, row.p50_ms, row.p95_ms, row.p99_ms)]


def _failures(result: LoadResult) -> list[RenderableType]:
    if not result.failure_kinds:
        return []
    table = columns("why requests failed", "failures", right=("failures",))
    for kind in result.failure_kinds:
        table.add_row(kind.kind, _figure(kind.count))
    said = [
        Text(visible(f"{sample.kind}, {sample.request or 'a request'}: {sample.text}"))
        for sample in result.failure_samples
        if sample.text
    ]
    return [Text(""), table, *([Text("the first of them:", "dim"), *said] if said else [])]


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
