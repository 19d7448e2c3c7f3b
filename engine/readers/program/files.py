"""The files that a scenario's program needs, found beside the scenario."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.readers.parsing.errors import bad_scenario
from engine.readers.program.entries import ProgramEntry
from engine.readers.program.found import FoundFiles, read_file
from engine.scenario.program import (
    FILES_MAX,
    LoadProgram,
    ProgramFile,
    ProgramFilesError,
    check_size,
)

if TYPE_CHECKING:
    from engine.readers.parsing.tree import Path as TreePath
    from engine.readers.parsing.tree import Tree


class Program(Struct, frozen=True):
    """A scenario's program, and what it says of the scenario.

    Attributes:
        program: None: Locust plays the scenario's users.
        own_host: The base URL that its users are for; None: it does not say.
    """

    program: LoadProgram | None = None
    own_host: str | None = None


def find_program(entry: ProgramEntry | str, tree: Tree, file: str) -> Program:
    """The program that a scenario file names, with what its files hold now.

    Raises:
        BadScenarioError: A file is missing, lies outside the scenario's folder, or cannot be what
            the entry says it is.
        ProgramFilesError: They hold more than injectors are given.
    """
    if isinstance(entry, str) or not entry.is_program:
        return Program()
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
    found = FoundFiles(folder, paths)
    try:
        own_host, script_load = entry.own_host(found), entry.script_load(found)
    except ValueError as error:
        (field,) = entry.main_files()
        raise _refused(str(error), ("load_engine", field), tree, file) from error
    program = replace(
        entry.program(str(folder), files),
        script_load=script_load,
        own_profile=entry.has_own_profile(script_load),
    )
    return Program(program, own_host)


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
