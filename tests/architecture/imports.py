"""Who imports whom, read from the source: deferred imports and those for types alone included."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Arrows = Mapping[str, frozenset[str]]
"""To each module, or folder, those that it imports."""


def modules_of(root: Path) -> dict[str, Path]:
    """The modules of a root package by their dotted names; a package's own is its ``__init__``."""
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def module_arrows(modules: Mapping[str, Path]) -> Arrows:
    """Which of the modules each of them imports, anywhere in its text."""
    return {
        name: frozenset(_imported(path, name, modules) - {name}) for name, path in modules.items()
    }


def folder_arrows(modules: Mapping[str, Path], arrows: Arrows) -> Arrows:
    """The same among the folders that the modules lie in."""
    folders: dict[str, frozenset[str]] = {}
    for name, imported in arrows.items():
        folder = str(modules[name].parent)
        others = {str(modules[each].parent) for each in imported} - {folder}
        folders[folder] = folders.get(folder, frozenset()) | others
    return folders


def cycle_of(arrows: Arrows) -> tuple[str, ...]:
    """A cycle among the arrows, its first node repeated at its end; empty: there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def _imported(path: Path, module: str, modules: Mapping[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= set(_known((alias.name for alias in node.names), modules))
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, path, module)
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                found |= set(_known([submodule if submodule in modules else base], modules))
    return found


def _base(node: ast.ImportFrom, path: Path, module: str) -> str:
    """The dotted name that an import takes its names from, a relative one resolved."""
    if not node.level:
        assert node.module is not None
        return node.module
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _known(names: Iterable[str], modules: Mapping[str, Path]) -> Iterator[str]:
    return (name for name in names if name in modules)
