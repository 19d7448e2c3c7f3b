"""Departments of an account: their shares of its credits, and their wallets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.commands.arguments import checked
from engine.commands.context import EngineContext

if TYPE_CHECKING:
    from pricing.departments.commands import DepartmentView


@checked
class DepartmentCommands:
    """Who in an account may use how much."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def add(self, account_id: str, name: str, *, request_id: str | None = None) -> DepartmentView:
        """Add a department to an account, with no allocation and no wallet."""
        from pricing.departments.commands import add_department

        with self._context.changing(account_id, "department add") as conn:
            return add_department(
                conn,
                account_id,
                name,
                now=self._context.clock.now(),
                request_id=request_id,
                gateway=self._context.gateway,
            )

    def allocate(
        self, account_id: str, name: str, li_minutes: int, *, request_id: str | None = None
    ) -> DepartmentView:
        """Set a department's share of each of the account's grants (R68)."""
        from pricing.departments.commands import allocate

        with self._context.changing(account_id, "department allocate") as conn:
            return allocate(
                conn,
                account_id,
                name,
                li_minutes,
                now=self._context.clock.now(),
                request_id=request_id,
                gateway=self._context.gateway,
            )

    def limit(
        self, account_id: str, name: str, usd_micros: int, *, request_id: str | None = None
    ) -> DepartmentView:
        """Set what a department's runs may cost a month in money (R69)."""
        from pricing.departments.commands import limit_wallet

        with self._context.changing(account_id, "department limit") as conn:
            return limit_wallet(
                conn,
                account_id,
                name,
                usd_micros,
                now=self._context.clock.now(),
                request_id=request_id,
                gateway=self._context.gateway,
            )

    def show(self, account_id: str, name: str) -> DepartmentView:
        """A department with its credits and its wallet."""
        from pricing.departments.commands import department_view

        with self._context.books_now(account_id) as books:
            view = department_view(
                books.conn, account_id, name, books.instant, gateway=books.gateway
            )
        return replace(view, as_of=books.as_of)

    def list(self, account_id: str, *, at: datetime | None = None) -> Sequence[DepartmentView]:
        """Every department of an account, oldest first.

        Args:
            account_id: Whose.
            at: When; None: now.
        """
        from pricing.departments.commands import department_views

        with self._context.books_now(account_id, at=at) as books:
            views = department_views(books.conn, account_id, books.instant, gateway=books.gateway)
        return tuple(replace(view, as_of=books.as_of) for view in views)
