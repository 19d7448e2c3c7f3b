"""Which clock an account lives by: the real one, or a test clock that whoever opened it moves.

Under a test clock years pass in a minute. On an account of the real world that would post years of
charges, and every later command would come too early; so such an account may only be looked at
under a test clock, and one that was opened under a test clock goes on under it.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from kernel.errors import RefusedError
from pricing.accounts.account import shown
from pricing.tables import ACCOUNTS


class WrongClockError(RefusedError):
    """A change under a clock that the account does not live by; facts: ``account``, ``last``."""

    code = "wrong_clock"


def keep_clock(conn: Connection, account_id: str, *, is_test: bool) -> None:
    """Put on record which clock a new account lives by; one that has been decided stays."""
    undecided = (ACCOUNTS.c.id == account_id) & ACCOUNTS.c.test_clock.is_(None)
    conn.execute(update(ACCOUNTS).where(undecided).values(test_clock=is_test))


def has_test_clock(conn: Connection, account_id: str) -> bool | None:
    """Whether an account lives by a test clock; None: it is not known."""
    query = select(ACCOUNTS.c.test_clock).where(ACCOUNTS.c.id == account_id)
    return conn.execute(query).scalar_one_or_none()


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
