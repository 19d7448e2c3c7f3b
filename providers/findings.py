"""What an examination of a cloud, or of this computer, finds: values that a person can act on."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from kernel.errors import LoadmusterError


class Grade(StrEnum):
    """How a thing stands."""

    OK = "ok"
    UNKNOWN = "unknown"
    """Nobody tells; a run may work."""
    MISSING = "missing"
    """No run can work before it is put right."""


class Finding(Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        what: Its name: ``credentials``, ``quota us-east-1``.
        grade: See ``Grade``.
        said: What was found.
        remedy: What to do; empty where nothing is to be done.
        of_provider: The cloud refuses it; otherwise it is a setting or an installation here.
    """

    what: str
    grade: Grade
    said: str
    remedy: str = ""
    of_provider: bool = False


def missing(what: str, error: LoadmusterError) -> Finding:
    """A thing that an error says is missing, which ends with what to do after a semicolon."""
    said, _, remedy = error.message.partition("; ")
    return Finding(what, Grade.MISSING, said, remedy)
