"""The documents of sweeps: rows, the partitions of a folder, and what is left of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.sweeping.known_columns import IN_DOLLARS, OUTPUTS
from engine.sweeping.tally import Tally
from pricing.money import format_cents, format_usd

if TYPE_CHECKING:
    from engine.sweeping.files import FileSweep
    from engine.sweeping.reduction import Reduced
    from engine.sweeping.spread import PartSwept

PERCENTS = (1, 25, 50, 75, 99)
ESTIMATES = {
    measure.name: [each.name for each in OUTPUTS if each.of_machines == measure.of_machines]
    for measure in OUTPUTS
    if measure.in_dollars
}
"""Of the best what-ifs of a grid, those that are shown."""

Rows = Mapping[str, Sequence[Any]]
"""Columns by name, all of one length."""


def file_document(
    source: str, target: Path | None, done: FileSweep, left_out: Sequence[str] = ()
) -> dict[str, Any]:
    """A sweep of rows as ``--json`` prints it; money is text in dollars.

    Args:
        source: What was swept.
        target: Where the rows are; None: nowhere but here.
        done: What came of it.
        left_out: Why what-ifs of a grid are not among the rows.
    """
    return {
        "source": source,
        "file": None if target is None else str(target),
        "rows": done.rows,
        "marked": done.marked,
        "problems": [
            {"row": each.row, "column": each.column, "message": each.message}
            for each in done.problems
        ],
        "written": done.written,
        "first": [] if done.best is None else _documents(done.best.to_pydict()),
        "left_out": list(left_out),
    }


def folder_document(source: Path, target: Path, parts: Sequence[PartSwept]) -> dict[str, Any]:
    """A sweep of partitions as ``--json`` prints it."""
    return {
        "source": str(source),
        "file": str(target),
        "rows": sum(each.rows for each in parts),
        "marked": sum(each.marked for each in parts),
        "problems": [
            {"part": part.name, "row": each.row, "column": each.column, "message": each.message}
            for part in parts
            for each in part.problems
        ],
        "parts": [{"name": each.name, "rows": each.rows} for each in parts],
    }


def grid_document(reduced: Reduced) -> dict[str, Any]:
    """What is left of a grid as ``--json`` prints it; money is text in dollars."""
    name = IN_DOLLARS[reduced.measure]
    return {
        "what_ifs": reduced.what_ifs,
        "left_out": reduced.left_out,
        "reasons": list(reduced.reasons),
        "measure": name,
        "percentiles": {
            said: dollars(reduced.measure, amount) for said, amount in percentiles(reduced.tally)
        },
        "best": _documents(best_of(reduced)),
    }


def percentiles(tally: Tally) -> list[tuple[str, int]]:
    """How the cost is spread, from the least to the most: words, and millionths of a dollar."""
    found = [("least", tally.least)]
    found += [
        ("median" if percent == 50 else f"{percent} %", tally.percentile(percent))  # noqa: PLR2004 - the middle
        for percent in PERCENTS
    ]
    found.append(("most", tally.most))
    return [(said, amount) for said, amount in found if amount is not None]


def best_of(reduced: Reduced) -> Rows:
    """What was asked and what came out of the best what-ifs, side by side."""
    estimates = reduced.estimates
    found: dict[str, Sequence[Any]] = dict(reduced.best)
    for name in ESTIMATES[reduced.measure]:
        found[name] = getattr(estimates, name).tolist()
    return found


def dollars(name: str, usd_micros: int) -> str:
    """Decimal dollars: charges in whole cents, machines to the millionth."""
    return format_cents(usd_micros) if name == "usd_micros" else format_usd(usd_micros)


def _documents(rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            IN_DOLLARS.get(name, name): dollars(name, value)
            if name in IN_DOLLARS and value is not None
            else value
            for name, value in zip(rows, values, strict=True)
        }
        for values in zip(*rows.values(), strict=True)
    ]
