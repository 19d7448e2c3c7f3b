"""One ceiling division for the whole tree, exact for numbers of any size."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernel.division import ceil_div

ROOT = Path(__file__).parents[2]
ITS_HOME = ROOT / "kernel" / "division.py"
FOLDERS = ("benchmarks", "engine", "examples", "kernel", "loadmuster", "pricing", "providers")
COMPILED = tuple((ROOT / "engine" / "sweeping").glob("compiled*.py"))
"""Numba compiles these whole; a call into Python would undo that."""
PEERS = ROOT / "benchmarks" / "sweep_peers.py"
"""What others would write by hand in other libraries."""


@given(st.integers(min_value=0), st.integers(min_value=1))
def test_it_is_the_least_whole_number_that_is_not_below_the_quotient(
    dividend: int, divisor: int
) -> None:
    assert ceil_div(dividend, divisor) == ceil(Fraction(dividend, divisor))


def test_a_column_is_divided_row_by_row() -> None:
    users = np.array([1, 399, 400, 401])
    assert ceil_div(users, 400).tolist() == [1, 1, 1, 2]
    assert ceil_div(users, np.array([1, 2, 3, 4])).tolist() == [1, 200, 134, 101]
    assert ceil_div(10, np.array([1, 3, 10, 11])).tolist() == [10, 4, 1, 1]


def test_nobody_divides_upwards_by_hand() -> None:
    by_hand = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path not in {ITS_HOME, PEERS, *COMPILED}
        for line in _divisions_by_hand(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert by_hand == []


def test_the_walk_knows_both_ways_to_write_it() -> None:
    by_hand = "-(-b // c)\n-(-b * e // c)\n(b + c - 1) // c\nb // c\n(b + c) // 2"
    assert list(_divisions_by_hand(ast.parse(by_hand))) == [1, 2, 3]


def _divisions_by_hand(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.UnaryOp(ast.USub(), ast.BinOp(left, ast.FloorDiv(), _)) if _is_negated(left):
                yield node.lineno
            case ast.BinOp(
                ast.BinOp(ast.BinOp(_, ast.Add(), added), ast.Sub(), ast.Constant(1)),
                ast.FloorDiv(),
                divisor,
            ) if ast.dump(added) == ast.dump(divisor):
                yield node.lineno


def _is_negated(factor: ast.expr) -> bool:
    while isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Mult):
        factor = factor.left
    return isinstance(factor, ast.UnaryOp) and isinstance(factor.op, ast.USub)
