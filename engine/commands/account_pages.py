"""All accounts, read page by page: memory is bounded, and no connection is held in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from engine.commands.context import EngineContext

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.accounts.account import Account

PAGE = 500
"""Accounts that are read at a time."""

Found = TypeVar("Found")


def each_page(
    context: EngineContext, look: Callable[[sqlalchemy.Connection, Sequence[Account]], Found]
) -> Iterator[Found]:
    """What is found out about each page of accounts, in the order of their ids.

    Args:
        context: Of the engine.
        look: Given a page and the connection that it was read by, which is closed before what it
            found is handed out.
    """
    from pricing.accounts.account import accounts_after

    after = ""
    while True:
        with context.reading() as conn:
            page = accounts_after(conn, after, PAGE)
            found = look(conn, page)
        yield found
        if len(page) < PAGE:
            return
        after = page[-1].id
