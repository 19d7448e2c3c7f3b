"""What a rehearsed Azure is asked, and what it sends back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, taken apart; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]
    host: str
    scheme: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a call did: a status, a document, and the operation that goes on, if one does."""

    status: int
    document: dict[str, Any] | None = None
    operation: int | None = None
    region: str = ""
