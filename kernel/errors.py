"""The error tree.

    LoadmusterError
    ├── BadInputError         exit 2  the caller must change what was given
    ├── RefusedError          exit 3  a rule refuses it now: credits, wallet, quota, plan, price cap
    ├── ProviderFailedError   exit 4  the cloud, or this machine, did not deliver
    └── InvariantBrokenError  exit 5  loadmuster itself is wrong; stop rather than go on

The four branches are the four decisions a caller can take. Packages add leaves below them; a leaf
sets ``code`` (stable, snake_case, part of the public contract) and passes the facts that explain
the refusal as keyword arguments. A leaf that is raised by packages which do not know each other
stands here. A fact is a string, an integer, a boolean or ``None``, so that an error can be printed
as one line and as one JSON object.
"""

from __future__ import annotations

from typing import ClassVar

from kernel.visible import visible

Fact = str | int | bool | None


class LoadmusterError(Exception):
    """Base of everything loadmuster raises on purpose.

    Args:
        message: One line for a person: what, where, and what would be right.
        facts: The numbers and names behind the message.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **facts: Fact) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    @property
    def line(self) -> str:
        """The message on one line, whatever texts of others are in it."""
        return visible(" ".join(self.message.split()))

    def to_json(self) -> dict[str, Fact]:
        """The error as documents show it."""
        return {"code": self.code, "message": self.line, **self.facts}

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling: ``Exception`` alone would lose the facts."""
        return (_rebuild, (type(self), self.message, self.facts))


def _rebuild(cls: type[LoadmusterError], message: str, facts: dict[str, Fact]) -> LoadmusterError:
    error = cls.__new__(cls)
    LoadmusterError.__init__(error, message, **facts)
    return error


class BadInputError(LoadmusterError):
    """A file, an option or a name is wrong; nothing was done."""

    code = "bad_input"
    exit_code = 2


class RefusedError(LoadmusterError):
    """A rule refuses the request as things stand; the facts hold the numbers."""

    code = "refused"
    exit_code = 3


class RequestConflictError(RefusedError):
    """A request id was used before, for something else.

    Facts: ``request_id``, and the ``command`` or the ``run`` that it stands for.
    """

    code = "request_conflict"


class ProviderFailedError(LoadmusterError):
    """The provider of machines failed; its leaves in ``providers.errors`` say what to do."""

    code = "provider_failed"
    exit_code = 4


class InvariantBrokenError(LoadmusterError):
    """Something that can never happen did; the books or the state must be looked at."""

    code = "invariant_broken"
    exit_code = 5
