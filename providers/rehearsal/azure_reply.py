"""What a rehearsed Azure is asked, and what it sends back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class ArmReply(Struct, frozen=True):
    """What goes back over the wire."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Ask(Struct, frozen=True):
    """A request, taken apart; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]
    host: str
    scheme: str


class Done(Struct, frozen=True):
    """What a call did: a status, a document, and the operation that goes on, if one does."""

    status: int
    document: dict[str, Any] | None = None
    operation: int | None = None
    region: str = ""
