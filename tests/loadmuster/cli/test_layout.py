"""The common look of what is printed for people."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from loadmuster.cli.layout import section

LONG = " ".join(f"word-{number}" for number in range(40))


@pytest.mark.parametrize("content", [LONG, Text(LONG)])
@pytest.mark.parametrize("soft_wrap", [True, False])
def test_a_long_line_in_a_section_is_printed_to_its_end(
    content: str | Text, soft_wrap: bool
) -> None:
    out = io.StringIO()

    section(Console(file=out, width=60, soft_wrap=soft_wrap), "Result", content)

    heading, *lines = out.getvalue().strip().splitlines()
    assert heading == "Result"
    assert " ".join(" ".join(lines).split()) == LONG
    assert all(line.startswith("  word-") for line in lines)
