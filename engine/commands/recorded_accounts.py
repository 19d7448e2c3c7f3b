"""An account as it is looked at: its plan and credits, who speaks for it, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from pricing.plans.model import Plan

if TYPE_CHECKING:
    from pricing.accounts.account import Account
    from pricing.accounts.billing_settings import BillingSettings
    from pricing.accounts.clock import AsOf
    from pricing.accounts.plan_history import HistoryRow
    from pricing.accounts.plan_offers import PlanOffer
    from pricing.accounts.view import AccountView
    from pricing.ledger.command_log import LoggedCommand


@checked
class RecordedAccountCommands:
    """Looking at accounts; nothing of them is changed."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    @property
    def payments_rehearsed(self) -> bool:
        """Whether the payment gateway collects nothing, as the default one does."""
        from pricing.payments.gateway import is_rehearsed

        return is_rehearsed(gateway=self._context.gateway)

    def get(self, account_id: str) -> Account:
        """The account as it is on record."""
        from pricing.accounts.account import find_account

        with self._context.reading() as conn:
            return find_account(conn, account_id)

    def show(self, account_id: str) -> AccountView:
        """The account with its period, balance, lots and next charge."""
        from pricing.accounts.account import find_account
        from pricing.accounts.view import charged_usd_micros, view_at

        now = self._context.clock.now()
        with self._context.reading() as conn:
            posted = charged_usd_micros(conn, account_id)
        with self._context.books_now(account_id, at=now) as books:
            found = find_account(books.conn, account_id)
            view = view_at(books.conn, found, books.instant, gateway=self._context.gateway)
        return replace(
            view,
            due_usd_micros=view.charged_usd_micros - posted,
            hypothetical=books.as_of.hypothetical,
            is_later=books.as_of.is_later,
            as_of=books.instant,
        )

    def as_of(self, account_id: str, *, at: datetime | None = None) -> AsOf:
        """What instant a look at the account is of, and whether that is hypothetical.

        Args:
            account_id: Whose.
            at: When; None: now. Of reads that take ``at``, this says what they are of.

        Raises:
            UnknownAccountError: There is no such account.
        """
        from pricing.accounts.clock import as_of

        use = self._context
        now = use.clock.now() if at is None else at
        with use.reading() as conn:
            return as_of(conn, account_id, now, is_test=use.has_test_clock)

    def administrators(self, account_id: str, *, by: str | None = None) -> Sequence[str]:
        """Who speaks for the account, in order; for its administrators and the owner (R87, C44).

        Args:
            account_id: Whose.
            by: In whose name, if not in that of the engine's user.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks.
        """
        from pricing.accounts.administrators import administrators_of

        with self._context.record_seen(account_id, by=by) as conn:
            return administrators_of(conn, account_id)

    def history(self, account_id: str, *, at: datetime | None = None) -> Sequence[HistoryRow]:
        """Every plan that the account was on, oldest first (R110-R113)."""
        from pricing.accounts.plan_history import plan_history

        with self._context.books_seen(account_id, at=at) as books:
            return plan_history(books.conn, account_id)

    def offers(self, account_id: str, *, at: datetime | None = None) -> Sequence[PlanOffer]:
        """Every plan that the account can choose, and how (R114-R117)."""
        from pricing.accounts.plan_offers import offers_of

        with self._context.books_now(account_id, at=at) as books:
            on_sale = self._context.plans_on_sale(books.instant)
            return offers_of(books.conn, account_id, on_sale.values(), at=books.instant)

    def billing_settings(self, account_id: str) -> BillingSettings | None:
        """How the account pays; None before it has subscribed to a paid plan (R98-R101)."""
        from pricing.accounts.billing_settings import billing_settings

        with self._context.record_seen(account_id) as conn:
            return billing_settings(conn, account_id)

    def log(self, account_id: str, *, last: int | None = None) -> Sequence[LoggedCommand]:
        """Who did what: every command on the account and what it wrote, oldest first.

        Args:
            account_id: Whose.
            last: Only so many, the latest; None: all.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: The engine's user is none of its administrators (R96).
        """
        from pricing.ledger.command_log import commands_of

        with self._context.record_seen(account_id) as conn:
            return commands_of(conn, account_id, last=last)

    def plan_of(self, account_id: str) -> Plan:
        """The plan that the account is on, as it was sold to it."""
        from pricing.accounts.account import plan_of

        with self._context.reading() as conn:
            return plan_of(conn, account_id)

    def list(self) -> Sequence[Account]:
        """Every account, by id."""
        from pricing.accounts.account import list_accounts

        with self._context.reading() as conn:
            return list_accounts(conn)
