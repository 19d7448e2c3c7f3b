"""One start of pytest in a tree, forked off a process that has imported what all tests need.

What is imported beforehand belongs to others: the project itself is read from the tree.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from msgspec import Struct

TIMEOUT_S = 900
OURS = frozenset(("benchmarks", "engine", "kernel", "loadmuster", "pricing", "providers", "tests"))
READ_BEFOREHAND = [
    *("alembic.command", "click", "hypothesis.stateful", "jinja2", "msgspec", "numpy", "psutil"),
    *("pydantic", "pytest", "rich.table", "sqlalchemy.dialects.sqlite", "tenacity", "xdist.plugin"),
    *("yaml", "zoneinfo"),
]


class Ended(Struct, frozen=True):
    """How the tests ended.

    Attributes:
        code: pytest's exit code; None if the process was lost or took too long.
        failed: The first test that failed, by its node id; empty: none.
        said: What pytest printed.
    """

    code: int | None
    failed: str
    said: str


class FirstFailure:
    """A plugin of pytest that notes which test failed first."""

    test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.test:
            self.test = report.nodeid


def fork_server() -> ForkServerContext:
    """Where processes come from that have imported what all tests need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(READ_BEFOREHAND)
    return context


def run_tests(server: ForkServerContext, tree: Path, arguments: Sequence[str]) -> Ended:
    """Start pytest in the tree, in a process of its own, and wait for it."""
    said = tree / "pytest.txt"
    mine, theirs = server.Pipe(duplex=False)
    with mine:
        process = server.Process(target=_pytest_in, args=(tree, said, list(arguments), theirs))
        process.start()
        theirs.close()
        process.join(TIMEOUT_S)
        if process.is_alive():
            process.kill()
            process.join()
        code, failed = mine.recv() if process.exitcode == 0 else (None, "")
    return Ended(code, failed, said.read_text(encoding="utf-8") if said.exists() else "")


def _pytest_in(tree: Path, said: Path, arguments: list[str], answer: Connection) -> None:
    # Tests find this tree first, and so does every process that they start.
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)
    sys.path.insert(0, str(tree))
    for name in [each for each in sys.modules if each.partition(".")[0] in OURS]:
        del sys.modules[name]
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    first = FirstFailure()
    # That plugins were imported before pytest could look into them is as it should be here.
    warned = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
    given = ["-qx", "-p", "no:cacheprovider", *warned, "-m", "", *arguments]
    code = int(pytest.main(given, plugins=[first]))
    answer.send((code, first.test))
