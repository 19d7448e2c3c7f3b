"""The references of the scenario file and of the JSON documents, from their JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.generate.markdown import code, one_line, table
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
    return "\n".join(_object(name, each) for name, each in whole if "properties" in each)


def _object(title: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    rows = (
        (code(name), _kind(each), _notes(each, required=name in required))
        for name, each in schema["properties"].items()
    )
    text = one_line(schema.get("description"))
    return f"\n### {title}\n\n{text}\n\n{table(('field', 'value', ''), rows)}\n"


def _notes(schema: Schema, *, required: bool) -> str:
    notes = [one_line(text) for text in _descriptions(schema)]
    if required:
        notes.append("Required.")
    default = schema.get("default")
    if default not in (None, [], {}):
        notes.append(f"Default: {code(str(default))}.")
    return " ".join(dict.fromkeys(notes))


def _descriptions(schema: Schema) -> Iterator[str]:
    if "description" in schema:
        yield schema["description"]
    for each in schema.get("anyOf", ()):
        yield from _descriptions(each)


def _kind(schema: Schema) -> str:
    """The values that a schema takes, in words; placeholders are said once for all."""
    kinds = [each for each in _kinds(schema) if each]
    return " or ".join(dict.fromkeys(kinds))


def _kinds(schema: Schema) -> Iterator[str]:
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if alternatives:
        for each in alternatives:
            yield from _kinds(each)
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield "" if name == "Placeholder" else code(name)
    elif "const" in schema:
        yield code(str(schema["const"]))
    elif "enum" in schema:
        yield ", ".join(code(str(each)) for each in schema["enum"])
    elif schema.get("type") == "array":
        yield f"list of {_kind(schema.get('items', {})) or 'anything'}"
    elif isinstance(schema.get("additionalProperties"), Mapping):
        yield f"mapping of {_kind(schema['additionalProperties']) or 'anything'}"
    elif schema.get("type") not in (None, "null"):
        yield f"{schema['type']}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    found = [f"{word} {schema[key]:,}" for key, word in words.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""
