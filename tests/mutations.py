"""Deliberate faults in the billing code and the reaper: ``make mutants``. A test must catch each.

Every fault is one line of code, of the rooms of ``tests/faults``. It is put into a copy of the tree
in a temporary folder, where its tests are run on SQLite until one of them fails. At the end, all
that failed must pass without any fault. Fails if a fault survives, if a fault no longer fits the
code, or if a test fails that has none. With arguments, only the faults whose names contain one of
them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from msgspec import Struct

from tests.faults import FAULTS
from tests.faults.fault import Fault
from tests.faults.trees import sound_tree, tree_with
from tests.faults.trials import fork_server, run_tests


class Verdict(StrEnum):
    """What became of a fault; everything but the first is a failure."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE: the line is not there exactly once"
    BROKEN = "BROKEN: the tests could not be run"


class Tried(Struct, frozen=True):
    """A fault, and what became of it.

    Attributes:
        fault: The wrong line.
        verdict: Whether a test caught it.
        caught_by: That test, by its node id; empty if there is none.
        said: What pytest printed.
    """

    fault: Fault
    verdict: Verdict
    caught_by: str = ""
    said: str = ""


def main(wanted: Sequence[str]) -> int:
    """Run the faults; 1 if any of them was not caught."""
    faults = [each for each in FAULTS if not wanted or any(word in each.name for word in wanted)]
    if not faults:
        _say(f"no fault's name contains {' or '.join(wanted)}")
        return 1
    server = fork_server()
    with sound_tree() as sound:
        # Whatever is read here, the copies need not compile.
        paths = sorted({path for fault in faults for path in fault.tests})
        run_tests(server, sound, ["--collect-only", *paths])
        tries = []
        for tried in try_all(faults, server, sound):
            _say(f"{tried.verdict:9} {tried.fault.name}")
            if tried.verdict is Verdict.BROKEN:
                _say(tried.said)
            tries.append(tried)
        caught = [each.caught_by for each in tries if each.verdict is Verdict.CAUGHT]
        ended = run_tests(server, sound, sorted(set(caught)))
    if caught and ended.code:
        _say(ended.said)
        _say("these tests fail without any fault too")
        return 1
    _say(f"\n{len(caught)} of {len(faults)} faults were caught.")
    return 0 if len(caught) == len(faults) else 1


def try_all(faults: Sequence[Fault], server: ForkServerContext, sound: Path) -> Iterator[Tried]:
    """Each fault in a tree of its own, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda fault: _try(fault, server, sound), faults)


def _try(fault: Fault, server: ForkServerContext, sound: Path) -> Tried:
    if not fault.fits(sound):
        return Tried(fault, Verdict.STALE)
    chosen = f"({fault.only}) and not postgres" if fault.only else "not postgres"
    with tree_with(fault, sound) as tree:
        ended = run_tests(server, tree, ["-k", chosen, *fault.tests])
    match ended.code:
        case pytest.ExitCode.OK:
            return Tried(fault, Verdict.SURVIVED, said=ended.said)
        case pytest.ExitCode.TESTS_FAILED:
            return Tried(fault, Verdict.CAUGHT, ended.failed, ended.said)
        case _:
            return Tried(fault, Verdict.BROKEN, said=ended.said)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
