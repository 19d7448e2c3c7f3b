"""EC2's own limit on how fast machines are launched, kept on our side.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html#throttling-limits-rate-based
names a bucket of 1,000 machines for each account and region, refilled by 2 a second. A launch that
the bucket has no room for would only be throttled, and all tries after it too; it is held back
here instead, where it is known when there will be room.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from kernel.clock import Clock
from kernel.words import counted
from providers.errors import ThrottledError

CAPACITY = 1_000
REFILL_PER_S = 2.0
WAIT_S_MAX = 10.0
"""The longest that a launch waits here; a caller whose lease is short is told to come again."""

TOKENS_REMEMBERED = 10_000


@dataclass(slots=True)
class _Bucket:
    level: float = CAPACITY
    filled_at: datetime | None = None

    def refill(self, now: datetime) -> None:
        if self.filled_at is not None:
            passed_s = max(0.0, (now - self.filled_at).total_seconds())
            self.level = min(float(CAPACITY), self.level + passed_s * REFILL_PER_S)
        self.filled_at = now


@dataclass(slots=True)
class LaunchRates:
    """One bucket for each region, shared by all that launch from this process.

    Attributes:
        clock: On which buckets refill and waits pass.
    """

    clock: Clock
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _paid: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, region: str, token: str, count: int) -> None:
        """Take room for ``count`` machines, once for each token; wait for it if that is short.

        Raises:
            ThrottledError: There will be room, but only in more than ``WAIT_S_MAX`` seconds, which
                the fact ``wait_s`` rounds up.
        """
        with self._lock:
            wait_s = self._reserve(region, token, count)
        if wait_s > 0:
            self.clock.sleep(wait_s)

    def _reserve(self, region: str, token: str, count: int) -> float:
        """Seconds until the room that is taken hereby will be there."""
        if token in self._paid:
            return 0.0
        bucket = self._buckets.setdefault(region, _Bucket())
        bucket.refill(self.clock.now())
        # More than the bucket holds can only wait until it is full.
        wait_s = max(0.0, min(count, CAPACITY) - bucket.level) / REFILL_PER_S
        if wait_s > WAIT_S_MAX:
            raise ThrottledError(
                f"AWS {region}: {counted(count, 'machine')} now would be above the rate at which "
                f"EC2 launches, {CAPACITY:,} at once and {REFILL_PER_S:g} a second; there is room "
                f"in {wait_s:.0f} s",
                region=region,
                wanted=count,
                wait_s=int(wait_s) + 1,
            )
        bucket.level -= count
        self._paid[token] = None
        if len(self._paid) > TOKENS_REMEMBERED:
            self._paid.popitem(last=False)
        return wait_s
