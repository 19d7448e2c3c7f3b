"""Copies of the project: a sound one, and for each fault one that shares its files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.fault import Fault

ROOT = Path(__file__).parents[2]
COPIED = (
    *("benchmarks", "docs", "engine", "examples", "kernel", "loadmuster", "pricing", "providers"),
    "tests",
    "pyproject.toml",
)


@contextmanager
def sound_tree() -> Iterator[Path]:
    """A copy of what the tests need, in a temporary folder, compiled files included."""
    with tempfile.TemporaryDirectory(prefix="loadmuster-faults-") as folder:
        tree = Path(folder) / "sound"
        tree.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns(".*"))
            else:
                shutil.copy2(ROOT / name, tree / name)
        yield tree


@contextmanager
def tree_with(fault: Fault, sound: Path) -> Iterator[Path]:
    """A tree beside the sound one that has its files, but for the one that is wrong.

    Compiled files are good as long as their source is as old as it was, which a link is.
    """
    with tempfile.TemporaryDirectory(dir=sound.parent) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(sound, tree, copy_function=os.link)
        file = tree / fault.file
        code = file.read_text(encoding="utf-8")
        file.unlink()
        file.write_text(code.replace(fault.right, fault.wrong), encoding="utf-8")
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()
        yield tree
