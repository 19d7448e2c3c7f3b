"""Every place that starts a process is in the table of `docs/serving.md`, with what ends it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("engine", "kernel", "loadmuster", "pricing", "providers")
TABLE = ROOT / "docs" / "serving.md"
ROW = re.compile(r"^\| `([^`]+)` \|(.+)\|$", re.MULTILINE)

STARTS = frozenset(
    {
        *("subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_call"),
        *("subprocess.check_output", "subprocess.getoutput", "subprocess.getstatusoutput"),
        *("os.fork", "os.forkpty", "pty.fork", "os.popen", "os.system"),
        *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
    }
)
"""Calls that start one, and those below by their beginning or their name alone."""

STARTS_WITH = ("os.spawn", "os.posix_spawn", "os.exec", "multiprocessing.")
NAMES = frozenset({"Popen", "ProcessPoolExecutor", "LocalCluster", "Nanny", "fork"})

IN_BACKGROUND = re.compile(r"(?<![&>])&\s*$", re.MULTILINE)


def starts_processes(source: str) -> bool:
    """Whether a module calls anything that starts a process."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            last = called.rpartition(".")[2]
            if called in STARTS or called.startswith(STARTS_WITH) or last in NAMES:
                return True
    return False


def places() -> Iterator[str]:
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix == ".py" and starts_processes(path.read_text(encoding="utf-8")):
                yield name
            if path.suffix == ".sh" and IN_BACKGROUND.search(path.read_text(encoding="utf-8")):
                yield name


def test_every_place_that_starts_a_process_says_what_ends_it() -> None:
    rows = dict(ROW.findall(TABLE.read_text(encoding="utf-8")))
    assert sorted(rows) == sorted(places())
    for name, cells in rows.items():
        what, outlives, end = (each.strip() for each in cells.split(" | "))
        assert what, name
        assert end, name
        assert outlives.startswith(("yes", "no", "for seconds", "until")), name


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nsubprocess.run(['x'])",
        "from subprocess import Popen\nPopen(['x'])",
        "import os\nos.execvp('x', [])",
        "import multiprocessing\nmultiprocessing.Process()",
        "import asyncio\nasyncio.create_subprocess_exec('x')",
    ],
)
def test_the_walk_finds_what_starts_a_process(source: str) -> None:
    assert starts_processes(source)
    assert IN_BACKGROUND.search("sh ./load.sh > load.log 2>&1 &\n")
    assert not IN_BACKGROUND.search("a &&\nb 2>&1\n")
