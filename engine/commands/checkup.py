"""What is there and what is missing before a run can be started: here, and on each cloud."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from engine.catalogs.in_use import catalog_in_use
from engine.clouds import CLOUDS, LOCAL
from engine.load.locust import check_installed
from engine.load_engines import LOCUST
from engine.runs.clouds.registry import CloudRegistry
from engine.runs.reaper.heartbeats import REAP_AGE_MAX_S, Heartbeat
from engine.runs.runnable import check_folder
from kernel.clock import Clock, SystemClock
from kernel.durations import format_duration
from kernel.errors import BadInputError, LoadmusterError, ProviderFailedError
from providers.findings import Finding, Grade, missing

HERE = "here"
"""Under this name stands what every run needs, whichever its provider."""

Examine = Callable[[CloudRegistry, Sequence[str]], Iterator[Finding]]


class Checkup(Struct, frozen=True):
    """Everything that was found.

    Attributes:
        findings: By provider; ``HERE``: what all of them need.
        wanted: The providers that were asked about by name; none: any one will do.
    """

    findings: Mapping[str, Sequence[Finding]]
    wanted: tuple[str, ...] = ()

    def usable(self, provider: str) -> bool:
        """Whether a run on the provider can work, as far as can be seen."""
        needed = (*self.findings[HERE], *self.findings[provider])
        return all(each.grade is not Grade.MISSING for each in needed)

    @property
    def exit_code(self) -> int:
        """0: usable; 2: something is missing here; 4: a cloud refuses."""
        providers = [name for name in self.findings if name != HERE]
        usable = [self.usable(name) for name in self.wanted or providers]
        if all(usable) if self.wanted else any(usable):
            return 0
        missing = [
            each
            for name in (HERE, *(self.wanted or providers))
            for each in self.findings[name]
            if each.grade is Grade.MISSING
        ]
        refused = all(each.of_provider for each in missing)
        return ProviderFailedError.exit_code if refused else BadInputError.exit_code


def examine_here(
    open_books: Callable[[], str],
    folder: Callable[[], Path],
    heartbeats: Callable[[], Sequence[Heartbeat]],
    clock: Clock,
) -> Iterator[Finding]:
    """What every run needs on this computer.

    Args:
        open_books: Opens the database and says which it is, migrated to what.
        folder: Where runs keep their files, once the database is known.
        heartbeats: When the reaper last looked where, once the database is known.
        clock: The one that runs would live by.
    """
    books = _look("database", open_books)
    yield books
    if books.grade is Grade.OK:

        def look_at_folder() -> str:
            check_folder(folder())
            return f"{folder()} can be written"

        yield _look("folder", look_at_folder)
        yield reaper_finding(heartbeats(), clock.now())

    def look_at_engine() -> str:
        check_installed()
        return f"{LOCUST.title} {importlib.metadata.version('locust')}"

    yield _look("load engine", look_at_engine)
    yield _look("prices", look_at_prices)
    now = f"{clock.now():%Y-%m-%d %H:%M:%S} UTC"
    test = "" if isinstance(clock, SystemClock) else ", a test clock"
    yield Finding("clock", Grade.OK, f"{now}{test}")


def look_at_prices() -> str:
    """Which catalogue is in use, and how old its prices are where runs are by default."""
    catalog = catalog_in_use()
    places = [(cloud.name, cloud.prices.default_region) for cloud in CLOUDS.values()]
    days = [f"{place[1]} of {catalog.offerings(*place)[0].as_of}" for place in places]
    return f"catalogue {catalog.name}: {', '.join(days)}"


def reaper_finding(beats: Sequence[Heartbeat], now: datetime) -> Finding:
    """Whether machines that outlive their run would be found; no run needs it to work."""
    if not beats:
        return Finding("reaper", Grade.OK, "no run has had machines on a cloud lately")
    oldest = min(beats, key=lambda each: each.awaited_since)
    where = f"{oldest.provider} {oldest.region}"
    age = format_duration(oldest.age_s(now))
    if oldest.is_overdue(now, REAP_AGE_MAX_S):
        return Finding(
            "reaper",
            Grade.UNKNOWN,
            f"none has looked at {where} for {age}",
            "`loadmuster serve` looks regularly, `loadmuster reap` once",
        )
    return Finding("reaper", Grade.OK, f"its oldest look is {age} ago, at {where}")


def _examine_local(_clouds: CloudRegistry, _regions: Sequence[str]) -> Iterator[Finding]:
    yield Finding("machines", Grade.OK, "processes of this computer")


def _examine_cloud(name: str) -> Examine:
    return lambda clouds, regions: clouds.examine(name, regions)


def examinations() -> Mapping[str, Examine]:
    """How each provider that runs are offered on is looked at."""
    return {LOCAL: _examine_local, **{name: _examine_cloud(name) for name in CLOUDS}}


def _look(what: str, look: Callable[[], str]) -> Finding:
    """What was seen, or the error, split into the finding and what to do."""
    try:
        return Finding(what, Grade.OK, look())
    except LoadmusterError as error:
        return missing(what, error)
