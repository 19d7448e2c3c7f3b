"""How a run looks while it goes on: drawn in place on a terminal, line by line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live

from engine.runs.decide import Observed
from engine.runs.model.errors import LeaseLostError
from engine.runs.model.states import Run, RunState
from loadmuster.cli.console import redraws
from loadmuster.cli.run_panel import Seen, line, panel, state_words

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.runs.leases.lease import Lease

LINE_EVERY_S = 5.0
QUIET_LINE_EVERY_S = 30.0
"""Between two lines while no load flows, and little changes."""


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
            self._live.update(panel(run, seen), refresh=True)
            return
        state, now_s = state_words(run), self._monotonic_s()
        every_s = LINE_EVERY_S if run.state is RunState.RUNNING else QUIET_LINE_EVERY_S
        if state != self._shown_state or now_s - self._shown_at_s >= every_s:
            self._shown_state, self._shown_at_s = state, now_s
            self._say(line(run, seen))

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


def _rehearsal_note(run: Run) -> str:
    if not run.order.rehearsal:
        return ""
    load = "the load is" if run.order.puts_load else "no load is put on anything"
    speed = f"at {run.order.time_scale:g} times the speed"
    return f", rehearsed: no machine is real, {load}, nothing is charged, {speed}"
