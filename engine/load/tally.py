"""Tally: what the requests of a load came to, in figures of bounded size that add up exactly.

Counted where requests are made, added over processes and injectors. Needs nothing but Python:
injectors that play with Locust have this file and little else of loadmuster.

Response times are histograms, windows are as wide as there is room for, and a window's number is
its first second divided by its width, so that tallies of different widths can be added.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

WINDOWS_MAX = 240
LEVELS_MAX = 4_000
KINDS_MAX = 20
SAMPLES_MAX = 10
SAMPLES_OF_KIND_MAX = 2
OTHER = "other"
"""What there is no row for."""

Document = Mapping[str, Any]
Histogram = Iterable[tuple[int, int]]


def rounded_ms(time_ms: float) -> int:
    """As Locust counts, halves up: a histogram of a few hundred classes, whatever the load."""
    for limit, step in ((100, 1), (1_000, 10), (10_000, 100)):
        if time_ms < limit:
            return int(time_ms / step + 0.5) * step
    return int(time_ms / 1_000 + 0.5) * 1_000


def add_bounded(counts: Counter[str], key: str, count: int, most: int) -> None:
    """Count under the key if there is a row for it, else under ``OTHER``."""
    counts[key if key in counts or len(counts) < most else OTHER] += count


class Window:
    """The answers of one window: how many, how many of them failed, and how long they took."""

    __slots__ = ("failures", "requests", "times")

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self.times: Counter[int] = Counter()

    def add(self, requests: int, failures: int, times: Histogram) -> None:
        """Count these too."""
        self.requests += requests
        self.failures += failures
        for time_ms, count in times:
            self.times[time_ms] += count


class Tally:
    """What requests came to.

    Args:
        now_s: Any clock that only goes forward, for how long requests have waited.

    Attributes:
        begun: Requests; None: nobody knows. So for ``cut_off``.
        cut_off: How long those waited that had no answer when the load, or their user, ended.
        longest_wait_ms: Of all requests, answered or not; None: nobody knows.
        kinds: Why requests failed, and how many.
        samples: The first of them: kind, request and what was said.
        window_s: How wide the windows are.
        windows: By number.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._waiting: dict[int, float] = {}
        self._tokens = 0
        self.begun: int | None = 0
        self.cut_off: Counter[int] | None = Counter()
        self.longest_wait_ms: float | None = 0.0
        self.kinds: Counter[str] = Counter()
        self.samples: list[dict[str, str]] = []
        self.window_s = 1
        self.windows: dict[int, Window] = {}

    def begin(self) -> int:
        """A request is about to be sent; the number is for ``end``."""
        self._tokens += 1
        self.begun = (self.begun or 0) + 1
        self._waiting[self._tokens] = self._now_s()
        return self._tokens

    def end(self, token: int, *, cut_off: bool) -> None:
        """It was answered, or failed; or its user ended before either."""
        began_s = self._waiting.pop(token, None)
        if began_s is None:
            return
        wait_ms = 1_000 * (self._now_s() - began_s)
        self.longest_wait_ms = max(self.longest_wait_ms or 0.0, wait_ms)
        if cut_off:
            assert self.cut_off is not None, "what is begun here is known"
            self.cut_off[rounded_ms(wait_ms)] += 1

    def close(self) -> None:
        """The load is over: what still waits has no answer."""
        for token in tuple(self._waiting):
            self.end(token, cut_off=True)

    def open_wait_ms(self) -> float:
        """The longest that a request has waited that has no answer yet; 0: none waits."""
        return 1_000 * (self._now_s() - min(self._waiting.values(), default=self._now_s()))

    def answered(self, at_s: float, time_ms: float, *, failed: bool) -> None:
        """A request came to an end at this second of the load."""
        self.add_window(max(0, int(at_s)), 1, 1, int(failed), ((rounded_ms(time_ms), 1),))

    def failed(self, kind: str, request: str, text: str) -> None:
        """Why a request failed, and what was said; all of it bounded by the caller."""
        add_bounded(self.kinds, kind, 1, KINDS_MAX)
        self._sample({"kind": kind, "request": request, "text": text})

    def add_window(
        self, number: int, width_s: int, requests: int, failures: int, times: Histogram
    ) -> None:
        """Count a window of this width into the own ones; too many become half as many."""
        while width_s > self.window_s:
            self.widen()
        at = number * width_s // self.window_s
        window = self.windows.get(at)
        if window is None:
            window = self.windows[at] = Window()
        window.add(requests, failures, times)
        while len(self.windows) > WINDOWS_MAX:
            self.widen()

    def widen(self) -> None:
        """Make the windows twice as wide, and so half as many."""
        halved: dict[int, Window] = {}
        for number, each in self.windows.items():
            window = halved.setdefault(number // 2, Window())
            window.add(each.requests, each.failures, each.times.items())
        self.windows = halved
        self.window_s *= 2

    def add(self, document: Document) -> None:
        """Add what another has counted, as ``document`` gives it."""
        self.begun = _sum(self.begun, document["begun"])
        cut_off = document["cut_off"]
        if self.cut_off is None or cut_off is None:
            self.cut_off = None
        else:
            self.cut_off.update(dict(cut_off))
        waited = document["longest_wait_ms"]
        if self.longest_wait_ms is not None:
            self.longest_wait_ms = None if waited is None else max(self.longest_wait_ms, waited)
        for kind, count in document["kinds"]:
            add_bounded(self.kinds, kind, count, KINDS_MAX)
        for sample in document["samples"]:
            self._sample(sample)
        width_s = document["window_s"]
        for number, requests, failures, times in document["windows"]:
            self.add_window(number, width_s, requests, failures, times)

    def document(self) -> dict[str, Any]:
        """Everything in lists and numbers."""
        return {
            "begun": self.begun,
            "cut_off": None if self.cut_off is None else sorted(self.cut_off.items()),
            "longest_wait_ms": self.longest_wait_ms,
            "kinds": self.kinds.most_common(),
            "samples": self.samples,
            "window_s": self.window_s,
            "windows": [
                (number, each.requests, each.failures, sorted(each.times.items()))
                for number, each in sorted(self.windows.items())
            ],
        }

    def drained(self) -> dict[str, Any]:
        """What was counted since the last time; what waits goes on to wait."""
        document = self.document()
        self.begun, self.cut_off, self.longest_wait_ms = 0, Counter(), 0.0
        self.kinds, self.samples, self.windows = Counter(), [], {}
        self.window_s = 1
        return document

    def _sample(self, sample: dict[str, str]) -> None:
        of_kind = sum(each["kind"] == sample["kind"] for each in self.samples)
        room = len(self.samples) < SAMPLES_MAX and of_kind < SAMPLES_OF_KIND_MAX
        if room and sample not in self.samples:
            self.samples.append(sample)


def note_level(levels: list[list[int]], at_s: float, users: int) -> None:
    """Add to pairs of a second and the users from then on, whenever they change."""
    second = int(at_s)
    if levels and levels[-1][0] == second:
        levels[-1][1] = max(levels[-1][1], users)
    elif not levels or levels[-1][1] != users:
        levels.append([second, users])
    if len(levels) > LEVELS_MAX:
        # Two become one, at the higher level, so that no peak goes.
        levels[:] = [
            [one[0], max(one[1], other[1])]
            for one, other in zip(levels[::2], levels[1::2], strict=False)
        ]


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
