"""The files that a scenario's program needs, found beside the scenario."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.readers.parsing.errors import bad_scenario
from engine.readers.program.entries import LocustEntry, ProgramEntry
from engine.scenario.program import (
    BUNDLE_BYTES_MAX,
    FILES_MAX,
    LoadProgram,
    ProgramFile,
    ProgramFilesError,
    check_size,
)

if TYPE_CHECKING:
    from engine.readers.parsing.tree import Path as TreePath
    from engine.readers.parsing.tree import Tree


def find_program(
    entry: ProgramEntry | LocustEntry | str, tree: Tree, file: str
) -> LoadProgram | None:
    """The program that a scenario file names, with what its files hold now; None: Locust.

    Raises:
        BadScenarioError: A file is missing, or lies outside the scenario's folder.
        ProgramFilesError: They hold more than injectors are given.
    """
    if isinstance(entry, str | LocustEntry):
        return None
    folder = Path(file).resolve().parent
    named: dict[TreePath, str] = {
        ("load_engine", "files", number): name for number, name in enumerate(entry.files)
    }
    named |= {("load_engine", field): name for field, name in entry.main_files().items()}
    paths: dict[str, Path] = {}
    for where, name in named.items():
        try:
            paths.update(_below(folder, name))
        except OSError as error:
            reason = error.strerror or str(error)
            raise _refused(f"{name!r} cannot be read: {reason}", where, tree, file) from error
        except ValueError as error:
            raise _refused(str(error), where, tree, file) from error
    try:
        check_size({name: path.stat().st_size for name, path in paths.items()})
        files = tuple(_look_at(name, path) for name, path in sorted(paths.items()))
    except ProgramFilesError as error:
        message = f"{file}: load_engine.files: {error.message}"
        raise ProgramFilesError(message, **error.facts) from error
    script_load = entry.script_load(list(paths), lambda name: read_file(paths[name])[0])
    return replace(entry.program(str(folder), files), script_load=script_load)


def read_file(path: Path) -> tuple[bytes, bool]:
    """A file's content, of which a bundle holds so much at most, and whether it is executable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        executable = bool(os.fstat(descriptor).st_mode & stat.S_IXUSR)
        return opened.read(BUNDLE_BYTES_MAX + 1), executable


def _below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The file of that name, or all files in the folder of that name."""
    top = folder / name
    if not top.exists():
        raise ValueError(f"there is no {name!r} in {folder}")
    found = [top]
    if top.is_dir():
        found = [path for path in sorted(top.rglob("*")) if not path.is_dir()]
    for path in found[: FILES_MAX + 1]:
        shown = path.relative_to(folder).as_posix()
        if not shown.isprintable():
            raise ValueError(f"{shown!r} holds control characters; rename it")
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder):
            raise ValueError(f"{shown!r} is a link that leaves the scenario's folder")
        if not real.is_file():
            raise ValueError(f"{shown!r} is no regular file")
        yield shown, path


def _look_at(name: str, path: Path) -> ProgramFile:
    content, executable = read_file(path)
    return ProgramFile(name, len(content), hashlib.sha256(content).hexdigest(), executable)


def _refused(problem: str, where: TreePath, tree: Tree, file: str) -> Exception:
    from engine.readers.parsing.explain import format_path

    return bad_scenario(file, problem, field=format_path(where), line=tree.line_of(where))
