"""Kill processes: ``python -m tests.kills --kills 200 --seed 7``, on SQLite and PostgreSQL."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests import postgres
from tests.kills.ground import made_ground
from tests.kills.killing import kill
from tests.kills.report import Report
from tests.telling import say, say_all

SHOWN = 20


def main() -> int:
    """Kill and report; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="on each database")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same instants")
    parser.add_argument("--first", type=int, default=0, help="begin with this life of the seed")
    parser.add_argument("--database", choices=[*DATABASES], help="only this one")
    options = parser.parse_args()
    violated = False
    for name in [options.database] if options.database else DATABASES:
        began = time.monotonic()
        with (
            tempfile.TemporaryDirectory(prefix="lm-kills-") as folder,
            DATABASES[name](Path(folder)) as url,
            made_ground(url, Path(folder)) as ground,
        ):
            report = kill(
                ground, options.seed, options.kills, first=options.first, tell=_tell_so_far
            )
        say(f"{name}, seed {options.seed}, {time.monotonic() - began:.0f} s")
        _tell(report)
        violated = violated or bool(report.violations)
    return 1 if violated else 0


def _tell_so_far(report: Report) -> None:
    say(f"{report.kills.total()} kills so far, {len(report.violations)} violations")


def _tell(report: Report) -> None:
    say_all("processes killed", report.kills)
    say(f"interrupted before that: {report.interrupts:,}")
    say(f"ended before their instant came: {report.escaped:,}")
    say_all("runs", report.runs)
    say(f"machines launched: {report.machines:,}")
    for kind, paces in {"cold": report.cold_paces, "warm": report.warm_paces}.items():
        lives_s = [pace.start_up_s + pace.rest_s for pace in paces]
        say(f"a {kind} life took {min(lives_s):.1f} to {max(lives_s):.1f} s")
    say(f"violations: {len(report.violations)}")
    for violation in report.violations[:SHOWN]:
        say(f"  {violation}")


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'books.db'}"


@contextmanager
def _postgresql(_folder: Path) -> Iterator[str]:
    with (
        postgres.postgres_server() as server,
        postgres.copied_database(server, postgres.migrate_template(server)) as url,
    ):
        yield url


DATABASES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "SQLite": _sqlite,
    "PostgreSQL": _postgresql,
}


if __name__ == "__main__":
    sys.exit(main())
