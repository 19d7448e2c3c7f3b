"""Time as an argument.

Only the program's rim builds a clock; everything inside receives one. Instants are aware and in
UTC. ``StartingClock`` is the test clock behind ``--now``: it starts at the given instant and runs
on at the speed of the real one, so that a run still takes its time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from kernel.errors import BadInputError

YEAR_MIN = 2000
YEAR_MAX = 2199


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Return once ``duration_s`` seconds have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    def sleep(self, duration_s: float) -> None:
        """Block this thread."""
        time.sleep(duration_s)


class StartingClock:
    """A clock that shows ``start`` when it is made and runs on in real time.

    Attributes:
        start: In UTC; several processes that are given the same have it in common.
    """

    def __init__(self, start: datetime) -> None:
        self.start = start.astimezone(UTC)
        self._made_s = time.monotonic()

    def now(self) -> datetime:
        """The instant that the start has become."""
        return self.start + timedelta(seconds=time.monotonic() - self._made_s)

    def sleep(self, duration_s: float) -> None:
        """Block this thread."""
        time.sleep(duration_s)


class ManualClock:
    """A clock that moves only when told to, or when somebody sleeps on it."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was last moved to."""
        return self._now

    def sleep(self, duration_s: float) -> None:
        """Move on by ``duration_s`` at once."""
        self._now += timedelta(seconds=duration_s)

    def move_to(self, instant: datetime) -> None:
        """Move to ``instant``; a clock never goes back."""
        assert instant >= self._now, (instant, self._now)
        self._now = instant.astimezone(UTC)


def parse_instant(text: str, *, where: str) -> datetime:
    """Read an ISO 8601 instant; a missing offset means UTC.

    Args:
        text: For example ``2027-01-25T10:15:00+01:00`` or ``2027-01-25``.
        where: Names the option or field in the error.

    Raises:
        BadInputError: If the text is no instant.
    """
    try:
        instant: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    # The years in which billing periods are computed; at the very ends a zone would overflow.
    if instant is None or not YEAR_MIN <= instant.year <= YEAR_MAX:
        raise BadInputError(
            f"{where}: {text!r} is not an instant from {YEAR_MIN} to {YEAR_MAX}; "
            "write it like 2027-01-25T10:15:00+01:00",
            where=where,
            value=text,
        )
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
