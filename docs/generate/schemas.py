"""The references of the scenario file and of the JSON documents, from their JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.generate.markdown import anchor, code, one_line, table
from loadmuster.documents.schema import SCHEMAS, json_schema

Schema = Mapping[str, Any]

DOCUMENTS_HEAD = """# JSON documents

What `estimate --json` and `compare --json` print; `loadmuster schema NAME` prints the JSON Schemas
themselves, which these tables are made of.
"""


def scenario_page(root: Path) -> str:
    """What is written of scenario files by hand, then every mapping that they may hold."""
    written = (root / "docs" / "generate" / "scenario.md").read_text(encoding="utf-8")
    return written + _tables(json_schema("scenario"), "The file")


def documents_page() -> str:
    """Every document but the scenario, with the objects that it is made of."""
    documents = (name for name in SCHEMAS if name != "scenario")
    sections = (f"\n## {each}\n{_tables(json_schema(each), 'The document')}" for each in documents)
    return "\n".join([DOCUMENTS_HEAD, *sections])


def _tables(schema: Schema, title: str) -> str:
    definitions: Mapping[str, Schema] = schema.get("$defs", {})
    whole = [(title, schema), *definitions.items()]
    return "\n".join(
        _object(name, each, definitions) for name, each in whole if "properties" in each
    )


def _object(title: str, schema: Schema, definitions: Mapping[str, Schema]) -> str:
    required = set(schema.get("required", ()))
    rows = (
        (code(name), _kind(each, definitions), _notes(each, required=name in required))
        for name, each in schema["properties"].items()
    )
    text = one_line(schema.get("description"))
    return f"\n### {title}\n\n{text}\n\n{table(('field', 'value', ''), rows)}\n"


def _notes(schema: Schema, *, required: bool) -> str:
    notes = [one_line(text) for text in _values_of("description", schema)]
    if required:
        notes.append("Required.")
    # A mapping or a list that may be left out has its defaults in a table of its own.
    notes += [
        f"Default: {code(str(default))}."
        for default in _values_of("default", schema)
        if default is not None and not isinstance(default, dict | list)
    ]
    return " ".join(dict.fromkeys(notes))


def _values_of(key: str, schema: Schema) -> Iterator[Any]:
    """What a schema and its alternatives say under a key."""
    if key in schema:
        yield schema[key]
    for each in schema.get("anyOf", ()):
        yield from _values_of(key, each)


def _kind(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """The values that a schema takes, in words; placeholders are said once for all."""
    kinds = [each for each in _kinds(schema, definitions) if each]
    return " or ".join(dict.fromkeys(kinds))


def _kinds(schema: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if alternatives:
        for each in alternatives:
            yield from _kinds(each, definitions)
    elif "$ref" in schema:
        yield from _referred(schema["$ref"].rpartition("/")[2], definitions)
    elif "const" in schema:
        yield code(str(schema["const"]))
    elif "enum" in schema:
        yield ", ".join(code(str(each)) for each in schema["enum"])
    elif schema.get("type") == "array":
        yield f"list of {_kind(schema.get('items', {}), definitions) or 'anything'}"
    elif isinstance(schema.get("additionalProperties"), Mapping):
        values = _kind(schema["additionalProperties"], definitions)
        yield f"mapping to {values or 'anything'}"
    else:
        given = schema.get("type", [])
        types = given if isinstance(given, list) else [given]
        yield from (f"{_WORDS.get(each, each)}{_bounds(schema)}" for each in types)


def _referred(name: str, definitions: Mapping[str, Schema]) -> Iterator[str]:
    """A link to the table of an object; the values themselves of anything smaller."""
    referred = definitions[name]
    if "properties" in referred:
        yield f"[{code(name)}](#{anchor(name)})"
    elif name != "Placeholder":
        yield from _kinds(referred, definitions)


_WORDS = {
    "string": "text",
    "object": "mapping",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "",
}


def _bounds(schema: Schema) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    found = [f"{word} {schema[key]:,}" for key, word in words.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""
