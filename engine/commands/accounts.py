"""Accounts: opened, told of new terms, and deleted, with all else that is done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.commands.account_dunning import DunningCommands
from engine.commands.account_plans import PlanCommands
from engine.commands.account_refunds import RefundCommands
from engine.commands.account_upkeep import UpkeepCommands
from engine.commands.arguments import checked
from engine.commands.recorded_accounts import RecordedAccountCommands
from pricing.plans.channels import Channel

if TYPE_CHECKING:
    import sqlalchemy

    from kernel.errors import LoadmusterError
    from pricing.accounts.account import Account
    from pricing.accounts.notices import NoticeGiven
    from pricing.accounts.view import AccountView
    from pricing.departments.extra_credits import ExtraCredits
    from pricing.payments.gateway import PaymentGateway


@checked
class AccountCommands(
    RecordedAccountCommands, PlanCommands, RefundCommands, DunningCommands, UpkeepCommands
):
    """Accounts, from their opening to their end."""

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
        from pricing.accounts.completion import OPEN, opening_content
        from pricing.accounts.plan_sales import check_sale

        now = self._context.clock.now()
        wanted = self._context.plan_named(plan, now).with_credits(credits_wanted)
        check_sale(account_id, None, wanted, agreed_with)
        # Before there is a database: a mistake leaves nothing behind.
        opening.check_currency_of(wanted, currency)
        opening.check_opening(
            account_id, timezone=timezone, activated_at=activated, now=now, card=card
        )
        use = self._context
        content = opening_content(
            wanted,
            timezone=timezone,
            activated_at=activated,
            request_id=request_id,
            channel=channel,
            card=card,
            administrators=tuple(administrators),
            agreed_with=agreed_with,
            is_test=use.has_test_clock,
        )

        def work(
            conn: sqlalchemy.Connection, *, gateway: PaymentGateway, request_id: str
        ) -> Account:
            # Opening is known by the account's id; only the caller's own request id is kept.
            del request_id
            account = opening.open_account(
                conn,
                account_id,
                wanted,
                timezone=timezone,
                activated_at=activated,
                now=now,
                request_id=content["request_id"],
                channel=channel,
                card=card,
                administrators=administrators,
                agreed_with=agreed_with,
                gateway=gateway,
            )
            keep_clock(conn, account_id, is_test=use.has_test_clock)
            return account

        return use.commanded(
            account_id, OPEN, content, work, request_id=request_id, now=now, checks_clock=False
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

    def delete(
        self, account_id: str, *, give_up_credit: bool = False, request_id: str | None = None
    ) -> AccountView:
        """Delete the account for good; its subscriptions must have ended (R66).

        Personal data, its runs with their results, and the targets that it allowed go with it; the
        journal and the invoices stay (C29, C62).

        Args:
            account_id: Which.
            give_up_credit: What it is in credit is nothing to it any more (C82).
            request_id: The caller's id of this request.

        Raises:
            StillSubscribedError: A subscription has not ended.
            RunsOpenError: A run has not ended.
            PaymentOverdueError: Something has not been paid.
            CreditLeftError: The account is in credit, and that is not given up.
        """
        from engine.runs.record.history import forget_account
        from pricing.accounts import deletions

        def delete(conn: sqlalchemy.Connection, of: str, **arguments: Any) -> None:  # noqa: ANN401 - the command's own
            deletions.delete(conn, of, **arguments)
            forget_account(conn, of)

        return self._do(delete, account_id, request_id, gives_up_credit=give_up_credit)

    def extra_credits(
        self, account_id: str, limit_li_minutes: int, *, request_id: str | None = None
    ) -> ExtraCredits:
        """Set how many extra credits an account may buy in a billing period (R107)."""
        from pricing.departments import extra_credits

        now = self._context.clock.now()

        def work(conn: sqlalchemy.Connection, *, gateway: PaymentGateway) -> ExtraCredits:
            return extra_credits.limit_extra_credits(
                conn, account_id, limit_li_minutes, now=now, request_id=request_id, gateway=gateway
            )

        return self._context.settled(account_id, "extra-credits", work, now=now)
