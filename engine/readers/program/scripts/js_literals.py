"""Object literals of JavaScript, as far as they are literal: values, lists, objects.

What is computed (a name, a call, a sum) is ``UNKNOWN``; nothing is ever run.
"""

from __future__ import annotations

import re
from typing import Any, Final

UNKNOWN: Final = object()
"""Stands for a value that only JavaScript knows."""

DEPTH_MAX = 30

_SPACE = re.compile(r"(?:\s|/\*.*?\*/|//[^\n]*)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?")
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`(?:[^`\\$]|\\.)*`")
_KEY = re.compile(r"[A-Za-z_$][\w$]*")
_WORDS = {"true": True, "false": False, "null": None, "undefined": None}
_OPENING, _CLOSING = "([{", ")]}"


def read_literal(text: str, at: int) -> Any:  # noqa: ANN401 - whatever stands there
    """The value that begins at ``at``; ``UNKNOWN``: all of it, or what it depends on."""
    return _Reader(text, at).value(0)


class _Reader:
    """Walks through a text; every step moves on, so it ends."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def value(self, depth: int) -> Any:  # noqa: ANN401 - whatever stands there
        self._skip_space()
        begin, found = self.at, UNKNOWN
        if depth < DEPTH_MAX:
            found = self._one(depth)
        self._skip_space()
        if self.at >= len(self.text) or self.text[self.at] in ",;)]}":
            return found
        if depth == 0 and found is not UNKNOWN:
            # JavaScript ends a statement at the end of its line, too.
            return found
        self.at = begin
        self._skip_expression()
        return UNKNOWN

    def _one(self, depth: int) -> Any:  # noqa: ANN401 - whatever stands there
        next_ = self.text[self.at : self.at + 1]
        if next_ == "{":
            return self._object(depth)
        if next_ == "[":
            return self._list(depth)
        if string := _STRING.match(self.text, self.at):
            self.at = string.end()
            return re.sub(r"\\(.)", r"\1", string[0][1:-1])
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return float(number[0].replace("_", ""))
        word = _KEY.match(self.text, self.at)
        if word is not None and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        return UNKNOWN

    def _object(self, depth: int) -> Any:  # noqa: ANN401 - a dict, or UNKNOWN
        found: dict[str, Any] | None = {}
        for _ in self._items("}"):
            key = self._key()
            if key is None:
                # Spread or computed: it may stand for any name.
                found = None
                self._skip_expression()
                continue
            self._skip_space()
            if self.text[self.at : self.at + 1] == ":":
                self.at += 1
                read = self.value(depth + 1)
            else:
                read = UNKNOWN
                self._skip_expression()
            if found is not None:
                found[key] = read
        return UNKNOWN if found is None else found

    def _list(self, depth: int) -> Any:  # noqa: ANN401 - a list, or UNKNOWN
        found = []
        spread = False
        for _ in self._items("]"):
            spread = spread or self.text.startswith("...", self.at)
            found.append(self.value(depth + 1))
        return UNKNOWN if spread else found

    def _items(self, closing: str) -> Any:  # noqa: ANN401 - a generator of places
        self.at += 1
        while self.at < len(self.text):
            self._skip_space()
            if self.text.startswith(closing, self.at):
                self.at += 1
                return
            before = self.at
            yield before
            self._skip_space()
            if self.text.startswith(",", self.at) or self.at == before:
                self.at += 1

    def _key(self) -> str | None:
        if string := _STRING.match(self.text, self.at):
            self.at = string.end()
            return string[0][1:-1]
        if word := _KEY.match(self.text, self.at):
            self.at = word.end()
            return word[0]
        return None

    def _skip_space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        assert space is not None, "it matches nothing, too"
        self.at = space.end()

    def _skip_expression(self) -> None:
        """To the comma or bracket behind it."""
        depth = 0
        while self.at < len(self.text):
            if string := _STRING.match(self.text, self.at):
                self.at = string.end()
                continue
            next_ = self.text[self.at]
            if depth == 0 and next_ in ",;)]}":
                return
            depth += (next_ in _OPENING) - (next_ in _CLOSING)
            self.at += 1
            self._skip_space()
