"""Sentences for people tell an instant in words; what ``--now`` takes is told as that."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pricing.accounts.account import day_and_time, shown

PRICING = Path(__file__).resolve().parents[3] / "pricing"
TELLS_WHAT_NOW_TAKES = {"accounts/advance.py"}
AS_FACTS = {"isoformat", "shown"}


def _in_sentences(file: Path) -> Iterator[str]:
    """Functions that are called inside a text with holes."""
    for text in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(text, ast.JoinedStr):
            for call in ast.walk(text):
                match call:
                    case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                        yield name


def test_no_sentence_tells_an_instant_as_a_program_writes_it() -> None:
    accounts = [*(PRICING / "accounts").rglob("*.py"), *(PRICING / "run_charges").rglob("*.py")]
    found = {
        str(file.relative_to(PRICING)) for file in accounts if AS_FACTS & {*_in_sentences(file)}
    }
    assert found == TELLS_WHAT_NOW_TAKES


def test_an_instant_in_words_is_in_utc_and_names_it() -> None:
    at = datetime(2027, 2, 25, 1, tzinfo=timezone(timedelta(hours=2)))
    assert day_and_time(at) == "2027-02-24 23:00 UTC"
    assert shown(at) == "2027-02-25T01:00:00+02:00"
