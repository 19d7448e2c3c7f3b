"""YAML and JSON text as plain values, with the line of each, within bounds.

YAML is read from the parser's events, not through its constructors: there are no tags, no dates
and no ``yes`` that means true; a plain scalar is null, true, false, a number or text, as in YAML
1.2. The bounds hold while reading, so that a small file that unfolds into a huge one is refused
before it does; aliases may not nest, so that each adds at most what its anchor holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.readers.parsing.errors import BadScenarioError, bad_scenario
from engine.readers.parsing.placeholders import Placeholders

if TYPE_CHECKING:
    import yaml

NODES_MAX = 50_000
DEPTH_MAX = 32
ALIASES_MAX = 100

Value = Any
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class Tree(Struct, frozen=True):
    """What a file holds.

    Attributes:
        root: Dicts, lists, strings, numbers, booleans and None.
        lines: The line of each value by its path, counted from one; empty for JSON.
    """

    root: Value
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int | None:
        """The line of a value, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_tree(text: str, file: str, placeholders: Placeholders) -> Tree:
    """Parse JSON (text that starts with a brace or bracket) or YAML (any other).

    Raises:
        BadScenarioError: If it is neither, or beyond the bounds.
    """
    if text.lstrip()[:1] in {"{", "["}:
        return Tree(_JsonReader(file, placeholders).read(text), {})
    reader = _YamlReader(file, placeholders)
    return Tree(reader.read(text), reader.lines)


def plain_scalar(text: str) -> Value:
    """What an unquoted YAML scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


class _Bounded:
    """Counts what was read and stops at the bounds."""

    def __init__(self, file: str, placeholders: Placeholders) -> None:
        self._file = file
        self._placeholders = placeholders
        self.nodes = 0

    def _count(self, nodes: int, depth: int, line: int | None) -> None:
        self.nodes += nodes
        if self.nodes > NODES_MAX:
            raise self._bad(f"unfolds into more than {NODES_MAX:,} values", line)
        if depth > DEPTH_MAX:
            raise self._bad(f"is nested more than {DEPTH_MAX} levels deep", line)

    def _text(self, text: str) -> Value:
        """What a quoted scalar means: text, unless it is a lone placeholder.

        JSON has nothing but quotes for ``"users": "${USERS}"``, nor has YAML between braces; so a
        lone placeholder takes the type of what it becomes.
        """
        filled = self._placeholders.fill(text)
        return plain_scalar(filled) if self._placeholders.is_one(text) else filled

    def _bad(self, problem: str, line: int | None) -> BadScenarioError:
        return bad_scenario(self._file, problem, line=line)


class _YamlReader(_Bounded):
    """Builds values from YAML events."""

    def __init__(self, file: str, placeholders: Placeholders) -> None:
        super().__init__(file, placeholders)
        self.lines: dict[Path, int] = {}
        self._anchored: dict[str, tuple[Value, int]] = {}
        self._open_anchors = 0
        self._aliases = 0

    def read(self, text: str) -> Value:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            return self._document(yaml.parse(text, Loader=loader))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise self._bad(f"is not YAML: {error.problem}", line) from error
        except yaml.YAMLError as error:
            raise self._bad(f"is not YAML: {str(error).splitlines()[0]}", None) from error

    def _document(self, events: Iterator[yaml.Event]) -> Value:
        import yaml

        next(events)  # the stream starts
        if isinstance(next(events), yaml.StreamEndEvent):
            raise self._bad("is empty; a scenario has a name and a load", None)
        value = self._node(next(events), events, ())
        next(events)  # the document ends
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._bad("holds a second document; a file is one scenario", _line(after))
        return value

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Value:
        import yaml

        line = _line(event)
        self._count(1, len(path), line)
        self.lines[path] = line
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        assert isinstance(event, yaml.NodeEvent), event
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._bad(f"the tag {tag} is not allowed; write plain values", line)
        if event.anchor is None:
            return self._content(event, events, path)
        nodes_before = self.nodes - 1
        self._open_anchors += 1
        value = self._content(event, events, path)
        self._open_anchors -= 1
        self._anchored[event.anchor] = (value, self.nodes - nodes_before)
        return value

    def _content(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], path: Path) -> Value:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return self._mapping(events, path)

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        is_plain = event.implicit[0]
        if is_plain:
            return plain_scalar(self._placeholders.fill(event.value))
        return self._text(event.value)

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[Value]:
        import yaml

        items: list[Value] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Value]:
        import yaml

        entries: dict[str, Value] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._bad("a key must be a name", line)
            key = self._placeholders.fill(event.value)
            if key in entries:
                raise self._bad(f"the key {key!r} occurs twice in one mapping", line)
            entries[key] = self._node(next(events), events, (*path, key))
            self.lines[(*path, key)] = line
        return entries

    def _alias(self, event: yaml.AliasEvent, line: int) -> Value:
        self._aliases += 1
        if self._aliases > ALIASES_MAX:
            raise self._bad(f"uses more than {ALIASES_MAX} aliases", line)
        if self._open_anchors:
            raise self._bad("an alias inside an anchored value is not allowed", line)
        if event.anchor not in self._anchored:
            raise self._bad(f"the alias *{event.anchor} has no anchor before it", line)
        value, nodes = self._anchored[event.anchor]
        self._count(nodes - 1, 0, line)
        return value


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None, event
    return int(event.start_mark.line) + 1


class _JsonReader(_Bounded):
    """Builds values from JSON."""

    def read(self, text: str) -> Value:
        try:
            root = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
            return self._filled(root, 0)
        except json.JSONDecodeError as error:
            raise self._bad(f"is not JSON: {error.msg}", error.lineno) from error
        except ValueError as error:
            raise self._bad(f"is not JSON: {error}", None) from error
        except RecursionError as error:
            raise self._bad(f"is nested more than {DEPTH_MAX} levels deep", None) from error

    def _filled(self, value: Value, depth: int) -> Value:
        self._count(1, depth, None)
        if isinstance(value, dict):
            fill = self._placeholders.fill
            return _unique_keys(
                [(fill(key), self._filled(item, depth + 1)) for key, item in value.items()]
            )
        if isinstance(value, list):
            return [self._filled(item, depth + 1) for item in value]
        if isinstance(value, str):
            return self._text(value)
        return value


def _unique_keys(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    entries: dict[str, Value] = {}
    for key, value in pairs:
        if key in entries:
            raise ValueError(f"the key {key!r} occurs twice in one object")
        entries[key] = value
    return entries


def _refuse_constant(name: str) -> Value:
    raise ValueError(f"{name} is not a number")
