"""Numbers that are too large to be meant: one clear line that says so, wherever they are given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from engine.readers import read_scenario
from engine.readers.overrides import overridden
from kernel.errors import BadInputError
from loadmuster.cli.numbers import FiniteNumber, WholeNumber
from tests.command_tree import commands

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
HUGE = ("1e400", "1" + "0" * 30, "9" * 5_000)
TOO_LARGE = r"too large|more than 1,000,000,000,000 US dollars|no whole number|no length of time"


def number_options() -> list[tuple[str, click.Parameter]]:
    return [
        (name, each)
        for name, command in commands()
        for each in command.params
        if isinstance(each.type, click.IntRange | click.FloatRange)
        or each.type in (click.INT, click.FLOAT)
    ]


def test_every_number_on_the_command_line_is_told_when_it_is_too_large() -> None:
    found = number_options()
    assert len(found) > 40
    for name, each in found:
        assert isinstance(each.type, WholeNumber | FiniteNumber), (name, each.name)
        for huge in HUGE:
            with pytest.raises(click.BadParameter) as refused:
                each.type.convert(huge, each, None)
            assert re.search(TOO_LARGE, refused.value.message), (name, each.name)
            assert len(refused.value.message) < 200
    assert WholeNumber(min=1).convert("10_000", None, None) == 10_000


IN_A_FILE = {
    "users": ("ramp_to: 1000", "ramp_to: {}"),
    "weight": ("weight: 4", "weight: {}"),
    "a time": ("over: 2m", "over: {}h"),
    "a pause": ("min: 1s", "min: {}"),
}


@pytest.mark.parametrize("huge", HUGE[:2])
@pytest.mark.parametrize("field", IN_A_FILE)
def test_a_huge_number_in_a_file_is_told_with_its_line(
    field: str, huge: str, acme: CommandLine
) -> None:
    written, changed = IN_A_FILE[field]
    text = Path(CHECKOUT).read_text(encoding="utf-8")
    assert written in text
    file = acme.home / "huge.yaml"
    file.write_text(text.replace(written, changed.format(huge), 1))
    answer = acme.here("estimate", str(file))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert re.search(
        r"huge\.yaml:\d+: .*(too large a number|longer than|length of time)", answer.err
    )


@pytest.mark.parametrize(
    "words",
    [
        ("department", "limit", "acme", "lab", "1e400"),
        ("run", CHECKOUT, "--account", "acme", "--max-usd", "1e999999"),
        ("sweep", "--grid", f"users={HUGE[1]}", "--grid", "duration=60"),
        ("sweep", "--grid", "users=5", "--grid", "duration=9999999h"),
        ("estimate", CHECKOUT, "--users", "100000001"),
        ("estimate", CHECKOUT, "--injectors", "1000001"),
        ("estimate", CHECKOUT, "--users-per-injector", "100000001"),
        ("estimate", CHECKOUT, "--duration", "9999999h"),
    ],
    ids=" ".join,
)
def test_what_is_too_much_is_one_short_line_with_the_most_there_may_be(
    words: tuple[str, ...], acme: CommandLine
) -> None:
    answer = acme.here(*words)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert len(answer.err) < 200
    assert re.search(r"(more than|at most|from 1 to|longer than) [\d,]+", answer.err)


def test_python_is_told_the_same() -> None:
    with pytest.raises(BadInputError, match="at most 100,000,000, not a number of 401 digits"):
        overridden(read_scenario(CHECKOUT), users=10**400)
