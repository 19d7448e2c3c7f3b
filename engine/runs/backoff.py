"""How long to leave alone what has just failed: longer each time, up to a bound."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

PAUSE_FIRST_S = 1.0
PAUSE_S_MAX = 300.0
FORGOTTEN_AFTER = timedelta(hours=1)
"""What has not failed again for so long starts over."""


def pause_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, ... up to five minutes."""
    assert failures >= 1, failures
    # Beyond this many doublings the bound has been reached, and floats have their own.
    return float(min(PAUSE_FIRST_S * 2 ** min(failures - 1, 20), PAUSE_S_MAX))


@dataclass(slots=True)
class Pauses:
    """What failed here, how often in a row, and until when it is left alone."""

    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, datetime] = field(default_factory=dict)

    def failed(self, name: str, now: datetime) -> float:
        """Count one more failure; the seconds for which it is left alone now."""
        self._failures[name] = self._failures.get(name, 0) + 1
        wait_s = pause_s(self._failures[name])
        self._until[name] = now + timedelta(seconds=wait_s)
        return wait_s

    def succeeded(self, name: str) -> None:
        """Forget its failures."""
        self._failures.pop(name, None)
        self._until.pop(name, None)

    def paused(self, now: datetime) -> frozenset[str]:
        """What is to be left alone now."""
        for name, until in list(self._until.items()):
            if now - until >= FORGOTTEN_AFTER:
                self.succeeded(name)
        return frozenset(name for name, until in self._until.items() if now < until)
