"""Documents have one place: commands ask for them, and make none themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import loadmuster.cli
import loadmuster.documents

COMMANDS = sorted(Path(loadmuster.cli.__file__).parent.glob("*.py"))
DOCUMENTS = loadmuster.documents.__name__


def emitted(tree: ast.Module) -> Iterator[tuple[ast.expr, list[ast.FunctionDef]]]:
    """The document of each ``emit``, with the functions around it, the innermost first."""

    def walk(
        node: ast.AST, around: list[ast.FunctionDef]
    ) -> Iterator[tuple[ast.expr, list[ast.FunctionDef]]]:
        if isinstance(node, ast.FunctionDef):
            around = [node, *around]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "emit"
        ):
            yield node.args[0], around
        for child in ast.iter_child_nodes(node):
            yield from walk(child, around)

    yield from walk(tree, [])


def of_documents(tree: ast.Module) -> set[str]:
    """The names that a module imports from the documents, wherever it does."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(DOCUMENTS)
        for alias in node.names
    }


def makers(document: ast.expr, around: list[ast.FunctionDef]) -> Iterator[ast.expr]:
    """The expressions that a document is made by: itself, or what its name was given."""
    if not isinstance(document, ast.Name):
        yield document
        return
    for function in around:
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == document.id for target in node.targets
            ):
                yield node.value
            if isinstance(node, ast.FunctionDef) and node.name == document.id:
                yield from (
                    each.value
                    for each in ast.walk(node)
                    if isinstance(each, ast.Return) and each.value is not None
                )


def made_elsewhere(source: str) -> list[int]:
    """Lines of an ``emit`` whose document is not the value of one of the documents' functions."""
    tree = ast.parse(source)
    known = of_documents(tree)
    return [
        document.lineno
        for document, around in emitted(tree)
        for made_by in [list(makers(document, around))]
        if not made_by
        or not all(
            isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in known
            for each in made_by
        )
    ]


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_command_prints_only_what_the_documents_make(path: Path) -> None:
    assert made_elsewhere(path.read_text(encoding="utf-8")) == []


def test_there_are_commands_that_print() -> None:
    printed = [
        document
        for path in COMMANDS
        for document, _ in emitted(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(printed) > 30


@pytest.mark.parametrize(
    "source",
    [
        "settings.emit({'a': 1}, show)",
        "settings.emit({**run_document(run), 'a': 1}, show)",
        "settings.emit(checkup.document(), show)",
        "def f():\n    made = {'a': 1}\n    settings.emit(made, show)",
        "def f():\n    def made():\n        return {'a': 1}\n    settings.emit(made, show)",
        "def f(made):\n    settings.emit(made, show)",
    ],
)
def test_a_document_of_another_make_is_found(source: str) -> None:
    assert made_elsewhere("from loadmuster.documents.run import run_document\n" + source)


def test_documents_know_no_command_line() -> None:
    for path in Path(loadmuster.documents.__file__).parent.glob("*.py"):
        assert "loadmuster.cli" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_no_other_text_is_json_of_a_dict_made_there(path: Path) -> None:
    written = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "dumps"
        and isinstance(node.args[0], ast.Dict | ast.DictComp)
    ]
    assert written == []
