"""Pieces of Markdown that several pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold Markdown, on one line."""
    lines = [_row(heads), "|" + "---|" * len(heads)]
    lines += [_row(row) for row in rows]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    shown = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(shown) + " |"


def code(text: str) -> str:
    """Text as code, whatever backticks it holds."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def one_line(docstring: str | None) -> str:
    """The first paragraph of a docstring."""
    return " ".join((docstring or "").strip().split("\n\n")[0].split())


def anchor(text: str) -> str:
    """The anchor that the site gives to a heading of plain words."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())
