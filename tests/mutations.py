"""Deliberate faults in the billing code and the reaper: ``make mutants``. A test must catch each.

Every fault is one line of code, of the rooms of ``tests/faults``. It is put into a copy of the tree
in a temporary folder, where its tests are run on SQLite. Fails if a fault survives, if a fault no
longer fits the code, or if the tests fail without any fault. With arguments, only the faults whose
names contain one of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from tests.faults import FAULTS
from tests.faults.fault import Fault

ROOT = Path(__file__).parent.parent
COPIED = (
    *("benchmarks", "docs", "engine", "examples", "kernel", "loadmuster", "pricing", "providers"),
    "tests",
    "pyproject.toml",
)
TIMEOUT_S = 900


class Verdict(StrEnum):
    """What became of a fault; everything but the first is a failure."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE: the line is not there exactly once"
    BROKEN = "BROKEN: the tests could not be run"


def main(wanted: Sequence[str]) -> int:
    """Run the faults; 1 if any of them was not caught."""
    faults = [each for each in FAULTS if not wanted or any(word in each.name for word in wanted)]
    if not faults:
        _say(f"no fault's name contains {' or '.join(wanted)}")
        return 1
    with _copy_of_the_tree() as tree:
        paths = sorted({test for each in faults for test in each.tests})
        sound = _run_tests(tree, [*paths, "-n", str(os.cpu_count())], "")
    if sound.returncode:
        _say(sound.stdout)
        _say("without any fault, the tests fail already")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = []
        for fault, verdict in zip(faults, pool.map(_try, faults), strict=True):
            _say(f"{verdict:9} {fault.name}")
            verdicts.append(verdict)
    caught = verdicts.count(Verdict.CAUGHT)
    _say(f"\n{caught} of {len(faults)} faults were caught.")
    return 0 if caught == len(faults) else 1


def _try(fault: Fault) -> Verdict:
    with _copy_of_the_tree() as tree:
        if not fault.fits(tree):
            return Verdict.STALE
        file = tree / fault.file
        code = file.read_text(encoding="utf-8")
        file.write_text(code.replace(fault.right, fault.wrong), encoding="utf-8")
        ended = _run_tests(tree, fault.tests, fault.only)
    return {0: Verdict.SURVIVED, 1: Verdict.CAUGHT}.get(ended.returncode, Verdict.BROKEN)


def _run_tests(tree: Path, arguments: Iterable[str], only: str) -> subprocess.CompletedProcess[str]:
    chosen = f"({only}) and not postgres" if only else "not postgres"
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-qx",
            "-p",
            "no:cacheprovider",
            "-m",
            "",
            "-k",
            chosen,
            *arguments,
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@contextmanager
def _copy_of_the_tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loadmuster-fault-") as folder:
        tree = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", ".mypy_cache")
                shutil.copytree(ROOT / name, tree / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, tree / name)
        yield tree


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
