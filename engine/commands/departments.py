"""Departments of an account, and its extra credits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.base import Commands

if TYPE_CHECKING:
    from pricing.departments.commands import DepartmentView
    from pricing.departments.extra_credits import ExtraCredits


class DepartmentCommands(Commands):
    """Who in an account may use how much."""

    def add_department(
        self, account_id: str, name: str, *, request_id: str | None = None
    ) -> DepartmentView:
        """Add a department to an account, with no allocation and no wallet."""
        from pricing.departments.commands import add_department

        with self._transaction() as conn:
            return add_department(
                conn,
                account_id,
                name,
                now=self.clock.now(),
                request_id=request_id,
                payer=self.payer,
            )

    def allocate_department(
        self, account_id: str, name: str, li_minutes: int, *, request_id: str | None = None
    ) -> DepartmentView:
        """Set a department's share of each of the account's grants (R68)."""
        from pricing.departments.commands import allocate

        with self._transaction() as conn:
            return allocate(
                conn,
                account_id,
                name,
                li_minutes,
                now=self.clock.now(),
                request_id=request_id,
                payer=self.payer,
            )

    def limit_department(
        self, account_id: str, name: str, usd_micros: int, *, request_id: str | None = None
    ) -> DepartmentView:
        """Set what a department's runs may cost a month in money (R69)."""
        from pricing.departments.commands import limit_wallet

        with self._transaction() as conn:
            return limit_wallet(
                conn,
                account_id,
                name,
                usd_micros,
                now=self.clock.now(),
                request_id=request_id,
                payer=self.payer,
            )

    def show_department(self, account_id: str, name: str) -> DepartmentView:
        """A department with its credits and its wallet."""
        from pricing.departments.commands import department_view

        with self._transaction() as conn:
            return department_view(conn, account_id, name, self.clock.now(), payer=self.payer)

    def list_departments(self, account_id: str) -> Sequence[DepartmentView]:
        """Every department of an account, oldest first."""
        from pricing.departments.commands import department_views

        with self._transaction() as conn:
            return department_views(conn, account_id, self.clock.now(), payer=self.payer)

    def extra_credits(
        self, account_id: str, limit_li_minutes: int, *, request_id: str | None = None
    ) -> ExtraCredits:
        """Set how many extra credits an account may buy in a billing period (R107)."""
        from pricing.departments import extra_credits

        with self._transaction() as conn:
            return extra_credits.limit_extra_credits(
                conn,
                account_id,
                limit_li_minutes,
                now=self.clock.now(),
                request_id=request_id,
                payer=self.payer,
            )
