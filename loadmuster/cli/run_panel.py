"""How a run looks at one look while it goes on: in a line, fact by fact, and drawn."""

from __future__ import annotations

from typing import Protocol

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from engine.load.driver import LoadProgress
from engine.runs.model.states import Run, RunState
from engine.runs.spending import charged_so_far
from engine.runs.view import amount
from kernel.words import counted
from loadmuster.cli.layout import facts

BAR_WIDTH = 40
TIME = "time"
STATE_WORDS = {
    RunState.ACCEPTED: "accepted",
    RunState.LAUNCHING: "launching the injectors",
    RunState.STARTING: "injectors getting ready",
    RunState.RUNNING: "load flows",
    RunState.RELEASING: "releasing the machines",
    RunState.ENDED: "ended",
}


class Seen(Protocol):
    """What is shown of a run: seen here just now, or by its controller at its last look."""

    @property
    def machine_count(self) -> int:
        """Machines that are there."""
        ...

    @property
    def progress(self) -> LoadProgress | None:
        """Of the load, while it is looked at."""
        ...


def charged_words(run: Run, progress: LoadProgress | None) -> str:
    """What would stay charged if the run were cancelled now, and the whole quote."""
    quote = run.order.quote
    quoted = amount(quote.unit, quote.total)
    if run.intent_at is None:
        return f"nothing yet, {quoted} quoted"
    kept = charged_so_far(run, progress)
    return f"{quoted} quoted" if kept is None else f"{amount(quote.unit, kept)} of {quoted} so far"


def state_words(run: Run) -> str:
    """Where a run is, in words."""
    cancelling = run.cancel_at is not None and run.outcome is None
    return "cancelling" if cancelling else STATE_WORDS[run.state]


def line(run: Run, seen: Seen) -> str:
    """A run at a look, in a line."""
    if run.ended:
        return f"{state_words(run)}: {run.outcome}"
    parts = [f"{state_words(run)}:", counted(seen.machine_count, "machine")]
    if (progress := seen.progress) is not None and run.state is RunState.RUNNING:
        parts += [counted(progress.users, "user"), _requests(progress)]
    return " ".join([parts[0], ", ".join([*parts[1:], charged_words(run, seen.progress)])])


def _requests(progress: LoadProgress) -> str:
    failed = f", {progress.failures:,} failed" if progress.failures else ""
    return f"{progress.requests_per_s:,.0f} requests/s ({progress.requests:,} so far{failed})"


def panel(run: Run, seen: Seen) -> RenderableType:
    """A run at a look, on several lines with a bar."""
    planned_s, elapsed_s = _times_s(run, seen)
    bar = ProgressBar(total=planned_s, completed=elapsed_s, width=BAR_WIDTH)
    rows: list[tuple[str, RenderableType]] = [
        (name, Group(bar, Text(text)) if name == TIME else text)
        for name, text in progress_rows(run, seen)
    ]
    return facts(("state", Text(state_words(run), style="bold")), *rows)


def progress_rows(run: Run, seen: Seen) -> list[tuple[str, str]]:
    """A run at a look, fact by fact: its machines, time, users, requests, and what it costs."""
    planned_s, elapsed_s = _times_s(run, seen)
    rows = [
        ("machines", f"{seen.machine_count} of {run.machines_wanted}"),
        (TIME, f"{elapsed_s:,.0f} of {planned_s:,.0f} s"),
    ]
    if (progress := seen.progress) is not None:
        rows += [("users", f"{progress.users:,}"), ("requests", _requests(progress))]
    charged = "would be charged" if run.order.rehearsal else "charged"
    return [*rows, (charged, charged_words(run, progress))]


def _times_s(run: Run, seen: Seen) -> tuple[float, float]:
    """How long the load flows, and how long it has."""
    planned_s = run.order.scenario.profile.duration_s
    return planned_s, 0.0 if seen.progress is None else min(seen.progress.elapsed_s, planned_s)
