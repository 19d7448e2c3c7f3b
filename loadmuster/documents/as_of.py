"""The part of every document of an account's books that says what instant they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to

if TYPE_CHECKING:
    from pricing.accounts.clock import AsOf

AS_OF_COLUMNS = ("as_of", "hypothetical")
"""The same, where a form has columns."""


def as_of_part(as_of: AsOf, timezone: str) -> dict[str, Any]:
    """``as_of``, an instant in the account's zone, and ``hypothetical``.

    Hypothetical is what is shown of an account by another clock than it lives by, at a later time:
    as it would be if nothing else happened until then. Nothing of it is posted.
    """
    return {"as_of": local_to(timezone)(as_of.instant), "hypothetical": as_of.hypothetical}
