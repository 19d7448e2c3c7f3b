"""The document of an error: what a command answers with that could not do what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel.errors import LoadmusterError


def error_document(error: LoadmusterError) -> dict[str, Any]:
    """An error with its code, its message and its facts."""
    return {"error": error.to_json()}
