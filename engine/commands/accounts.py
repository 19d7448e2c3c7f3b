"""Accounts: opened, shown, and the life of their subscriptions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from pricing.plans.channels import Channel
from pricing.plans.model import Plan

if TYPE_CHECKING:
    import sqlalchemy

    from kernel.errors import LoadmusterError
    from pricing.accounts.account import Account
    from pricing.accounts.billing_settings import BillingSettings
    from pricing.accounts.clock import AsOf
    from pricing.accounts.healing import Healing
    from pricing.accounts.notices import NoticeGiven
    from pricing.accounts.plan_history import HistoryRow
    from pricing.accounts.plan_offers import PlanOffer
    from pricing.accounts.sweep import Advanced
    from pricing.accounts.view import AccountView
    from pricing.departments.extra_credits import ExtraCredits
    from pricing.ledger.command_log import LoggedCommand

ON_DEMAND = "on-demand"

WORKERS_MAX = 4
"""Connections that one sweep has at most to a database that takes several writers."""

_NAMES = {"set_card": "card"}
"""What commands are called in the log, where they are not called as their functions are."""


class AdvanceCount(Struct, frozen=True):
    """How many accounts there are that live by the clock, and how many could not be advanced."""

    accounts: int
    failed: int


@checked
class AccountCommands:
    """Opening an account, and what can be done with its plan."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    @property
    def payments_rehearsed(self) -> bool:
        """Whether the payment gateway collects nothing, as the default one does."""
        from pricing.payments.gateway import is_rehearsed

        return is_rehearsed(gateway=self._context.gateway)

    def open(  # noqa: PLR0913 - one keyword an option of `loadmuster account open`
        self,
        account_id: str,
        *,
        plan: str = "on-demand",
        timezone: str = "UTC",
        activated: datetime | None = None,
        request_id: str | None = None,
        channel: Channel = Channel.CARD,
        card: str | None = None,
        administrators: Sequence[str] = (),
        credits_wanted: int | None = None,
        agreed_with: str | None = None,
        currency: str = "USD",
    ) -> Account:
        """Open an account on a plan; a subscription is charged and granted at once (R12, R19)."""
        from pricing.accounts import opening
        from pricing.accounts.clock import keep_clock
        from pricing.accounts.plan_sales import check_sale

        now = self._context.clock.now()
        wanted = self._context.plan_named(plan, now).with_credits(credits_wanted)
        check_sale(account_id, None, wanted, agreed_with)
        # Before there is a database: a mistake leaves nothing behind.
        opening.check_currency_of(wanted, currency)
        opening.check_opening(account_id, timezone=timezone, activated_at=activated, now=now)
        use = self._context
        with use.noting_refusal(account_id, "open") as attempt, use.transaction() as conn:
            attempt.conn = conn
            account = opening.open_account(
                conn,
                account_id,
                wanted,
                timezone=timezone,
                activated_at=activated,
                now=now,
                request_id=request_id,
                channel=channel,
                card=card,
                administrators=administrators,
                agreed_with=agreed_with,
                gateway=self._context.gateway,
            )
            keep_clock(conn, account_id, is_test=self._context.has_test_clock)
            return account

    def get(self, account_id: str) -> Account:
        """The account as it is on record."""
        from pricing.accounts.account import find_account

        with self._context.reading() as conn:
            return find_account(conn, account_id)

    def list(self) -> Sequence[Account]:
        """Every account, by id."""
        from pricing.accounts.account import list_accounts

        with self._context.reading() as conn:
            return list_accounts(conn)

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

    def upgrade(
        self,
        account_id: str,
        *,
        plan: str,
        credits_wanted: int | None = None,
        agreed_with: str | None = None,
        request_id: str | None = None,
    ) -> AccountView:
        """Put the account on a bigger plan at once, or on a first one (R35-R43)."""
        from pricing.accounts.plan_changes import upgrade

        now = self._context.clock.now()
        wanted = self._context.plan_named(plan, now).with_credits(credits_wanted)
        return self._do(
            upgrade, account_id, request_id, now, wanted=wanted, agreed_with=agreed_with
        )

    def downgrade(
        self,
        account_id: str,
        *,
        plan: str,
        credits_wanted: int | None = None,
        agreed_with: str | None = None,
        request_id: str | None = None,
    ) -> AccountView:
        """Have the account on a smaller plan from the next boundary on (R44-R48)."""
        from pricing.accounts.plan_changes import downgrade

        now = self._context.clock.now()
        wanted = self._context.plan_named(plan, now).with_credits(credits_wanted)
        return self._do(
            downgrade, account_id, request_id, now, wanted=wanted, agreed_with=agreed_with
        )

    def to_on_demand(
        self, account_id: str, *, agreed_with: str | None = None, request_id: str | None = None
    ) -> AccountView:
        """Put the account on demand at once; its credits are suspended (R49-R53)."""
        from pricing.accounts.on_demand import to_on_demand

        now = self._context.clock.now()
        plan = self._context.plan_named(ON_DEMAND, now)
        return self._do(
            to_on_demand, account_id, request_id, now, on_demand=plan, agreed_with=agreed_with
        )

    def undo(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Take back the switch to on-demand, or a waiting downgrade, for nothing (R54, R55)."""
        from pricing.accounts.on_demand import undo

        return self._do(undo, account_id, request_id)

    def boost(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Buy one month's LI-minutes once more (R77-R80)."""
        from pricing.accounts.boosts import boost

        return self._do(boost, account_id, request_id)

    def cancel(
        self, account_id: str, *, by: str | None = None, request_id: str | None = None
    ) -> AccountView:
        """Ask, as an administrator, for the end of the subscription (R56-R58).

        Args:
            account_id: Whose.
            by: In whose name, if not in that of the engine's user.
            request_id: The caller's id of this request.

        Raises:
            NotAdministratorError: That is none of the account's administrators.
        """
        from pricing.accounts.cancellations import cancel

        return self._do(cancel, account_id, request_id, user=self._context.user, by=by)

    def confirm_cancel(
        self,
        account_id: str,
        *,
        representative: str | None = None,
        request_id: str | None = None,
    ) -> AccountView:
        """Confirm a cancellation; it takes effect at the next boundary (R59, R60).

        Args:
            account_id: Whose.
            representative: Who has verified the request; None: the engine's user.
            request_id: The caller's id of this request.

        Raises:
            OwnRequestError: Whoever asked for it would confirm it too (R58).
        """
        from pricing.accounts.cancellations import confirm_cancel

        return self._do(
            confirm_cancel,
            account_id,
            request_id,
            representative=representative,
            user=self._context.user,
        )

    def notice(
        self,
        plan: str,
        *,
        first: datetime | None = None,
        watch: Callable[[LoadmusterError], None] | None = None,
    ) -> Sequence[NoticeGiven]:
        """Tell subscribers that their plan will be as it is sold by now (C49).

        Args:
            plan: Its name.
            first: No billing date before is taken; None: 30 days from now.
            watch: Told of each account that could not be.

        Returns:
            Whom it concerns, from when on, and what it will cost.

        Raises:
            UnknownPlanError: There is no such plan on sale.
            NoticeTooShortError: ``first`` is sooner than 30 days from now.
        """
        from pricing.accounts.notices import NoticeGiven, give_notice

        now = self._context.clock.now()
        given = []
        for each in give_notice(
            self._context.transaction,
            self._context.plan_named(plan, now),
            first=first,
            now=now,
            is_test=self._context.has_test_clock,
            gateway=self._context.gateway,
        ):
            if isinstance(each, NoticeGiven):
                given.append(each)
            elif watch is not None:
                watch(each)
        return given

    def administrators(self, account_id: str, *, by: str | None = None) -> Sequence[str]:
        """Who speaks for the account, in order; for its administrators and the owner (R87, C44).

        Args:
            account_id: Whose.
            by: In whose name, if not in that of the engine's user.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks.
        """
        from pricing.accounts.account import find_account
        from pricing.accounts.administrators import Asker, administrators_of
        from pricing.reports.usage_access import check_may_see

        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_may_see(conn, account_id, Asker(self._context.user, by))
            return administrators_of(conn, account_id)

    def change_administrators(
        self,
        account_id: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        by: str | None = None,
        request_id: str | None = None,
    ) -> Sequence[str]:
        """Name more administrators of the account, and others no longer; who they are then.

        Args:
            account_id: Whose.
            add: Who will be one.
            remove: Who will be none.
            by: In whose name, if not in that of the engine's user.
            request_id: The caller's id of this request.

        Raises:
            BadInputError: Nothing is asked for, or a name will not do.
            NotAdministratorError: That is neither one of them nor the owner.
            LastAdministratorError: Nobody would be left.
        """
        from pricing.accounts.administrators import administrators_of
        from pricing.accounts.appointments import change_administrators

        with self._context.changing(account_id, "administrators") as conn:
            change_administrators(
                conn,
                account_id,
                user=self._context.user,
                by=by,
                add=add,
                remove=remove,
                now=self._context.clock.now(),
                request_id=self._context.id_of(request_id),
                gateway=self._context.gateway,
            )
            return administrators_of(conn, account_id)

    def renew(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Take a cancellation back, or subscribe again within a month of it (R63)."""
        from pricing.accounts.cancellations import renew

        return self._do(renew, account_id, request_id)

    def delete(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Delete the account for good; its subscriptions must have ended (R66)."""
        from pricing.accounts.deletions import delete

        return self._do(delete, account_id, request_id)

    def set_card(self, account_id: str, card: str, *, request_id: str | None = None) -> AccountView:
        """Put another card on record."""
        from pricing.accounts.overdue import set_card

        return self._do(set_card, account_id, request_id, card=card)

    def pay(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Try again to collect what is overdue; each period that is paid is granted once (C24)."""
        from pricing.accounts.overdue import pay

        return self._do(pay, account_id, request_id)

    def healing(self, account_id: str) -> Healing:
        """What ``heal`` would undo; nothing is changed.

        Raises:
            UnknownAccountError: There is no such account.
            WrongClockError: The account lives by another clock than this.
            CannotHealError: Somebody asked for something since, or money was really collected.
        """
        from pricing.accounts.account import find_account
        from pricing.accounts.clock import check_clock
        from pricing.accounts.healing import find_healing

        now = self._context.clock.now()
        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_clock(conn, account_id, is_test=self._context.has_test_clock)
            return find_healing(conn, account_id, now, gateway=self._context.gateway)

    def heal(self, account_id: str, *, request_id: str | None = None) -> Healing:
        """Undo what was booked of the account's future, when a clock that ran ahead looked at it.

        New entries undo those that came too early, and a credit note their invoices; then the
        account is as if nobody had looked. What was undone comes again when it is due.

        Raises:
            UnknownAccountError: There is no such account.
            WrongClockError: The account lives by another clock than this.
            CannotHealError: Somebody asked for something since, or money was really collected.
        """
        from pricing.accounts.clock import keep_clock
        from pricing.accounts.heal import heal

        with self._context.changing(account_id, "heal") as conn:
            healing = heal(
                conn,
                account_id,
                now=self._context.clock.now(),
                request_id=self._context.id_of(request_id),
                gateway=self._context.gateway,
            )
            keep_clock(conn, account_id, is_test=self._context.has_test_clock)
        return healing

    def extra_credits(
        self, account_id: str, limit_li_minutes: int, *, request_id: str | None = None
    ) -> ExtraCredits:
        """Set how many extra credits an account may buy in a billing period (R107)."""
        from pricing.departments import extra_credits

        with self._context.changing(account_id, "extra-credits") as conn:
            return extra_credits.limit_extra_credits(
                conn,
                account_id,
                limit_li_minutes,
                now=self._context.clock.now(),
                request_id=request_id,
                gateway=self._context.gateway,
            )

    def history(self, account_id: str, *, at: datetime | None = None) -> Sequence[HistoryRow]:
        """Every plan that the account was on, oldest first (R110-R113)."""
        from pricing.accounts.administrators import Asker
        from pricing.accounts.plan_history import plan_history
        from pricing.reports.usage_access import check_may_see

        with self._context.books_now(account_id, at=at) as books:
            check_may_see(books.conn, account_id, Asker(self._context.user))
            return plan_history(books.conn, account_id)

    def offers(self, account_id: str, *, at: datetime | None = None) -> Sequence[PlanOffer]:
        """Every plan that the account can choose, and how (R114-R117)."""
        from pricing.accounts.plan_offers import offers_of

        with self._context.books_now(account_id, at=at) as books:
            on_sale = self._context.plans_on_sale(books.instant)
            return offers_of(books.conn, account_id, on_sale.values(), at=books.instant)

    def billing_settings(self, account_id: str) -> BillingSettings | None:
        """How the account pays; None before it has subscribed to a paid plan (R98-R101)."""
        from pricing.accounts.account import find_account
        from pricing.accounts.administrators import Asker
        from pricing.accounts.billing_settings import billing_settings
        from pricing.reports.usage_access import check_may_see

        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_may_see(conn, account_id, Asker(self._context.user))
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
        from pricing.accounts.account import find_account
        from pricing.accounts.administrators import Asker
        from pricing.ledger.command_log import commands_of
        from pricing.reports.usage_access import check_may_see

        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_may_see(conn, account_id, Asker(self._context.user))
            return commands_of(conn, account_id, last=last)

    def advance(self, *, watch: Callable[[Advanced], None] | None = None) -> AdvanceCount:
        """Bring every account's books up to now; one that fails is left as it was.

        An account for which nothing is due is up to date, and not looked at. Also deletes the run
        history of accounts that left more than a month ago (R64).

        Args:
            watch: Told of each account that was looked at when it is done; the reason, if it
                failed.
        """
        from engine.runs.record.history import forget_history
        from pricing.accounts.due_accounts import count_accounts
        from pricing.accounts.sweep import advance_all

        now = self._context.clock.now()
        failed = 0
        with self._context.transaction() as conn:
            accounts = count_accounts(conn, is_test=self._context.has_test_clock)
        every = advance_all(
            self._context.transaction,
            now,
            workers=workers_on(self._context.db),
            gateway=self._context.gateway,
            is_test=self._context.has_test_clock,
        )
        for each in every:
            failed += each.failure is not None
            if watch is not None:
                watch(each)
        with self._context.transaction() as conn:
            forget_history(conn, now)
        return AdvanceCount(accounts, failed)

    def plan_of(self, account_id: str) -> Plan:
        """The plan that the account is on, as it was sold to it."""
        from pricing.accounts.account import plan_of

        with self._context.reading() as conn:
            return plan_of(conn, account_id)

    def _do(
        self,
        command: Callable[..., None],
        account_id: str,
        request_id: str | None,
        at: datetime | None = None,
        **arguments: Any,  # noqa: ANN401 - the command's own
    ) -> AccountView:
        """One command and the account afterwards, in one transaction and at one instant."""
        from pricing.accounts.view import account_view

        now = self._context.clock.now() if at is None else at
        name = _NAMES.get(command.__name__, command.__name__.replace("_", "-"))
        with self._context.changing(account_id, name) as conn:
            command(
                conn,
                account_id,
                **arguments,
                now=now,
                request_id=self._context.id_of(request_id),
                gateway=self._context.gateway,
            )
            return account_view(conn, account_id, now, gateway=self._context.gateway)


def workers_on(db: sqlalchemy.Engine) -> int:
    """How many connections a sweep has: SQLite takes one writer.

    Elsewhere at least two: one works while the other waits for the database.
    """
    return 1 if db.dialect.name == "sqlite" else min(WORKERS_MAX, max(2, os.cpu_count() or 1))
