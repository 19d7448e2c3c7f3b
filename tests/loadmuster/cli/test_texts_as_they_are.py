"""Texts of people are shown as they are, and what was done is never told as if it was not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

NAME = "[/x]Ann[b]:bomb:"
AT = ("--now", "2027-01-10T10:00Z")
TINY = """
name: tiny
protocol: http
target: http://127.0.0.1:1
load:
  arrivals: {per_second: 0.0001, iteration: 5s}
  duration: 10m
"""


def test_brackets_and_colons_of_names_are_no_markup(loadmuster: CommandLine) -> None:
    opened = ("account", "open", "b", "--plan", "starter", "--administrator", NAME)
    for words in (
        opened,
        ("account", "boost", "b"),
        ("account", "cancel", "b", "--by", NAME),
        ("department", "add", "b", "[/lab]"),
        ("account", "show", "b"),
        ("department", "list", "b"),
        ("books", "check"),
    ):
        answer = loadmuster.here(*words)
        assert answer.code in {0, 2, 3}, (words, answer)
        assert "Traceback" not in answer.err
    for words in (
        ("account", "log", "b"),
        ("account", "administrators", "b"),
        ("billing", "set", "b", "--name", NAME),
        ("billing", "show", "b"),
        ("billing", "set-seller", "--name", NAME),
        ("billing", "seller"),
    ):
        answer = loadmuster.here(*words)
        assert answer.code == 0, (words, answer)
        assert NAME in re.sub(r"\s+", " ", answer.out), words


def test_only_one_console_draws_answers_and_it_knows_no_markup() -> None:
    consoles = [
        path.name
        for path in Path("loadmuster").rglob("*.py")
        if re.search(r"(?<!Quiet)\bConsole\(", path.read_text(encoding="utf-8"))
    ]
    assert consoles == []


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "json"])
def test_a_purchase_whose_answer_cannot_be_written_is_told_to_be_done(
    form: tuple[str, ...], loadmuster: CommandLine
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        for number, words in enumerate(
            [("account", "open", "b", "--plan", "starter"), ("account", "boost", "b")], start=1
        ):
            ended = loadmuster.printing_to(full, *words, *form)
            assert (ended.returncode, ended.stderr.count("\n")) == (0, 1), ended
            assert (
                "what it would have shown is on record: look before it is asked for again"
                in ended.stderr
            )
            shown = loadmuster.here("--json", "account", "show", "b").json
            assert shown["charged_usd"] == f"{199 * number}.00"


def test_a_test_clock_that_is_empty_is_refused(loadmuster: CommandLine) -> None:
    answer = loadmuster.here("--now", "", "account", "open", "b")
    assert (answer.code, "--now" in answer.err) == (2, True)
    assert not loadmuster.database.exists()


def test_few_arrivals_are_drawn_too(loadmuster: CommandLine) -> None:
    file = loadmuster.home / "tiny.yaml"
    file.write_text(TINY)
    answer = loadmuster.here("estimate", str(file))
    assert (answer.code, "0.0001┤" in answer.out) == (0, True), answer


def test_a_seller_counts_for_the_next_command_of_the_same_test_clock(
    loadmuster: CommandLine,
) -> None:
    assert (
        loadmuster.here(*AT, "billing", "set-seller", "--name", "Load", "--country", "DE").code == 0
    )
    shown = loadmuster.here(*AT, "--json", "billing", "seller").json
    assert "2027-01-10T10:00:00" in str(shown)
    opened = loadmuster.here(*AT, "account", "open", "b", "--plan", "starter")
    assert opened.code == 0
    (invoice,) = loadmuster.here(*AT, "--json", "invoices", "b").json["invoices"]
    assert invoice["number"] == "INV-2027-000001"
