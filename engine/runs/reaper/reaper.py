"""The reaper: ends machines that outlived their run, wherever runs have had machines.

It reads the cloud first and the store second. A run writes its intent before it launches, so
whatever the cloud has shown is on record by the time that the store is read; the other way round,
a run that starts between the two looks would be taken for an unknown one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from engine.runs.reaper.orphans import AGE_GUARD_S, Orphans, Why, orphans_among
from kernel.clock import Clock
from providers.contract import Machine, Provider
from providers.errors import ThrottledError, UnknownOutcomeError

ASKS_MAX = 60
ASK_EVERY_S = 2.0
"""Two minutes until machines that do not go are given up, loudly."""

Ended = Callable[[Collection[str]], Mapping[str, bool]]
"""Which of these runs are on record, and whether each has ended."""


class ReapedRegion(Struct, frozen=True):
    """Somewhere that runs have machines.

    Attributes:
        name: ``local``, ``aws`` or ``azure``.
        regions: Where to look.
        endpoint: Address of a rehearsed cloud; None: the cloud itself.
    """

    name: str
    regions: tuple[str, ...]
    endpoint: str | None = None

    @property
    def rehearsal(self) -> bool:
        """No machine there is real."""
        return self.endpoint is not None


class Reaped(Struct, frozen=True):
    """One run's orphans, and what became of them.

    Attributes:
        orphans: The machines, and why they are orphans.
        released: Their end was asked for.
        left: Those that were not proven gone; all of them where none was asked to go.
    """

    orphans: Orphans
    released: bool = False
    left: tuple[Machine, ...] = ()


class Round(Struct, frozen=True):
    """One look of the reaper at one place.

    Attributes:
        place: Where.
        at: When the cloud was read.
        machines: All machines with our tags there, orphans or not.
        reaped: The orphans, run by run.
    """

    place: ReapedRegion
    at: datetime
    machines: tuple[Machine, ...]
    reaped: tuple[Reaped, ...] = ()

    @property
    def unproven(self) -> tuple[Machine, ...]:
        """Machines whose end was asked for, and which were still there at the last look."""
        return tuple(machine for each in self.reaped if each.released for machine in each.left)


def survey(
    place: ReapedRegion,
    provider: Provider,
    ended: Ended,
    clock: Clock,
    older_than_s: float = AGE_GUARD_S,
) -> Round:
    """Look at one place for orphans; nothing is changed.

    Raises:
        ProviderFailedError: The cloud did not answer.
    """
    machines = provider.observe_all(place.regions)
    known = ended({machine.run_id for machine in machines})
    at = clock.now()
    found = orphans_among(machines, known, at, older_than_s)
    if found:
        # A run may have ended, machines and all, between the two looks.
        alive = {machine.machine_id for machine in provider.observe_all(place.regions)}
        found = tuple(left for each in found if (left := _only(each, alive)).machines)
    return Round(place, at, machines, tuple(Reaped(each, left=each.machines) for each in found))


def release(
    looked: Round, provider: Provider, clock: Clock, whys: Collection[Why] = tuple(Why)
) -> Round:
    """Release the orphans that a survey found, and look until they are gone.

    Args:
        looked: The survey.
        provider: Of its place.
        clock: On which waits pass.
        whys: Only those that are orphans for one of these reasons.

    Returns:
        The round with what became of them.

    Raises:
        ProviderFailedError: The cloud refused, or did not answer for too long.
    """
    return replace(
        looked,
        reaped=tuple(
            _released(each.orphans, provider, clock) if each.orphans.why in whys else each
            for each in looked.reaped
        ),
    )


def _released(orphans: Orphans, provider: Provider, clock: Clock) -> Reaped:
    left: Sequence[Machine] = orphans.machines
    for _ in range(ASKS_MAX):
        # Whether it worked shows at the next look; until then it is asked for again.
        with suppress(ThrottledError, UnknownOutcomeError):
            provider.release(orphans.run_id, orphans.regions)
            left = provider.observe(orphans.run_id, orphans.regions)
            if not left:
                break
        clock.sleep(ASK_EVERY_S)
    return Reaped(orphans, released=True, left=tuple(left))


def _only(orphans: Orphans, alive: Collection[str]) -> Orphans:
    machines = tuple(each for each in orphans.machines if each.machine_id in alive)
    return replace(orphans, machines=machines)
