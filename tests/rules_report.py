"""The rules of docs/rules.md with the tests that carry their numbers: ``make rules``.

Fails if a rule in scope has no test, a test names a rule that there is not, or a rule names a file
that there is not.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent
OUT_OF_SCOPE = "not yet in scope"
NUMBERS = range(1, 121)
IN_SCOPE = frozenset({*range(1, 81), *range(94, 118)})

_ROW = re.compile(r"\| R(\d+) \| (.+) \| (.+) \|")
_FILE = re.compile(r"`([^`]+)`")
_MARK = re.compile(r"(?<![a-z0-9])r(\d+)(?![a-z0-9])")


class Rule(Struct, frozen=True):
    """One row of docs/rules.md; ``where`` names files, or says that it is not in scope."""

    number: int
    statement: str
    where: str


def read_rules(text: str) -> Sequence[Rule]:
    """The rules in the order in which they stand."""
    rows = (_ROW.fullmatch(line) for line in text.splitlines())
    return [Rule(int(row[1]), row[2], row[3]) for row in rows if row]


def numbers_in(test_name: str) -> frozenset[int]:
    """The rules that a test's name carries: ``test_r17_r22_a_legacy_account`` holds 17 and 22."""
    return frozenset(int(number) for number in _MARK.findall(test_name.replace("_", " ")))


def tests_by_rule(folder: Path) -> Mapping[int, Sequence[str]]:
    """``file::test`` of every test that carries a number, by that number."""
    found = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py")):
        for name in _test_names(ast.parse(file.read_text(encoding="utf-8"))):
            for number in numbers_in(name):
                found[number].append(f"{file.relative_to(folder)}::{name}")
    return found


def faults(rules: Sequence[Rule], tests: Mapping[int, Sequence[str]], root: Path) -> Iterator[str]:
    """What is wrong, a line each."""
    if [rule.number for rule in rules] != list(NUMBERS):
        yield f"docs/rules.md must list R{NUMBERS[0]} to R{NUMBERS[-1]} once each, in order"
    for number in sorted(tests.keys() - set(NUMBERS)):
        yield f"R{number} is no rule, but {tests[number][0]} carries it"
    for rule in rules:
        in_scope = rule.number in IN_SCOPE
        if in_scope and not tests.get(rule.number):
            yield f"R{rule.number} has no test: {rule.statement}"
        if in_scope == (rule.where == OUT_OF_SCOPE):
            yield f"R{rule.number}: its scope and its last column contradict each other"
        for file in _FILE.findall(rule.where):
            if not (root / file).is_file():
                yield f"R{rule.number} is said to be in {file}, which there is not"


def main() -> int:
    """Print the report; 1 if anything is wrong."""
    rules = read_rules((ROOT / "docs" / "rules.md").read_text(encoding="utf-8"))
    tests = tests_by_rule(ROOT / "tests")
    for rule in rules:
        _say(f"R{rule.number:<4} {rule.statement}")
        named = tests.get(rule.number, [])
        for test in named:
            _say(f"      {test}")
        if not named:
            _say(f"      {OUT_OF_SCOPE if rule.number not in IN_SCOPE else 'NO TEST'}")
    wrong = list(faults(rules, tests, ROOT))
    covered = sum(1 for number in IN_SCOPE if tests.get(number))
    _say(f"\n{covered} of {len(IN_SCOPE)} rules in scope have tests.")
    for fault in wrong:
        _say(f"wrong: {fault}")
    return 1 if wrong else 0


def _test_names(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
