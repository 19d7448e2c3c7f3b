"""The reference of error codes: every leaf of the error tree, read from the source.

Reading instead of importing: some modules belong to injectors and change the process that imports
them. What a leaf tells as facts is what the code passes where it raises it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from docs.generate.markdown import code, one_line, table

PACKAGES = ("kernel", "engine", "loadmuster", "pricing", "providers")
ROOT_CLASS = "LoadmusterError"
HEAD = """# Error codes

Whatever fails on purpose is a leaf of one tree with four branches; beside them stand a wait that
was over before its run (`run_still_open`), and a measurement that is not valid. The command line
prints its message as one line on standard error and ends with the branch's
[exit code](commands.md#exit-codes); with `--json` it prints
`{"error": {"code": ..., "message": ..., FACTS}}` as well. In Python each is an exception with
`code`, `message` and `facts`. Codes are part of the contract and stay.
"""


class ErrorClass(Struct, frozen=True):
    """A class of the tree as the source has it.

    Attributes:
        module: Dotted name of the module that defines it.
        name: Its name.
        bases: Names of its bases, as the source writes them.
        code: What it sets as ``code``; None: it takes its base's.
        exit_code: What it sets as ``exit_code``; None: it takes its base's.
        doc: Its docstring.
        facts: Names of the facts that its own constructor adds.
    """

    module: str
    name: str
    bases: tuple[str, ...]
    code: str | None
    exit_code: int | None
    doc: str
    facts: frozenset[str]


def errors_page(root: Path) -> str:
    """A table a branch: code, meaning, facts, class."""
    trees = dict(_trees(root))
    classes = _classes(trees)
    raised = _raised(trees, classes)
    parts = [HEAD]
    tops = [each for each in classes if ROOT_CLASS in each.bases]
    # What stands beside the branches is listed with the one that ends with the same code.
    first = {each.exit_code: each for each in reversed(tops)}
    for branch in sorted(first.values(), key=lambda each: each.exit_code or 0):
        beside = [each for each in tops if each.exit_code == branch.exit_code]
        below = [each for top in beside for each in (top, *_below(top, classes))]
        parts.append(f"\n## Exit code {branch.exit_code}: {branch.code}\n")
        parts.append(f"{one_line(branch.doc)}\n")
        rows = ((each.code or "", each) for each in below if each.code)
        parts.append(
            table(
                ("code", "means", "facts", "class"),
                (_row(each, raised) for _, each in sorted(rows, key=lambda row: row[0])),
            )
        )
    return "\n".join(parts) + "\n"


def _row(each: ErrorClass, raised: dict[str, set[str]]) -> tuple[str, str, str, str]:
    facts = sorted(each.facts | raised.get(f"{each.module}.{each.name}", set()))
    meaning = one_line(each.doc).partition("; facts:")[0].rstrip(".")
    where = code(f"{each.module}.{each.name}")
    return code(each.code or ""), f"{meaning}.", ", ".join(map(code, facts)), where


def _trees(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            dotted = ".".join(path.relative_to(root).with_suffix("").parts)
            yield dotted.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def _classes(trees: dict[str, ast.Module]) -> list[ErrorClass]:
    """Every class of the tree, in the order of modules."""
    all_of_them = [
        _read_class(module, node)
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    known, found = {ROOT_CLASS}, [each for each in all_of_them if each.name == ROOT_CLASS]
    # As many rounds as the tree is deep, and one more that finds nothing.
    while more := [each for each in all_of_them if each not in found and known & {*each.bases}]:
        found += more
        known |= {each.name for each in more}
    return found


def _below(branch: ErrorClass, classes: list[ErrorClass]) -> Iterator[ErrorClass]:
    for each in classes:
        if branch.name in each.bases:
            yield each
            yield from _below(each, classes)


def _read_class(module: str, node: ast.ClassDef) -> ErrorClass:
    values = dict(_constants(node.body))
    own, exit_code = values.get("code"), values.get("exit_code")
    return ErrorClass(
        module=module,
        name=node.name,
        bases=tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases),
        code=own if isinstance(own, str) else None,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        doc=ast.get_docstring(node) or "",
        facts=frozenset(_facts_of_constructors(node)),
    )


def _constants(body: Iterable[ast.stmt]) -> Iterator[tuple[str, object]]:
    for statement in body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if isinstance(statement.value, ast.Constant):
                yield from ((ast.unparse(each), statement.value.value) for each in targets)


def _facts_of_constructors(node: ast.ClassDef) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            yield from _keywords(call)


def _raised(trees: dict[str, ast.Module], classes: list[ErrorClass]) -> dict[str, set[str]]:
    """What callers of each class pass by name, by the class's dotted name."""
    by_name: dict[str, list[ErrorClass]] = {}
    for each in classes:
        by_name.setdefault(each.name, []).append(each)
    facts: dict[str, set[str]] = {}
    for module, tree in trees.items():
        imported = dict(_imports(tree))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func).rpartition(".")[2]
            for each in by_name.get(name, ()):
                # One name may stand for two classes; the import says which one is meant.
                if len(by_name[name]) == 1 or each.module == imported.get(name, module):
                    facts.setdefault(f"{each.module}.{each.name}", set()).update(_keywords(call))
    return facts


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((each.asname or each.name, node.module) for each in node.names)


def _keywords(call: ast.Call) -> Iterator[str]:
    yield from (each.arg for each in call.keywords if each.arg)
