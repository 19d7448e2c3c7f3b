"""The reaper: machines that outlived their run, their end, and whether anybody looks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.runs.reaper.orphans import AGE_GUARD_S, Why
from kernel.clock import Clock, SystemClock
from kernel.errors import BadInputError, LoadmusterError

if TYPE_CHECKING:
    from engine.runs.reaper.heartbeats import Heartbeat
    from engine.runs.reaper.reaper import ReapedRegion, Round


class Reaping(Struct, frozen=True):
    """What the reaper found.

    Attributes:
        rounds: One a place that could be looked at.
        failures: The places that could not, or not to the end, each with its error.
    """

    rounds: Sequence[Round]
    failures: Sequence[tuple[ReapedRegion, LoadmusterError]]


@checked
class ReaperCommands:
    """Looking for machines that runs have left, and ending them."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

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
        from engine.database import is_unmade
        from engine.runs.reaper import heartbeats, reaper

        use = self._context
        rounds: list[Round] = []
        failures: list[tuple[ReapedRegion, LoadmusterError]] = []
        for place in self.places() if places is None else places:
            try:
                provider, clock = use.clouds.provider_at(place), self._clock_of(place)
                looked = reaper.survey(place, provider, self.ended_runs, clock, older_than_s)
                if release:
                    looked = reaper.release(looked, provider, clock, release)
                if not is_unmade(use.db):
                    with use.transaction() as conn:
                        heartbeats.record(conn, looked)
                rounds.append(looked)
            except LoadmusterError as error:
                # A rehearsed cloud may end with its run while it is looked at, its machines too.
                if use.clouds.is_there(place):
                    failures.append((place, error))
        return Reaping(rounds, failures)

    def _clock_of(self, place: ReapedRegion) -> Clock:
        """By what the machines there are judged: those of a real cloud by no test clock.

        Under one that runs ahead, machines of a run that goes on would be past their time.
        """
        is_real = place.name in CLOUDS and not place.rehearsal
        return SystemClock() if is_real else self._context.clock

    def places(self) -> Sequence[ReapedRegion]:
        """Where runs have machines, or had them lately; rehearsed clouds only while they live."""
        from engine.runs.reaper import heartbeats

        use = self._context
        found = heartbeats.places_of(
            use.store.list(open_since=use.clock.now() - heartbeats.LOOKED_BACK)
        )
        return [place for place in found if use.clouds.is_there(place)]

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

    def ended_runs(self, run_ids: Collection[str]) -> dict[str, bool]:
        """Of the runs that are known here, whether each has ended."""
        from engine.runs.reaper import heartbeats

        with self._context.reading() as conn:
            return dict(heartbeats.ended_runs(conn, run_ids))

    def heartbeats(
        self, *, at: datetime | None = None, vouched: bool = False
    ) -> Sequence[Heartbeat]:
        """When a reaper last looked at each region of a real cloud where runs have machines.

        Read from the database; no cloud is asked. Regions where they had them lately count too.

        Args:
            at: The instant that counts; None: now.
            vouched: That none is needed has to be true, as for monitoring: a database that is not
                there is refused, and not read as an empty one.

        Raises:
            DatabaseNotThereError: It is, with ``vouched``.
        """
        from engine.runs.reaper import heartbeats

        use = self._context
        if vouched:
            use.check_there()
        runs = use.store.list(open_since=(at or use.clock.now()) - heartbeats.LOOKED_BACK)
        with use.reading() as conn:
            return heartbeats.heartbeats(runs, heartbeats.last_reaps(conn))

    def overdue(
        self, every_s: float | None = None, *, at: datetime | None = None
    ) -> Sequence[Heartbeat]:
        """The heartbeats of regions with open runs where no reaper has looked for its period.

        Args:
            every_s: The period; None: that of ``loadmuster serve``.
            at: The instant that counts; None: now.
        """
        from engine.runs.reaper import heartbeats

        use = self._context
        runs = use.store.list(open_only=True)
        with use.reading() as conn:
            found = heartbeats.heartbeats(runs, heartbeats.last_reaps(conn))
        period_s = every_s or heartbeats.REAP_EVERY_S
        at = at or use.clock.now()
        return [each for each in found if each.is_overdue(at, period_s)]
