"""How orphans look: to people, to programs, and as the reason why a command fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.runs.errors import ReleaseUnprovenError

if TYPE_CHECKING:
    from rich.console import Console

    from engine.api import Engine
    from engine.commands.reaper import Reaping
    from engine.runs.reaper.reaper import Reaped, ReapedRegion, Round
    from kernel.errors import LoadmusterError

FATES = {"orphan": "orphan", "gone": "gone", "left": "asked to go, still there"}


def reaping_document(reaping: Reaping) -> dict[str, Any]:
    """What the reaper found, as JSON."""
    return {
        "places": [
            {
                **_place(each.place),
                "regions": list(each.place.regions),
                "at": each.at.isoformat(),
                "machines": len(each.machines),
            }
            for each in reaping.rounds
        ],
        "orphans": [_orphans(round_, each) for round_ in reaping.rounds for each in round_.reaped],
        "failures": [
            {**_place(place), "code": error.code, "message": error.message}
            for place, error in reaping.failures
        ],
    }


def show_reaping(console: Console, reaping: Reaping) -> None:
    """What the reaper found, for people."""
    from loadmuster.cli.layout import columns, counted

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
                    FATES[_fate(each, machine.machine_id)],
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
        f"{left} machines were asked to go and are still there; `reap --yes` tries again",
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
        click.echo(
            f"loadmuster: no reaper has looked at {where} for {format_duration(period_s)}; "
            "`loadmuster serve` looks regularly, `loadmuster reap` once",
            err=True,
        )


def _place(place: ReapedRegion) -> dict[str, Any]:
    return {"provider": place.name, "rehearsal": place.rehearsal}


def _where(place: ReapedRegion) -> str:
    return f"{place.name} rehearsed" if place.rehearsal else place.name


def _fate(reaped: Reaped, machine_id: str) -> str:
    if not reaped.released:
        return "orphan"
    return "left" if machine_id in {each.machine_id for each in reaped.left} else "gone"


def _orphans(round_: Round, reaped: Reaped) -> dict[str, Any]:
    return {
        "run": reaped.orphans.run_id,
        "why": reaped.orphans.why.name.lower(),
        **_place(round_.place),
        "machines": [
            {
                "id": machine.machine_id,
                "region": machine.region,
                "type": machine.machine_type,
                "launched_at": machine.launched_at.isoformat(),
                "expires_at": machine.expires_at.isoformat(),
                "state": _fate(reaped, machine.machine_id),
            }
            for machine in reaped.orphans.machines
        ],
    }
