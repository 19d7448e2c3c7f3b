"""Who has something done in the books, and what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

Content = Mapping[str, str | int | None]
"""What a command asks for."""


class Via(StrEnum):
    """What a command came through."""

    CLI = "cli"
    API = "api"
    SERVE = "serve"


class Author(Struct, frozen=True):
    """Who has something done.

    Attributes:
        name: Who is known to ask: the owner, a user of the engine, or a controller.
        via: What the command came through.
        login: The operating system's user, where the program runs; None: not known.
        is_service: The name is a role's or a program's, and nobody's personal data.
    """

    name: str
    via: Via
    login: str | None = None
    is_service: bool = False


class BegunCommand(Struct, frozen=True):
    """A command as it was sent.

    Attributes:
        command: In the words of the command line: ``upgrade``, ``department add``.
        content: What it asks for.
        request_id: The caller's id of the request; None: none was given.
    """

    command: str
    content: Content
    request_id: str | None = None
