"""How a calibration looks to people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from engine.calibrating.calibration import Calibration
from engine.calibrating.step import US_PER_S
from engine.calibrating.steps import CEILING_PERCENT, CLEAR_PERCENT, full_pace_steps
from kernel.words import counted
from loadmuster.cli.curves import CurveLine, Curves, Mark, draw
from loadmuster.cli.layout import INDENT, columns, facts, section

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.scenario import Scenario

BUSY_OTHERS_PERCENT = 50
"""Of a core: from there on what else runs here may have held the load engine up."""


def show_calibration(
    console: Console,
    scenario: Scenario,
    calibration: Calibration,
    kept: Path | None,
    out: Path | None,
) -> None:
    """Title, the curve, the steps, what a user takes, and what to mind."""
    console.print(Text.assemble((scenario.name, "bold cyan"), f"  {calibration.engine}"))
    console.print(Text(calibration.machine, "dim"))
    says_enough = calibration.too_little is None
    if says_enough and out is None and console.encoding.lower().startswith("utf"):
        section(
            console,
            "Processor against users",
            draw(calibration_chart(calibration), console.width - INDENT),
        )
    section(console, "Measured", _measured(calibration))
    if says_enough:
        section(console, "One user", facts(*_user(calibration)))
    notes = list(_notes(calibration))
    if notes:
        section(console, "Good to know", *(f"- {note}" for note in notes))
    console.print()
    if out is not None:
        console.print(f"drawn into {out}")
    console.print("nothing was kept" if kept is None else f"kept in {kept}")


def _measured(calibration: Calibration) -> Table:
    """A row a step, with what the line says of it, and how far that is off where it counts."""
    names = ("users", "% of a core", "by the line", "off", "requests/s", "MiB")
    table = columns(*names, right=names)
    says_enough = calibration.too_little is None
    for step, fitted in zip(calibration.steps, calibration.fitted, strict=True):
        off_percent = fitted.off_percent if calibration.has_known_fit else None
        table.add_row(
            f"{step.users:,}",
            f"{step.processor_percent:.2f}",
            f"{fitted.percent:.2f}" if says_enough else "-",
            "-" if off_percent is None else f"{off_percent:+.1f} %",
            f"{step.requests_per_s:,.1f}",
            f"{step.memory_kib / 1024:.0f}",
        )
    return table


def calibration_chart(calibration: Calibration) -> Curves:
    """Processor against users: what was measured, and the line through it up to the ceiling."""
    line, users = calibration.line, calibration.users_at_ceiling
    steps = sorted(full_pace_steps(calibration.steps), key=lambda step: step.users)
    fitted = [
        (float(x), 100 * (line.idle_us_per_s + x * line.user_us_per_s) / US_PER_S)
        for x in (0, max(users, steps[-1].users))
    ]
    return Curves(
        title=f"{calibration.test}: {calibration.engine}",
        x_label="users",
        y_label="% of a core",
        lines=(
            CurveLine("fitted", fitted),
            CurveLine("measured", [(float(step.users), step.processor_percent) for step in steps]),
        ),
        marks=(
            Mark(
                "fitted", users, CEILING_PERCENT, f"{counted(users, 'user')} at {CEILING_PERCENT} %"
            ),
        ),
    )


def _user(calibration: Calibration) -> Iterator[tuple[str, str]]:
    yield "processor", f"{calibration.processor_us_per_request / 1000:.3g} ms a request"
    yield "requests", f"{calibration.requests_per_million_s / US_PER_S:.3g} a second"
    yield "memory", f"{calibration.memory_kib_per_user:,} KiB"
    yield (
        "at the ceiling",
        f"{counted(calibration.users_at_ceiling, 'user')} on a core at {CEILING_PERCENT} %",
    )
    line, counted_steps = calibration.line, len(full_pace_steps(calibration.steps))
    drawn_through = f"of {counted(counted_steps, 'step')} that the line is drawn through"
    off = f"none is further off than {line.error_percent:.1f} %"
    if calibration.has_known_fit:
        yield "fit", f"R² {line.r_squared:.4f}; {drawn_through}, {off}"
    else:
        yield "fit", f"not known: {counted(counted_steps, 'step')} say nothing of it"
    yield (
        "range",
        f"more users may take {calibration.range_percent:.0f} % more or less than foretold",
    )
    if (foretold := calibration.foretold) is not None:
        yield (
            "check",
            (
                f"the steps up to 50 % foretell {counted(foretold.foretold, 'user')}, "
                f"{foretold.measured:,} were measured: {foretold.error_percent:.1f} % off"
            ),
        )


def _notes(calibration: Calibration) -> Iterator[str]:
    if calibration.too_little is not None:
        yield f"no estimate counts with this: {calibration.too_little}"
        return
    if calibration.note:
        yield f"stopped before the ceiling: {calibration.note}"
    if len(full_pace_steps(calibration.steps)) < len(calibration.steps):
        yield (
            f"the line is drawn through the steps that say how far they are off: below "
            f"{CLEAR_PERCENT:.0f} % of a core the processor's own noise is as large as its users, "
            "and users who fail or are held up, if only a little, say nothing of the injector"
        )
    others = max(step.others_us_per_s for step in calibration.steps) * 100 / US_PER_S
    if others > BUSY_OTHERS_PERCENT:
        yield (
            f"up to {others:.0f} % of a core went to other programs, the target perhaps among "
            "them; on a busy machine a user looks dearer than it is"
        )
