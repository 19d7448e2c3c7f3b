"""Money that is given back to an account, by the seller's side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from pricing.accounts.owner import OWNER, NotOwnerError

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.payments.gateway import PaymentGateway
    from pricing.payments.refunds import Refund


@checked
class RefundCommands:
    """Giving money back that was collected, and what was given back."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def refund(
        self,
        account_id: str,
        *,
        invoice: str,
        reason: str,
        usd_micros: int | None = None,
        keep_credits: bool = False,
        request_id: str | None = None,
    ) -> Refund:
        """Give back what was paid for an invoice, or a part of it, with a credit note (C73).

        Of LI-minutes that came with what is given back, those that are left go.

        Args:
            account_id: Whose.
            invoice: Number of the invoice.
            reason: Why, for the record.
            usd_micros: How much, tax included, in whole cents; None: all that is left.
            keep_credits: LI-minutes stay all the same.
            request_id: The caller's id of this request.

        Returns:
            The refund: accepted, or delayed until the customer's bank has taken it.

        Raises:
            BadInputError: The amount or the reason will not do.
            NotOwnerError: The engine's user is not the owner of the installation.
            UnknownInvoiceError: The account has no such invoice.
            NothingPaidError: Nothing was collected for it.
            RefundTooMuchError: So much is not left of what was collected.
            ChannelCannotError: It was paid through a marketplace, which gives back by itself.
            RefundDeclinedError: The payment gateway gives nothing back.
            RefundPendingError: It has not answered; the same command again goes on.
        """
        from pricing.accounts.refunding import REFUND, check_given_back, give_back, refund
        from pricing.payments.asking import Talk

        use = self._context
        _check_owner(use.user)
        now = use.clock.now()
        content = {"invoice": invoice, "usd_micros": usd_micros, "keep_credits": keep_credits}

        def work(
            conn: sqlalchemy.Connection, *, gateway: PaymentGateway, request_id: str
        ) -> Refund:
            return refund(
                conn,
                account_id,
                invoice=invoice,
                usd_micros=usd_micros,
                reason=reason,
                keeps_credits=keep_credits,
                now=now,
                request_id=request_id,
                gateway=gateway,
            )

        begun = use.commanded(account_id, REFUND, content, work, request_id=request_id, now=now)
        talk = Talk(gateway=use.gateway)
        done = give_back(use.rim(account_id, now), begun, talk)
        check_given_back(done, talk.silence)
        return done

    def refunds(self, account_id: str) -> Sequence[Refund]:
        """Every refund of the account, in the order in which they were asked for.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: The engine's user is none of its administrators (R96).
        """
        from pricing.accounts.account import find_account
        from pricing.accounts.administrators import Asker
        from pricing.payments.refunds import refunds_of
        from pricing.reports.usage_access import check_may_see

        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_may_see(conn, account_id, Asker(self._context.user))
            return refunds_of(conn, account_id)


def _check_owner(user: str) -> None:
    if user != OWNER:
        raise NotOwnerError(
            f"{user} cannot give money back: that is for the owner of the installation", by=user
        )
