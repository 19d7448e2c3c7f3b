"""Whether the reaper lives: where it has looked, when, and where it should have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.base import Commands

if TYPE_CHECKING:
    from engine.runs.reaper.heartbeats import Heartbeat


class HeartbeatCommands(Commands):
    """The reaper's heartbeats, read from the database; no cloud is asked."""

    def heartbeats(self) -> Sequence[Heartbeat]:
        """Of every region of a real cloud where runs have machines, or had them lately."""
        from engine.runs.reaper import heartbeats

        runs = self.store.list(open_since=self.clock.now() - heartbeats.LOOKED_BACK)
        with self._reading() as conn:
            return heartbeats.heartbeats(runs, heartbeats.last_reaps(conn))

    def overdue_reaps(self, every_s: float | None = None) -> Sequence[Heartbeat]:
        """Of those with open runs: where no reaper has looked for its period."""
        from engine.runs.reaper import heartbeats

        runs = self.store.list(open_only=True)
        with self._reading() as conn:
            found = heartbeats.heartbeats(runs, heartbeats.last_reaps(conn))
        now, period_s = self.clock.now(), every_s or heartbeats.REAP_EVERY_S
        return [each for each in found if each.is_overdue(now, period_s)]
