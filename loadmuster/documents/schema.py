"""The JSON Schemas of the documents that are printed, and of the files that are read."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from engine.readers.native.schema import DIALECT, scenario_schema
from loadmuster.documents.shapes import ComparisonDocument, EstimateDocument

_DOCUMENTS: dict[str, type] = {"estimate": EstimateDocument, "compare": ComparisonDocument}

SCHEMAS = ("scenario", *_DOCUMENTS)
"""Everything that has a JSON Schema."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document, or of a scenario file.

    Args:
        name: One of ``SCHEMAS``.
    """
    if name == "scenario":
        return scenario_schema()
    schema = TypeAdapter(_DOCUMENTS[name]).json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema, "title": f"loadmuster {name}"}
