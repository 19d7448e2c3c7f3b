"""Who collects money is said by every caller: one forgotten argument may not rehearse a payment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]

ROOTS = ("pricing", "engine", "loadmuster")
NAMES = ("gateway",)

COMPOSITION_ROOT = ("Engine.__init__",)
"""Where the installation's own gateway is chosen."""


def _sources() -> list[Path]:
    return sorted(path for root in ROOTS for path in (HOME / root).rglob("*.py"))


def faults(source: str) -> list[str]:
    """Where the text lets a gateway be left out, or None, or given by its place alone."""
    return [
        f"{where}: {fault}"
        for where, fault in _faults(ast.parse(source), "")
        if where not in COMPOSITION_ROOT
    ]


def _faults(node: ast.AST, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef):
        where = f"{where}.{node.name}".lstrip(".")
        yield from ((where, each) for each in _field_faults(node))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        where = f"{where}.{node.name}".lstrip(".")
        yield from ((where, each) for each in _parameter_faults(node.args))
    for child in ast.iter_child_nodes(node):
        yield from _faults(child, where)


def _field_faults(node: ast.ClassDef) -> Iterator[str]:
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and "PaymentGateway" in ast.unparse(field.annotation):
            if field.value is not None:
                yield f"{ast.unparse(field.target)} has a default"
            if ast.unparse(field.annotation) != "PaymentGateway":
                yield f"{ast.unparse(field.target)} may be something else"


def _parameter_faults(arguments: ast.arguments) -> Iterator[str]:
    by_place = [*arguments.posonlyargs, *arguments.args]
    yield from (f"{each.arg} is given by its place" for each in by_place if _collects(each))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if _collects(each) and default is not None:
            yield f"{each.arg} has a default"
        if _collects(each) and ast.unparse(each.annotation or each) != "PaymentGateway":
            yield f"{each.arg} may be something else"


def _collects(argument: ast.arg) -> bool:
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    return argument.arg in NAMES or "PaymentGateway" in annotation


def test_every_caller_says_who_collects() -> None:
    found = {
        str(path.relative_to(HOME)): left_out
        for path in _sources()
        if (left_out := faults(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_there_are_gateways_to_look_at() -> None:
    texts = [path.read_text(encoding="utf-8") for path in _sources()]
    assert sum(text.count(": PaymentGateway") for text in texts) > 30


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def pay(*, gateway: PaymentGateway = G): ...", "pay: gateway has a default"),
        ("def pay(*, gateway: PaymentGateway | None): ...", "pay: gateway may be something else"),
        ("def pay(gateway: PaymentGateway): ...", "pay: gateway is given by its place"),
        ("async def pay(*, by: PaymentGateway = G): ...", "pay: by has a default"),
        ("class C:\n    gateway: PaymentGateway = G", "C: gateway has a default"),
        ("class C:\n    def pay(self, *, gateway=None): ...", "C.pay: gateway has a default"),
    ],
)
def test_one_that_can_be_left_out_is_found(source: str, fault: str) -> None:
    assert fault in faults(source)


def test_one_that_must_be_given_is_no_fault() -> None:
    assert faults("def pay(*, gateway: PaymentGateway, now: int = 0): ...") == []
