"""Which clock an account lives by: the real one, or a test clock that whoever opened it moves.

Under a test clock years pass in a minute. On an account of the real world that would post years of
charges, and every later command would come too early; so such an account may only be looked at
under a test clock, and one that was opened under a test clock goes on under it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, select, update

from kernel.errors import RefusedError
from pricing.accounts.account import CLOCK_TOLERANCE, shown, unknown_account
from pricing.tables import ACCOUNTS


class WrongClockError(RefusedError):
    """A change under a clock that the account does not live by; facts: ``account``, ``last``."""

    code = "wrong_clock"


class AsOf(Struct, frozen=True):
    """What instant an account's books are shown as of.

    Attributes:
        instant: Now, or the last command's if that is later.
        hypothetical: It is another time than the account's own: the account lives by the real
            clock and is looked at under a test clock, or the other way round, so that what is
            shown of the time since its last command is as it would be if nothing else happened.
        is_later: An earlier instant was asked for than the last command's, whose books are shown.
    """

    instant: datetime
    hypothetical: bool
    is_later: bool = False


def as_of(conn: Connection, account_id: str, now: datetime, *, is_test: bool) -> AsOf:
    """What instant a look at an account under a clock is of.

    Args:
        conn: An open connection.
        account_id: Whose.
        now: What the clock shows.
        is_test: Whether it is a test clock.

    Raises:
        UnknownAccountError: There is no such account.
    """
    query = select(ACCOUNTS.c.test_clock, ACCOUNTS.c.last_command_at).where(
        ACCOUNTS.c.id == account_id
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        raise unknown_account(conn, account_id)
    is_other = row.test_clock is not None and row.test_clock != is_test
    instant = max(now.astimezone(UTC), row.last_command_at)
    return AsOf(
        instant,
        hypothetical=is_other and instant > row.last_command_at,
        is_later=now < row.last_command_at - CLOCK_TOLERANCE,
    )


def keep_clock(conn: Connection, account_id: str, *, is_test: bool) -> None:
    """Put on record which clock a new account lives by; one that has been decided stays."""
    undecided = (ACCOUNTS.c.id == account_id) & ACCOUNTS.c.test_clock.is_(None)
    conn.execute(update(ACCOUNTS).where(undecided).values(test_clock=is_test))


def check_clock(conn: Connection, account_id: str, *, is_test: bool) -> None:
    """Refuse a change under the other clock.

    Accounts of earlier versions, whose clock is not known, and accounts that do not exist are let
    through: what comes next knows what to say of the latter.

    Raises:
        WrongClockError: The account lives by the other clock.
    """
    query = select(ACCOUNTS.c.test_clock, ACCOUNTS.c.last_command_at).where(
        ACCOUNTS.c.id == account_id
    )
    row = conn.execute(query).one_or_none()
    if row is None or row.test_clock is None or row.test_clock == is_test:
        return
    last = shown(row.last_command_at)
    message = (
        f"account {account_id} lives by the real clock: under --now it can be looked at, not"
        " changed; leave --now out"
        if is_test
        else f"account {account_id} was opened under a test clock and lives by it: name an instant,"
        f" --now {last} or later"
    )
    raise WrongClockError(message, account=account_id, last=last)
