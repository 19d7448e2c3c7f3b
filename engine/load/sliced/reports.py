"""From the injectors' reports to one result: figures are added, histograms are merged.

Percentiles are taken from the merged histogram; they are never averages of percentiles.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from engine.load.failure_kinds import printable
from engine.load.sliced.machine_use import MachineUse
from engine.load.sliced.reasons import Reason, told_once
from engine.load.verdict import CANCELLED, COMPLETED, FAILED
from kernel.words import counted

LATE_S_MAX = 1.0
"""An injector that began so much after the others did not play what was planned."""

NOTES_MAX, NOTE_MAX = 20, 500
"""Of a process, and characters of each, whatever an injector sends."""

EARLY_S_MAX = 10.0
"""An injector that was told to end so much before the others was taken away, not cancelled."""


class Report(Struct, frozen=True):
    """What one process of an injector measured so far.

    Attributes:
        machine: Whose.
        part: Which process, from 0.
        parts: How many there are on this machine.
        ended: How it ended; None: it plays.
        late_s: How long after the common start it began.
        load_s: Seconds for which it has played.
        users: Pairs of the second and the users from then on.
        requests: Made so far.
        failures: How many of them failed.
        requests_per_s: Over the last few seconds.
        response_times_ms: Pairs of response time and number of requests.
        cpu_percent_max: Most of one processor core that it used; None: the process is not ours to
            measure, the machine is.
        message: Why it failed, if it says so.
        users_known: False: its samples do not say how many users were active.
        unreadable: Samples that make no sense.
        notes: What went wrong in the user's own code beside its requests.
        begun: Requests begun so far; None: the load engine does not tell. So for the next.
        open_wait_ms: The longest that a request has waited that has no answer yet.
    """

    machine: str
    part: int
    parts: int
    ended: str | None
    late_s: float
    load_s: float
    users: tuple[tuple[int, int], ...]
    requests: int
    failures: int
    requests_per_s: float
    response_times_ms: tuple[tuple[int, int], ...]
    cpu_percent_max: float | None
    message: str = ""
    users_known: bool = True
    unreadable: int = 0
    notes: tuple[str, ...] = ()
    begun: int | None = None
    open_wait_ms: float | None = None

    @property
    def users_now(self) -> int:
        """Users active when it was written."""
        return self.users[-1][1] if self.users and self.ended is None else 0


def report_from(machine: str, content: bytes) -> Report | None:
    """A report as it was uploaded; None: only a part of it is there yet."""
    try:
        document: dict[str, Any] = json.loads(content)
    except ValueError:
        return None
    pairs = {key: tuple(tuple(pair) for pair in document[key]) for key in _PAIRS}
    notes = tuple(str(note)[:NOTE_MAX] for note in document.get("notes", ())[:NOTES_MAX])
    return Report(machine=machine, **{**document, **pairs, "notes": notes})


_PAIRS = ("users", "response_times_ms")


def is_complete(reports: Sequence[Report]) -> bool:
    """Whether one injector's processes have all ended."""
    return bool(reports) and len(reports) == reports[0].parts and all(r.ended for r in reports)


def by_machine(reports: Iterable[Report]) -> Mapping[str, Sequence[Report]]:
    """The reports of each injector."""
    grouped: defaultdict[str, list[Report]] = defaultdict(list)
    for report in reports:
        grouped[report.machine].append(report)
    return grouped


def reasons(reports: Iterable[Report]) -> Sequence[Reason]:
    """Why processes of injectors failed, as far as they say so."""
    return tuple(
        Reason(report.machine, printable(report.message)) for report in reports if report.message
    )


def user_levels(reports: Iterable[Report]) -> tuple[tuple[int, int], ...]:
    """Pairs of a second and the users from then on, over all reports."""
    changes: Counter[int] = Counter()
    for report in reports:
        before = 0
        for at_s, users in report.users:
            changes[at_s] += users - before
            before = users
    seconds = sorted(changes)
    return tuple(zip(seconds, accumulate(changes[at_s] for at_s in seconds), strict=True))


def known_peak_users(reports: Sequence[Report]) -> int | None:
    """Most users active at once; None: some reports do not say how many there were."""
    if not all(report.users_known for report in reports):
        return None
    return max((users for _, users in user_levels(reports)), default=0)


def merged(
    machines: Sequence[str],
    reports: Sequence[Report],
    message: str,
    machine_use: Mapping[str, MachineUse] = MappingProxyType({}),
    details: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The document that ``engine.load.verdict.judge`` reads.

    Args:
        machines: The injectors that were given a share, by slot.
        reports: The last of each process.
        message: Why it failed, if somebody said so.
        machine_use: What the machines used, by name, where it was measured.
        details: As ``engine.load.sliced.details.merged_details`` gives them.
    """
    grouped = by_machine(reports)
    lost = {machine for machine in machines if _was_lost(grouped.get(machine, ()), reports)}
    histogram: Counter[int] = Counter()
    for report in reports:
        histogram.update(dict(report.response_times_ms))
    message = message or told_once(reasons(reports), len(machines))
    late = [report for report in reports if report.late_s > LATE_S_MAX]
    if late and not message:
        slow, most_s = {each.machine for each in late}, max(each.late_s for each in late)
        message = (
            f"{len(slow)} of {counted(len(machines), 'injector')} began {most_s:.1f} s after the "
            "others"
        )
    return {
        "ended": FAILED
        if late
        else _ended([report for report in reports if report.machine not in lost] or reports),
        "message": message,
        "load_s": max((report.load_s for report in reports), default=0.0),
        "requests": sum(report.requests for report in reports),
        "failures": sum(report.failures for report in reports),
        "peak_users": known_peak_users(reports),
        "levels": user_levels(reports) if all(r.users_known for r in reports) else None,
        "unreadable": sum(report.unreadable for report in reports),
        "notes": list(dict.fromkeys(note for report in reports for note in report.notes)),
        "response_times_ms": sorted(histogram.items()),
        "injectors": [
            {
                **_injector(slot, grouped.get(machine, ()), lost=machine in lost),
                **(asdict(machine_use[machine]) if machine in machine_use else {}),
            }
            for slot, machine in enumerate(machines)
        ],
        **details,
    }


def _injector(slot: int, own: Sequence[Report], *, lost: bool) -> dict[str, Any]:
    measured = [each.cpu_percent_max for each in own if each.cpu_percent_max is not None]
    return {
        "slot": slot,
        "requests": sum(report.requests for report in own),
        "cpu_percent_max": max(measured, default=None),
        "lost": lost,
    }


def _was_lost(own: Sequence[Report], every: Sequence[Report]) -> bool:
    """Whether an injector went before the load ended, silently or told to by its cloud."""
    if not is_complete(own):
        return True
    if all(report.ended != CANCELLED for report in own):
        return False
    others_s = max(report.load_s for report in every) - max(report.load_s for report in own)
    return others_s > EARLY_S_MAX or any(report.ended == COMPLETED for report in every)


def _ended(reports: Sequence[Report]) -> str | None:
    """How the load ended: the worst that any process says; None: none of them says anything."""
    said = {report.ended for report in reports} - {None}
    return next((each for each in (FAILED, CANCELLED, COMPLETED) if each in said), None)
