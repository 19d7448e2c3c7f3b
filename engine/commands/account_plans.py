"""An account's plan: what its holder can have changed about it, and paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.commands.arguments import checked
from engine.commands.context import EngineContext

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.accounts.view import AccountView
    from pricing.payments.gateway import PaymentGateway

ON_DEMAND = "on-demand"

_NAMES = {"set_card": "card"}
"""What commands are called in the log, where they are not called as their functions are."""


@checked
class PlanCommands:
    """What can be done with the plan of an account; each answers with the account afterwards."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

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

    def renew(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Take a cancellation back, or subscribe again within a month of it (R63)."""
        from pricing.accounts.cancellations import renew

        return self._do(renew, account_id, request_id)

    def set_card(self, account_id: str, card: str, *, request_id: str | None = None) -> AccountView:
        """Put another card on record.

        Args:
            account_id: Whose.
            card: The payment channel's own name for it; never its number.
            request_id: The caller's id of this request.

        Raises:
            BadCardError: It is no name of a card; it is not put on record, nor in the log.
        """
        from pricing.accounts.overdue import set_card
        from pricing.payments.cards import check_card

        # Before anything is logged: what is given may be a number.
        check_card(card)
        return self._do(set_card, account_id, request_id, card=card)

    def pay(self, account_id: str, *, request_id: str | None = None) -> AccountView:
        """Try again to collect what is overdue; each period that is paid is granted once (C24)."""
        from pricing.accounts.overdue import pay

        return self._do(pay, account_id, request_id)

    def _do(
        self,
        command: Callable[..., None],
        account_id: str,
        request_id: str | None,
        at: datetime | None = None,
        **arguments: Any,  # noqa: ANN401 - the command's own
    ) -> AccountView:
        """One command and the account afterwards, in one transaction and at one instant."""
        from pricing.accounts.completion import content_of
        from pricing.accounts.view import account_view

        use = self._context
        now = use.clock.now() if at is None else at

        def work(
            conn: sqlalchemy.Connection, *, gateway: PaymentGateway, request_id: str
        ) -> AccountView:
            command(conn, account_id, **arguments, now=now, request_id=request_id, gateway=gateway)
            return account_view(conn, account_id, now, gateway=gateway)

        name = _NAMES.get(command.__name__, command.__name__.replace("_", "-"))
        content = content_of(arguments)
        return use.commanded(account_id, name, content, work, request_id=request_id, now=now)
