"""Texts of others, shown so that a terminal obeys none of them.

A name of a file, of a machine or of a payment's key is somebody else's text. Its escape codes would
paint over what stands above it, its line breaks would forge lines of ours, its marks of direction
would turn figures round.
"""

from __future__ import annotations

import re

_ORDERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line feed: ECMA-48, and C1 as one letter
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of direction: Unicode's annex 9
    "\u2028\u2029"  # other line breaks
    "\ud800-\udfff"  # halves of a letter, such as bytes of a file's name that are no UTF-8
)
_OF_LINES = re.compile(f"[{_ORDERS}]")
_OF_ONE_LINE = re.compile(f"[{_ORDERS}\t\n]")


def visible(text: str) -> str:
    """A text on one line; what a terminal would obey is written as Python writes it."""
    return _OF_ONE_LINE.sub(_as_written, text)


def visible_lines(text: str) -> str:
    """The same of a text of our own, which may have lines and tabs."""
    return _OF_LINES.sub(_as_written, text)


def visible_json(document: str) -> str:
    """A JSON document with the same values, which a terminal can show and UTF-8 can hold."""
    return _OF_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _as_written(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
