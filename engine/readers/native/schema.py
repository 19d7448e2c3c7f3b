"""The JSON Schema of a scenario file, for editors."""

from __future__ import annotations

from typing import Any

from engine.readers.native.file import ScenarioFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLACEHOLDER = {"$ref": "#/$defs/Placeholder"}
_PLACEHOLDER_DEFINITION = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\}",
    "description": "Filled by --set NAME=VALUE; ${NAME:-default} has a default.",
}


def scenario_schema() -> dict[str, Any]:
    """What a file may hold; any value may also be a placeholder, which is filled first."""
    schema = _with_placeholders(ScenarioFile.model_json_schema())
    schema["$defs"]["Placeholder"] = _PLACEHOLDER_DEFINITION
    return {"$schema": DIALECT, **schema, "title": "loadmuster scenario"}


def _with_placeholders(schema: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(schema, list):
        return [_with_placeholders(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if _is_narrow(schema):
        return {"anyOf": [schema, _PLACEHOLDER]}
    return {
        name: each if name == "propertyNames" else _with_placeholders(each)
        for name, each in schema.items()
    }


def _is_narrow(schema: dict[str, Any]) -> bool:
    """Whether it describes single values, and not any text would do."""
    kind = schema.get("type")
    if kind == "string" or "const" in schema:
        return bool(schema.keys() & {"pattern", "enum", "const"})
    return kind in ("integer", "number", "boolean")
