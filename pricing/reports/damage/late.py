"""Accounts that the sweep would look at too late, by what is on record of when something is due."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from kernel.errors import LoadmusterError
from pricing.accounts.damaged_books import UNREADABLE
from pricing.accounts.due import overlooked
from pricing.reports.damage.reading import Damage
from pricing.reports.damage.rule import SHOWN_MAX

_UNREADABLE: tuple[type[Exception], ...] = (SQLAlchemyError, LoadmusterError, *UNREADABLE)


def late(conn: Connection) -> Iterator[Damage]:
    """Every account for which something falls due before ``next_due_at`` (C65)."""
    found = overlooked(conn)
    try:
        for each in islice(found, SHOWN_MAX):
            due_at, noted_at = (at.isoformat() for at in (each.due_at, each.noted_at))
            what = f"something falls due at {due_at}, and next_due_at is {noted_at}"
            yield Damage("accounts", each.account_id, each.account_id, what)
    except _UNREADABLE:
        # A row that cannot be read is told by its own rule.
        return
