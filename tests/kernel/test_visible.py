"""Texts of others, shown so that a terminal obeys none of them, and no value is another."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadInputError
from kernel.visible import visible, visible_json, visible_lines

HOSTILE = "a\x1b[2J\r\x07\b\x9b31m\u202e\u2028\n\tb\udcff"
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def obeyed(text: str, *, but: str = "") -> str:
    """Letters that a terminal obeys, or that cannot be written at all."""
    return "".join(
        each
        for each in text
        if each not in but
        and (
            unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"}
            or unicodedata.bidirectional(each) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}
            or unicodedata.bidirectional(each) in {"FSI", "PDI"}
        )
    )


def test_what_a_terminal_obeys_is_written_as_python_writes_it() -> None:
    assert visible(HOSTILE) == (r"a\x1b[2J\r\x07\x08\x9b31m\u202e\u2028\n\tb\udcff")
    assert visible_lines("two\n\tlines\x1b") == "two\n\tlines\\x1b"
    assert visible("Zoë 漢字 😀 \u00a0") == "Zoë 漢字 😀 \u00a0"


@given(ANY_TEXT)
def test_of_no_text_anything_is_left_that_a_terminal_obeys(text: str) -> None:
    assert not obeyed(visible(text))
    assert not obeyed(visible_lines(text), but="\n\t")
    assert visible(visible(text)) == visible(text)
    visible(text).encode()


@given(ANY_TEXT)
def test_a_document_keeps_its_values(text: str) -> None:
    printed = visible_json(json.dumps({text: text}, indent=2, ensure_ascii=False))
    assert json.loads(printed) == {text: text}
    assert not obeyed(printed, but="\n")


def test_an_error_is_one_line_whatever_is_in_it() -> None:
    error = BadInputError(f"no {HOSTILE}  here")
    assert not obeyed(error.line)
    assert error.to_json()["message"] == error.line
