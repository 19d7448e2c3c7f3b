"""Books that cannot be read: one account stops, with a line that says so, and the others go on."""

from __future__ import annotations

from msgspec import MsgspecError
from sqlalchemy.exc import IntegrityError, MultipleResultsFound, NoResultFound

from kernel.errors import InvariantBrokenError

UNREADABLE: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    IntegrityError,
    LookupError,
    MsgspecError,
    MultipleResultsFound,
    NoResultFound,
    TypeError,
    ValueError,
)
"""What reading a row raises that no program of ours wrote, or a row that is not there; where the
database itself fails, that is an error of its own."""


class BooksDamagedError(InvariantBrokenError):
    """An account has a row that is not what it was; facts: ``account``."""

    code = "books_damaged"


def damaged(account_id: str, error: Exception, row: str | None = None) -> BooksDamagedError:
    """The error that names the account, with what was met.

    Args:
        account_id: Whose books they are.
        error: What reading them raised.
        row: Which row is to blame, and what does not hold; None: it was not looked for.
    """
    what = " ".join(str(error).split())[:120] or type(error).__name__
    return BooksDamagedError(
        f"account {account_id}: its books cannot be read: {row or what}; "
        "`loadmuster db check` lists what is damaged",
        account=account_id,
    )
