"""What is counted is named in the right number, and for what it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.catalogs.in_use import catalog_in_use
from engine.clouds import LOCAL
from engine.load_engines import LOAD_ENGINES
from engine.planning.estimate import estimate
from engine.runs.launching.placements import placements_of
from engine.runs.prepared import PreparedRun
from engine.runs.request import RunRequest
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from engine.scenario.program import LoadProgram
from kernel.words import counted
from loadmuster.cli import run_question

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("loadmuster", "engine", "kernel", "pricing", "providers")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

PLURAL = re.compile(r" (?:[a-z]+ )?([A-Za-z]+(?:-[a-z]+)*s)\b(?![/'])")
NO_NOUNS = frozenset(
    {"addresses", "belongs", "carries", "comes", "costs", "counts", "does", "has"}
    | {"is", "its", "lists", "ms", "passes", "publishes", "stays", "takes", "this", "was"}
)
"""What ends in s, and is not counted."""

AFTER_A_NUMBER = frozenset({" of ", " to ", " + "})
"""A part is a part of several, a range has more than one at its end, and so has a sum."""


def wrong_numbers(source: str) -> Iterator[tuple[int, str]]:
    """Lines and nouns of texts in which a number stands before a noun that is always many."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        texts = [each.value if isinstance(each, ast.Constant) else "" for each in node.values]
        for before, number, after in zip(["", *texts], node.values, [*texts[1:], ""], strict=False):
            noun = PLURAL.match(str(after))
            if (
                isinstance(number, ast.FormattedValue)
                and is_number(number)
                and noun is not None
                and noun[1] not in NO_NOUNS
                and before not in AFTER_A_NUMBER
            ):
                yield number.lineno, noun[1]


def is_number(value: ast.FormattedValue) -> bool:
    """Whether it may be one: it is formatted as a number, or named like a count of things."""
    text = ast.unparse(value.value)
    if text.isupper():
        return False  # a limit, which is above one
    spec = "" if value.format_spec is None else ast.unparse(value.format_spec)
    if "." in spec:
        return False  # a measure, which is hardly ever one
    return "," in spec or bool(
        re.search(r"len\(|(count|users|injectors|machines|left|minutes|days|times|total)\b", text)
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_no_text_has_many_of_one(path: Path) -> None:
    assert list(wrong_numbers(path.read_text(encoding="utf-8"))) == []


def test_no_text_leaves_it_open_whether_there_is_one() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"[a-z}]\(s\)[^(]*\"", line) and not line.lstrip().startswith("#")
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        'f"{count} injectors"',
        'f"{users:,} users up"',
        'f"up to {most:,} users"',
        'f"the requests of {most:,} users"',
        'f"{len(found)} standard injectors"',
        'f"{n:,} LI-minutes left"',
        'f"the run needs {quote.li_minutes} LI-minutes"',
        'f"{plan.trial_days} days"',
    ],
)
def test_many_of_one_is_found(text: str) -> None:
    assert list(wrong_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "f\"{counted(n, 'user')} up\"",
        'f"{low:,} to {high:,} users"',
        'f"{there} of {count} injectors"',
        'f"{name} has no users"',
        'f"{rate:,.1f} requests/s"',
        'f"{hours:,.1f} hours long"',
        'f"at most {USERS_MAX:,} users"',
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert list(wrong_numbers(text)) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 machines"), (1, "1 machine"), (2, "2 machines"), (2_000, "2,000 machines")],
)
def test_counts_in_words(count: int, words: str) -> None:
    assert counted(count, "machine") == words


@pytest.mark.parametrize("name", LOAD_ENGINES)
@pytest.mark.parametrize("injectors", [1, 2])
def test_the_question_names_the_load_engine_and_counts_it(name: str, injectors: int) -> None:
    program = None if name == "locust" else LoadProgram(name, "main", "/", ())
    scenario = Scenario(
        "shop",
        Protocol.HTTP,
        closed([(0, 10), (60, 10)]),
        injectors=injectors,
        load_engine=name,
        program=program,
    )
    planned = estimate(scenario)
    prepared = PreparedRun(
        RunRequest(scenario=scenario, account="acme"),
        scenario,
        planned,
        placements_of(planned, LOCAL, catalog_in_use()),
        1.0,
    )
    said = run_question._machines(prepared, LOCAL)
    assert said == f"this one: {counted(injectors, f'{LOAD_ENGINES[name].title} injector')}"
