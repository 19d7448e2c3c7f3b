"""``reap --check``: whether the reaper lives, for monitoring; it asks the database alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.runs.model.errors import ReaperOverdueError
from kernel.durations import format_duration
from loadmuster.cli.layout import columns
from loadmuster.cli.output import tell
from loadmuster.documents.reaper import heartbeat_document

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from engine.runs.reaper.heartbeats import Heartbeat
    from loadmuster.cli.settings import Settings


def check_reaper(settings: Settings, provider: str | None, max_age_s: float) -> None:
    """Say when the reaper last looked where; end with 3 if it should have looked since.

    Args:
        settings: Of the command line.
        provider: Only this cloud; None: all.
        max_age_s: How old a look may be.
    """
    engine = settings.engine()
    now = engine.clock.now()
    found = engine.reaper.heartbeats(at=now, vouched=True)
    beats = [each for each in found if provider in (None, each.provider)]
    error = overdue_error(beats, now, max_age_s)
    settings.emit(
        heartbeat_document(beats, now, max_age_s, error),
        lambda console: show_heartbeats(console, beats, now, max_age_s),
    )
    if error is not None:
        tell(error.line)
        sys.exit(error.exit_code)


def overdue_error(
    beats: Sequence[Heartbeat], now: datetime, max_age_s: float
) -> ReaperOverdueError | None:
    """The error that names the place that has waited longest; None: all were looked at in time."""
    late = [each for each in beats if each.is_overdue(now, max_age_s)]
    if not late:
        return None
    worst = min(late, key=lambda each: each.awaited_since)
    more = f" and {len(late) - 1} more" if len(late) > 1 else ""
    return ReaperOverdueError(
        f"no reaper has looked at {worst.provider} {worst.region}{more} for "
        f"{format_duration(worst.age_s(now))}, {format_duration(int(max_age_s))} at most is in "
        "order; `loadmuster serve` looks regularly, `loadmuster reap` once",
        places=len(late),
        provider=worst.provider,
        region=worst.region,
        age_s=worst.age_s(now),
        max_age_s=int(max_age_s),
    )


def show_heartbeats(
    console: Console, beats: Sequence[Heartbeat], now: datetime, max_age_s: float
) -> None:
    """The heartbeats for people."""
    if not beats:
        console.print("No run has had machines on a cloud lately: no reaper is needed.")
        return
    table = columns("on", "region", "last look", "waiting for", "", fixed=("on", "region"))
    for each in beats:
        table.add_row(
            each.provider,
            each.region,
            "never" if each.last_at is None else f"{each.last_at:%Y-%m-%d %H:%M}",
            format_duration(each.age_s(now)),
            "overdue" if each.is_overdue(now, max_age_s) else "in time",
        )
    console.print(table)
