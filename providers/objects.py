"""The contract of object storage: how a controller and its injectors exchange files.

Injectors hold no credentials and open no port. They fetch what they need through addresses that
were signed for them, and upload what they measured with a ticket that lets them write below one
prefix, until it expires, and do nothing else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

NAME_PLACE = "{name}"
"""Where the name of the object goes in the address of a ``PUT`` ticket."""


class UploadMethod(StrEnum):
    """How the bytes are sent."""

    POST = "POST"
    PUT = "PUT"


class UploadTicket(Struct, frozen=True):
    """Leave to write any object below one prefix.

    Attributes:
        method: ``POST``: a form of ``fields``, then ``key``, then ``file``. ``PUT``: the bytes
            themselves, with ``fields`` as headers.
        url: Where to; for ``PUT`` the object's name below the prefix replaces ``NAME_PLACE``.
        prefix: What ``key`` begins with; empty for ``PUT``.
        fields: In the order in which they are sent.
    """

    method: UploadMethod
    url: str
    prefix: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class ObjectStore(Protocol):
    """Objects by key; a key looks like a path.

    Every method raises the errors of ``providers.errors``.
    """

    def put(self, key: str, content: bytes) -> None:
        """Write an object, in the place of what was there."""
        ...

    def get(self, key: str) -> bytes | None:
        """The object's bytes; None: there is none."""
        ...

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Every key that begins so, in order."""
        ...

    def delete(self, prefix: str) -> None:
        """Remove every object whose key begins so; none is success."""
        ...

    def download_url(self, key: str, lifetime_s: int) -> str:
        """An address at which anybody can read this object for so long; it need not exist yet."""
        ...

    def upload_ticket(self, prefix: str, lifetime_s: int) -> UploadTicket:
        """Leave for anybody to write below ``prefix`` for so long."""
        ...
