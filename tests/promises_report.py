"""The promises of docs/promises.md with the tests that hold each: ``make promises``.

A promise concerns commands, and of most of them every provider: each such pair is a cell. A test
says which cells it holds:

    @pytest.mark.promise("closed-terminal-releases", command="run", provider=("aws", "azure"))

Fails if a cell has no test, or a test names a promise or a cell that there is not.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent
ANYWHERE = "-"
"""The provider of a command that has none."""

_ROW = re.compile(r"\| `([a-z-]+)` \| (.+) \| (`.+) \|")
_COMMAND = re.compile(r"`([^`]+)`")


class Cell(Struct, frozen=True, order=True):
    """A command, and whose machines it has to do with."""

    command: str
    provider: str = ANYWHERE


class Promise(Struct, frozen=True):
    """One row of the table."""

    slug: str
    statement: str
    cells: tuple[Cell, ...]


class Held(Struct, frozen=True):
    """A test that holds cells of a promise; ``test`` is ``file::name``."""

    slug: str
    cells: tuple[Cell, ...]
    test: str


def read_promises(text: str) -> Sequence[Promise]:
    """The rows of the table, in the order in which they stand."""
    rows = (_ROW.fullmatch(line) for line in text.splitlines())
    return [Promise(row[1], row[2], tuple(_cells(row[3]))) for row in rows if row]


def _cells(where: str) -> Iterator[Cell]:
    """Of ```run`, `cancel`: local, aws; `usage```: the first two for each provider, the last."""
    for part in where.split(";"):
        commands, _, providers = part.partition(":")
        names = [each.strip() for each in providers.split(",")] if providers else [ANYWHERE]
        for command in _COMMAND.findall(commands):
            for provider in names:
                yield Cell(command, provider)


def held_by_tests(folder: Path) -> Sequence[Held]:
    """What the tests below a folder say that they hold; a whole module may say it once."""
    return [
        Held(*_said(mark), f"{file.relative_to(folder)}::{name}")
        for file in sorted(folder.rglob("test_*.py"))
        for name, mark in _marks(ast.parse(file.read_text(encoding="utf-8")))
    ]


def _marks(module: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for statement in module.body:
        places: Sequence[ast.AST] = []
        if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test_"):
            name, places = statement.name, statement.decorator_list
        elif (
            isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
        ):
            name, places = "(all)", [statement.value]
        for call in [each for place in places for each in ast.walk(place)]:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.promise":
                yield name, call


def _said(mark: ast.Call) -> tuple[str, tuple[Cell, ...]]:
    (slug,) = [ast.literal_eval(each) for each in mark.args]
    said = {each.arg: ast.literal_eval(each.value) for each in mark.keywords}
    commands, providers = _several(said.pop("command")), _several(said.pop("provider", ANYWHERE))
    assert not said, f"{slug}: {said}"
    return slug, tuple(Cell(each, provider) for each in commands for provider in providers)


def _several(said: str | Sequence[str]) -> Sequence[str]:
    return [said] if isinstance(said, str) else said


def tests_by_cell(held: Sequence[Held]) -> Mapping[tuple[str, Cell], Sequence[str]]:
    """The tests of each cell of each promise, by slug and cell."""
    found = defaultdict(list)
    for each in held:
        for cell in each.cells:
            found[each.slug, cell].append(each.test)
    return found


def faults(promises: Sequence[Promise], held: Sequence[Held]) -> Iterator[str]:
    """What is wrong, a line each."""
    known = {(promise.slug, cell) for promise in promises for cell in promise.cells}
    tests = tests_by_cell(held)
    for slug, cell in sorted(known - tests.keys()):
        yield f"{slug} has no test for {cell.command}, {cell.provider}"
    for slug, cell in sorted(tests.keys() - known):
        where, test = f"{cell.command}, {cell.provider}", tests[slug, cell][0]
        yield f"{slug} for {where} is promised nowhere, but {test} names it"
    slugs = [promise.slug for promise in promises]
    for slug in sorted({each for each in slugs if slugs.count(each) > 1}):
        yield f"{slug} stands twice in the table"


def main() -> int:
    """Print the report; 1 if anything is wrong."""
    promises = read_promises((ROOT / "docs" / "promises.md").read_text(encoding="utf-8"))
    held = held_by_tests(ROOT / "tests")
    tests = tests_by_cell(held)
    for promise in promises:
        _say(f"{promise.slug}: {promise.statement}")
        for command in dict.fromkeys(cell.command for cell in promise.cells):
            cells = [cell for cell in promise.cells if cell.command == command]
            counts = [
                f"{cell.provider} {len(tests.get((promise.slug, cell), ()))}" for cell in cells
            ]
            _say(f"    {command:<20} {', '.join(counts)}")
        for test in sorted({each.test for each in held if each.slug == promise.slug}):
            _say(f"        {test}")
    wrong = list(faults(promises, held))
    all_cells = [(promise.slug, cell) for promise in promises for cell in promise.cells]
    covered = sum(1 for each in all_cells if each in tests)
    names = {each.test for each in held}
    _say(
        f"\n{len(promises)} promises in {len(all_cells)} cells; {covered} of these have tests,"
        f" {len(names)} in all."
    )
    for fault in wrong:
        _say(f"wrong: {fault}")
    return 1 if wrong else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
