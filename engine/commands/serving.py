"""Serving: runs that were queued or left behind are driven, and what runs have left is reaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from engine.commands.accounts import AccountCommands
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.reaper import ReaperCommands
from engine.commands.runs import RunCommands
from engine.runs.reaper.orphans import Why

SAFE_TO_RELEASE = frozenset({Why.ENDED, Why.EXPIRED})
"""What is reaped without being asked: an unknown run may be another database's, on one account."""


def _say_nothing(_line: str) -> None:
    """Nobody listens."""


@checked
class ServingCommands:
    """The controller that runs what is due, with its reaper."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._runs = RunCommands(context)
        self._reaper = ReaperCommands(context)

    def serve(
        self,
        *,
        stop_wanted: Callable[[], bool],
        at_once: int,
        until_idle: bool = False,
        reap_every_s: float = 0.0,
        say: Callable[[str], None] = _say_nothing,
    ) -> Counter[str]:
        """Drive the open runs of the database, shared with every other controller on it.

        Runs of accounts that live by another clock than this are left alone.

        Args:
            stop_wanted: Asked all the time; true gives every run back, open, and returns.
            at_once: Most runs at the same time.
            until_idle: Return once no run is open, here or elsewhere, but those left alone.
            reap_every_s: How often to look for orphans; 0: never.
            say: Told what happens, a line at a time.

        Returns:
            How many runs were taken, and what became of them.

        Raises:
            LoadmusterError: The database could not be reached for too long.
        """
        from engine.runs.serving import RunServer

        drive = self._runs.drive
        return RunServer(
            db=self._context.db,
            drive=lambda run_id, lease: drive(run_id, stop_wanted=stop_wanted, lease=lease),
            new_lease=self._runs.new_lease,
            stop_wanted=stop_wanted,
            at_once=at_once,
            until_idle=until_idle,
            not_by=not self._context.has_test_clock,
            reap=self.reap_and_tell,
            reap_every_s=reap_every_s,
            late_reaps=lambda: self.late_reaps(reap_every_s),
            say=say,
        ).serve()

    def late_reaps(self, every_s: float) -> str:
        """One line on where no reaper, of whichever process, has looked for two periods."""
        from engine.runs.reaper.heartbeats import REAP_EVERY_S
        from kernel.durations import format_duration

        now = self._context.clock.now()
        overdue = self._reaper.overdue(2 * (every_s or REAP_EVERY_S), at=now)
        late = [
            f"{each.provider} {each.region} for {format_duration(each.age_s(now))}"
            for each in overdue
        ]
        return f"reaper: no look at {', '.join(late)}" if late else ""

    def reap_and_tell(self) -> str:
        """One line on a round of the reaper that releases what is safe to release."""
        done = self._reaper.reap(release=SAFE_TO_RELEASE)
        found = [each for round_ in done.rounds for each in round_.reaped]
        released = sum(
            len(each.orphans.machines) - len(each.left) for each in found if each.released
        )
        unknown = sum(len(each.left) for each in found if not each.released)
        left = sum(len(round_.unproven) for round_ in done.rounds)
        seen = sum(len(round_.machines) for round_ in done.rounds)
        parts = [f"reaper: machines: {seen} seen, {released} released"]
        if left:
            parts.append(f"{left} asked to go and still there")
        if unknown:
            parts.append(f"{unknown} of runs unknown here: `loadmuster reap` lists them")
        parts += [error.line for _place, error in done.failures]
        parts += self._reconcile()
        return "; ".join(parts)

    def _reconcile(self) -> list[str]:
        """Words on payments that were unfinished, if any were."""
        from engine.database import is_unmade

        if is_unmade(self._context.db):
            return []
        found = Counter(each.became for each in AccountCommands(self._context).reconcile())
        return [f"payments: {number} {became}" for became, number in sorted(found.items())]
