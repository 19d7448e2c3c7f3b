"""How a run looks while it goes on: drawn in place on a terminal, line by line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from engine.load.driver import LoadProgress
from engine.runs.decide import Observed
from engine.runs.model.errors import LeaseLostError
from engine.runs.model.states import Run, RunState
from engine.runs.spending import charged_so_far
from engine.runs.view import amount
from kernel.words import counted
from loadmuster.cli.console import redraws
from loadmuster.cli.layout import facts

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.runs.leases.lease import Lease

LINE_EVERY_S = 5.0
QUIET_LINE_EVERY_S = 30.0
"""Between two lines while no load flows, and little changes."""

BAR_WIDTH = 40
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


class RunProgress:
    """Shows a run to somebody who waits for it; a display that breaks ends no run."""

    def __init__(
        self, console: Console, run: Run, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        # Drawn by whoever drives the run, and by no thread that could fail beside it.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._in_place = redraws(console)
        self._monotonic_s = monotonic_s
        self._shown_state: str | None = None
        self._shown_at_s = 0.0
        self._broken = False
        self._draw(lambda: self._say(f"{run.id} on {run.order.provider}{_rehearsal_note(run)}"))

    def __enter__(self) -> Self:
        if self._in_place:
            self._draw(self._live.start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Its own clean-up comes even where nothing can be drawn any more.
        if self._in_place:
            with suppress(Exception):
                self._live.stop()

    @property
    def is_unseen(self) -> bool:
        """Whether its terminal or its pipe turned out to be closed."""
        return self._broken or self._console.quiet

    def update(self, run: Run, seen: Seen) -> None:
        """Show what its controller saw last."""
        self._draw(lambda: self._show(run, seen))

    def follow(self, run: Run) -> None:
        """Show a run of any controller as it is on record."""
        self.update(run, run.last_seen or Observed())

    def say(self, text: str) -> None:
        """One line more, above what is drawn in place."""
        self._draw(lambda: self._say(text))

    def tell(self, line: str) -> None:
        """Say what hinders the run and does not end it."""
        self._draw(lambda: self._say(line))

    def _draw(self, show: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            show()
        except Exception:  # noqa: BLE001 - a terminal that is gone, a full disk, or a fault of ours
            self._broken = True

    def _show(self, run: Run, seen: Seen) -> None:
        if self._in_place:
            self._live.update(_panel(run, seen), refresh=True)
            return
        state, now_s = _state(run), self._monotonic_s()
        every_s = LINE_EVERY_S if run.state is RunState.RUNNING else QUIET_LINE_EVERY_S
        if state != self._shown_state or now_s - self._shown_at_s >= every_s:
            self._shown_state, self._shown_at_s = state, now_s
            self._say(_line(run, seen))

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False)


def driven(
    console: Console,
    engine: Engine,
    run: Run,
    lease: Lease | None,
    cancel_wanted: Callable[[], bool],
) -> Run:
    """The run once it has ended, shown while it goes on.

    One that another controller drives, since the same was asked for before, is waited for; who does
    not want to wait any longer gets it as it stands, and ends nothing.
    """
    if run.ended:
        return run
    try:
        with RunProgress(console, run) as live:
            return engine.runs.drive(
                run.id, watch=live.update, cancel_wanted=cancel_wanted, tell=live.tell, lease=lease
            )
    except LeaseLostError:
        console.print(f"{run.id}: another controller drives it; waiting for its end")
        with RunProgress(console, run) as live:
            return engine.runs.wait(run.id, enough=cancel_wanted, callback=live.follow)


def charged_words(run: Run, progress: LoadProgress | None) -> str:
    """What would stay charged if the run were cancelled now, and the whole quote."""
    quote = run.order.quote
    quoted = amount(quote.unit, quote.total)
    if run.intent_at is None:
        return f"nothing yet, {quoted} quoted"
    kept = charged_so_far(run, progress)
    return f"{quoted} quoted" if kept is None else f"{amount(quote.unit, kept)} of {quoted} so far"


def _rehearsal_note(run: Run) -> str:
    if not run.order.rehearsal:
        return ""
    load = "the load is" if run.order.puts_load else "no load is put on anything"
    speed = f"at {run.order.time_scale:g} times the speed"
    return f", rehearsed: no machine is real, {load}, nothing is charged, {speed}"


def _state(run: Run) -> str:
    cancelling = run.cancel_at is not None and run.outcome is None
    return "cancelling" if cancelling else STATE_WORDS[run.state]


def _line(run: Run, seen: Seen) -> str:
    if run.ended:
        return f"{_state(run)}: {run.outcome}"
    parts = [f"{_state(run)}:", counted(seen.machine_count, "machine")]
    if (progress := seen.progress) is not None and run.state is RunState.RUNNING:
        parts += [counted(progress.users, "user"), _requests(progress)]
    return " ".join([parts[0], ", ".join([*parts[1:], charged_words(run, seen.progress)])])


def _requests(progress: LoadProgress) -> str:
    failed = f", {progress.failures:,} failed" if progress.failures else ""
    return f"{progress.requests_per_s:,.0f} requests/s ({progress.requests:,} so far{failed})"


def _panel(run: Run, seen: Seen) -> RenderableType:
    planned_s = run.order.scenario.profile.duration_s
    progress = seen.progress
    elapsed_s = 0.0 if progress is None else min(progress.elapsed_s, planned_s)
    rows: list[tuple[str, RenderableType]] = [
        ("state", Text(_state(run), style="bold")),
        ("machines", f"{seen.machine_count} of {run.machines_wanted}"),
        (
            "time",
            Group(
                ProgressBar(total=planned_s, completed=elapsed_s, width=BAR_WIDTH),
                Text(f"{elapsed_s:,.0f} of {planned_s:,.0f} s"),
            ),
        ),
    ]
    if progress is not None:
        rows += [("users", f"{progress.users:,}"), ("requests", _requests(progress))]
    charged = "would be charged" if run.order.rehearsal else "charged"
    return facts(*rows, (charged, charged_words(run, progress)))
