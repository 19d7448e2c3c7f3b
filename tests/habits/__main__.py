"""Play sessions: ``python -m tests.habits --sessions 200 --seed 7``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.habits.ground import made_ground
from tests.habits.playing import play_all
from tests.habits.report import Report
from tests.habits.sessions import session_of
from tests.telling import say, say_all

TOLD_EVERY = 20


def main() -> int:
    """Play and report; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.habits", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same sessions")
    parser.add_argument("--first", type=int, default=0, help="begin with this session of the seed")
    options = parser.parse_args()
    began_s = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="lm-habits-") as folder,
        made_ground(Path(folder)) as ground,
    ):
        numbers = range(options.first, options.first + options.sessions)
        sessions = [session_of(options.seed, number) for number in numbers]
        report = play_all(ground, sessions, tell=_tell_so_far)
    say(f"seed {options.seed}, {time.monotonic() - began_s:.0f} s")
    _tell(report)
    if report.violations:
        say(f"again: python -m tests.habits --seed {options.seed} --first NUMBER --sessions 1")
    return 1 if report.violations else 0


def _tell_so_far(report: Report) -> None:
    if report.sessions.total() % TOLD_EVERY == 0:
        say(f"{report.sessions.total()} sessions so far, {len(report.violations)} violations")


def _tell(report: Report) -> None:
    say_all("sessions", report.sessions)
    say_all("habits", report.habits)
    say_all("came too late", report.escaped)
    say_all("the first command's output", report.screens)
    say_all("commands, by how they ended", report.codes)
    say_all("runs", report.runs)
    say_all("finished by", report.finished)
    say(f"machines on record: {report.machines:,}; disks filled: {report.disks:,}")
    say(f"violations: {len(report.violations)}")
    for violation in report.violations:
        say(f"  {violation}")


if __name__ == "__main__":
    sys.exit(main())
