"""How a run looks while it goes on: drawn in place on a terminal, line by line elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from engine.load.driver import LoadProgress
from engine.runs.decide import Observed
from engine.runs.model.errors import LeaseLostError
from engine.runs.model.states import Run, RunState
from engine.runs.view import amount
from kernel.words import counted
from loadmuster.cli.layout import facts
from pricing.plans.quotes import kept_use_after_cancel

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.runs.leases.lease import Lease

LINE_EVERY_S = 5.0
BAR_WIDTH = 40
STATE_WORDS = {
    RunState.ACCEPTED: "accepted",
    RunState.LAUNCHING: "launching the injectors",
    RunState.STARTING: "injectors getting ready",
    RunState.RUNNING: "load flows",
    RunState.RELEASING: "releasing the machines",
    RunState.ENDED: "ended",
}


class RunProgress:
    """Shows a run to somebody who waits for it; a display that breaks ends no run."""

    def __init__(self, console: Console, run: Run) -> None:
        self._console = console
        # Drawn by whoever drives the run, and by no thread that could fail beside it.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._shown_state: RunState | None = None
        self._shown_at_s = 0.0
        self._broken = False
        self._draw(lambda: self._say(f"{run.id} on {run.order.provider}{_rehearsal_note(run)}"))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._draw(self._live.start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Its own clean-up comes even where nothing can be drawn any more.
        if self._console.is_terminal:
            with suppress(Exception):
                self._live.stop()

    def update(self, run: Run, observed: Observed) -> None:
        """Show what the controller just saw."""
        self._draw(lambda: self._show(run, observed))

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

    def _show(self, run: Run, observed: Observed) -> None:
        if self._console.is_terminal:
            self._live.update(_panel(run, observed), refresh=True)
            return
        elapsed_s = 0.0 if observed.progress is None else observed.progress.elapsed_s
        due = elapsed_s - self._shown_at_s >= LINE_EVERY_S * run.order.time_scale
        if run.state is not self._shown_state or due:
            self._shown_state, self._shown_at_s = run.state, elapsed_s
            self._say(_line(run, observed))

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


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
        return engine.runs.wait(run.id, enough=cancel_wanted)


def charged_so_far(run: Run, progress: LoadProgress | None) -> str:
    """What would stay charged if the run were cancelled now, and the whole quote."""
    quote = run.order.quote
    if run.intent_at is None:
        return f"nothing yet, {amount(quote.unit, quote.total)} quoted"
    if progress is None:
        return f"{amount(quote.unit, quote.total)} quoted"
    played_s = min(progress.elapsed_s, float(quote.duration_s))
    kept = quote.startup + kept_use_after_cancel(quote, played_s)
    return f"{amount(quote.unit, kept)} of {amount(quote.unit, quote.total)} so far"


def _rehearsal_note(run: Run) -> str:
    if not run.order.rehearsal:
        return ""
    load = "the load is" if run.order.puts_load else "no load is put on anything"
    speed = f"at {run.order.time_scale:g} times the speed"
    return f", rehearsed: no machine is real, {load}, {speed}"


def _state(run: Run) -> str:
    cancelling = run.cancel_at is not None and run.outcome is None
    return "cancelling" if cancelling else STATE_WORDS[run.state]


def _line(run: Run, observed: Observed) -> str:
    parts = [f"{_state(run)}:", counted(observed.machine_count, "machine")]
    if (progress := observed.progress) is not None and run.state is RunState.RUNNING:
        parts += [counted(progress.users, "user"), _requests(progress)]
    return " ".join([parts[0], ", ".join([*parts[1:], charged_so_far(run, observed.progress)])])


def _requests(progress: LoadProgress) -> str:
    failed = f", {progress.failures:,} failed" if progress.failures else ""
    return f"{progress.requests_per_s:,.0f} requests/s ({progress.requests:,} so far{failed})"


def _panel(run: Run, observed: Observed) -> RenderableType:
    planned_s = run.order.scenario.profile.duration_s
    progress = observed.progress
    elapsed_s = 0.0 if progress is None else min(progress.elapsed_s, planned_s)
    rows: list[tuple[str, RenderableType]] = [
        ("state", Text(_state(run), style="bold")),
        ("machines", f"{observed.machine_count} of {run.machines_wanted}"),
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
    return facts(*rows, ("charged", charged_so_far(run, progress)))
