"""Serving runs that were queued or left behind, and reaping what runs have left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.commands.heartbeats import HeartbeatCommands
from engine.commands.runs import RunCommands
from engine.runs.reaper.orphans import AGE_GUARD_S, Why
from kernel.errors import BadInputError, LoadmusterError

if TYPE_CHECKING:
    from collections import Counter

    from engine.runs.reaper.reaper import ReapedRegion, Round

SAFE_TO_RELEASE = frozenset({Why.ENDED, Why.EXPIRED})
"""What is reaped without being asked: an unknown run may be another database's, on one account."""


class Reaping(Struct, frozen=True):
    """What the reaper found.

    Attributes:
        rounds: One a place that could be looked at.
        failures: The places that could not, or not to the end, each with its error.
    """

    rounds: Sequence[Round]
    failures: Sequence[tuple[ReapedRegion, LoadmusterError]]


def _say_nothing(_line: str) -> None:
    """Nobody listens."""


class ServingCommands(RunCommands, HeartbeatCommands):
    """The controller that runs what is due, and the reaper."""

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

        Args:
            stop_wanted: Asked all the time; true gives every run back, open, and returns.
            at_once: Most runs at the same time.
            until_idle: Return once no run is open, here or elsewhere.
            reap_every_s: How often to look for orphans; 0: never.
            say: Told what happens, a line at a time.

        Returns:
            How many runs were taken, and what became of them.

        Raises:
            LoadmusterError: The database could not be reached for too long.
        """
        from engine.runs.serving import RunServer

        return RunServer(
            db=self._db,
            drive=lambda run_id, lease: self.drive(run_id, stop_wanted=stop_wanted, lease=lease),
            new_lease=self.new_lease,
            stop_wanted=stop_wanted,
            at_once=at_once,
            until_idle=until_idle,
            reap=self._reap_and_tell,
            reap_every_s=reap_every_s,
            late_reaps=lambda: self._late_reaps(reap_every_s),
            say=say,
        ).serve()

    def reap(
        self,
        places: Sequence[ReapedRegion] | None = None,
        *,
        older_than_s: float = AGE_GUARD_S,
        release: Collection[Why] = (),
    ) -> Reaping:
        """Look for machines that outlived their run; release those that are orphans for a reason.

        Args:
            places: Where to look; default: wherever runs have machines, or had them lately.
            older_than_s: Age from which on machines are judged.
            release: Reasons for which orphans are released and proven gone; none: only look.
        """
        from engine.runs.reaper import heartbeats, reaper

        rounds: list[Round] = []
        failures: list[tuple[ReapedRegion, LoadmusterError]] = []
        for place in self.places() if places is None else places:
            try:
                provider = self._clouds.provider_at(place)
                looked = reaper.survey(place, provider, self._ended_runs, self.clock, older_than_s)
                if release:
                    looked = reaper.release(looked, provider, self.clock, release)
                with self._transaction() as conn:
                    heartbeats.record(conn, looked)
                rounds.append(looked)
            except LoadmusterError as error:
                failures.append((place, error))
        return Reaping(rounds, failures)

    def places(self) -> Sequence[ReapedRegion]:
        """Where runs have machines, or had them lately; rehearsed clouds only while they live."""
        from engine.runs.reaper import heartbeats

        now = self.clock.now()
        found = heartbeats.places_of(self.store.list(open_since=now - heartbeats.LOOKED_BACK))
        return [place for place in found if self._clouds.is_there(place)]

    def places_at(
        self, provider: str | None, regions: Sequence[str] = ()
    ) -> Sequence[ReapedRegion]:
        """The places of one provider, or of all; the named regions, or those that runs were in.

        Raises:
            BadInputError: Regions without a provider, or a cloud of which no region is known.
        """
        from engine.clouds import LOCAL
        from engine.runs.reaper.reaper import ReapedRegion

        if provider is None:
            if regions:
                raise BadInputError("--region: say of which cloud, with --provider")
            return self.places()
        if provider == LOCAL:
            return [ReapedRegion(LOCAL, (LOCAL,))]
        known = [place for place in self.places() if place.name == provider]
        if regions:
            rehearsed = [replace(each, regions=tuple(regions)) for each in known if each.rehearsal]
            return [ReapedRegion(provider, tuple(regions)), *rehearsed]
        if not known:
            raise BadInputError(
                f"--provider {provider}: no run was there lately; say where to look: --region NAME",
                provider=provider,
            )
        return known

    def _ended_runs(self, run_ids: Collection[str]) -> dict[str, bool]:
        from engine.runs.reaper import heartbeats

        with self._reading() as conn:
            return dict(heartbeats.ended_runs(conn, run_ids))

    def _late_reaps(self, every_s: float) -> str:
        """One line on where no reaper, of whichever process, has looked for two periods."""
        from engine.runs.reaper.heartbeats import REAP_EVERY_S
        from kernel.durations import format_duration

        now = self.clock.now()
        late = [
            f"{each.provider} {each.region} for {format_duration(each.age_s(now))}"
            for each in self.overdue_reaps(2 * (every_s or REAP_EVERY_S))
        ]
        return f"reaper: no look at {', '.join(late)}" if late else ""

    def _reap_and_tell(self) -> str:
        """One line on a round of the reaper that releases what is safe to release."""
        done = self.reap(release=SAFE_TO_RELEASE)
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
        parts += [error.message for _place, error in done.failures]
        return "; ".join(parts)
