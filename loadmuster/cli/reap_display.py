"""How orphans look: to people, and as the reason why a command fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.model.errors import ReleaseUnprovenError
from kernel.words import counted
from loadmuster.cli.output import tell
from loadmuster.documents.reaper import fate

if TYPE_CHECKING:
    from rich.console import Console

    from engine.api import Engine
    from engine.commands.reaper import Reaping
    from engine.runs.reaper.reaper import ReapedRegion
    from kernel.errors import LoadmusterError

FATES = {"orphan": "orphan", "gone": "gone", "left": "asked to go, still there"}


def show_reaping(console: Console, reaping: Reaping) -> None:
    """What the reaper found, for people."""
    from loadmuster.cli.layout import columns

    table = columns("run", "why", "machine", "type", "in", "launched", "", fixed=("run", "machine"))
    for round_ in reaping.rounds:
        for each in round_.reaped:
            for machine in each.orphans.machines:
                table.add_row(
                    each.orphans.run_id,
                    each.orphans.why.value,
                    machine.machine_id,
                    machine.machine_type,
                    f"{_where(round_.place)} {machine.region}",
                    f"{machine.launched_at:%Y-%m-%d %H:%M}",
                    FATES[fate(each, machine.machine_id)],
                )
    if table.row_count:
        console.print(table)
    machines = sum(len(each.machines) for each in reaping.rounds)
    console.print(f"{counted(machines, 'machine')} seen, orphans: {table.row_count:,}.")
    if any(not each.released for round_ in reaping.rounds for each in round_.reaped):
        console.print("`loadmuster reap --yes` ends them.")


def failure_of(reaping: Reaping) -> LoadmusterError | None:
    """Why the command fails: a place could not be looked at, or machines are left."""
    if reaping.failures:
        return reaping.failures[0][1]
    left = sum(len(round_.unproven) for round_ in reaping.rounds)
    if not left:
        return None
    return ReleaseUnprovenError(
        f"{counted(left, 'machine')} did not go when asked to; `reap --yes` tries again",
        machines=left,
    )


def warn_of_overdue_reaps(engine: Engine, every_s: float | None = None) -> None:
    """Say on standard error where runs have machines that no reaper has looked at for too long."""
    from engine.runs.reaper.heartbeats import REAP_EVERY_S
    from kernel.durations import format_duration

    period_s = int(every_s or REAP_EVERY_S)
    late = engine.reaper.overdue(period_s)
    if late:
        where = ", ".join(f"{each.provider} {each.region}" for each in late)
        tell(
            f"no reaper has looked at {where} for {format_duration(period_s)}; "
            "`loadmuster serve` looks regularly, `loadmuster reap` once"
        )


def _where(place: ReapedRegion) -> str:
    return f"{place.name} rehearsed" if place.rehearsal else place.name
