"""Money that goes back to an account: refunds, by the seller's side, and disputes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from pricing.accounts.owner import check_owner

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.ledger.invoices import Invoice
    from pricing.payments.disputes import Dispute
    from pricing.payments.gateway import PaymentGateway
    from pricing.payments.refunds import Refund


@checked
class RefundCommands:
    """Giving money back that was collected; what was given back, and what is disputed."""

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
            PaymentDisputedError: Its payment is disputed.
            RefundTooMuchError: So much is not left of what was collected.
            ChannelCannotError: It was paid through a marketplace, which gives back by itself.
            RefundDeclinedError: The payment gateway gives nothing back.
            RefundPendingError: It has not answered; the same command again goes on.
        """
        from pricing.accounts.refunding import REFUND, check_given_back, give_back, refund
        from pricing.payments.asking import Talk

        use = self._context
        check_owner(use.user, "give money back")
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

    def adjust(
        self, account_id: str, *, usd_micros: int, reason: str, request_id: str | None = None
    ) -> Invoice:
        """Credit the account by a credit note, or take of its credit by an invoice (C76).

        Args:
            account_id: Whose.
            usd_micros: Tax included, in whole cents; above nothing it is credited, below it is
                taken.
            reason: Why; it stands in the ledger and on the document.
            request_id: The caller's id of this request.

        Returns:
            The credit note, or the invoice.

        Raises:
            BadInputError: The amount or the reason will not do.
            NotOwnerError: The engine's user is not the owner of the installation.
            AdjustmentTooLargeError: More would be credited than was ever charged, or taken than is
                credited.
        """
        from pricing.accounts import adjustments

        use = self._context
        check_owner(use.user, "adjust an account")
        now = use.clock.now()

        def work(
            conn: sqlalchemy.Connection, *, gateway: PaymentGateway, request_id: str
        ) -> Invoice:
            return adjustments.adjust(
                conn,
                account_id,
                usd_micros=usd_micros,
                reason=reason,
                now=now,
                request_id=request_id,
                gateway=gateway,
            )

        content = {"usd_micros": usd_micros, "reason": reason}
        return use.commanded(account_id, "adjust", content, work, request_id=request_id, now=now)

    def disputes(self, account_id: str) -> Sequence[Dispute]:
        """Every dispute of the account's payments, in the order in which they were heard of.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: The engine's user is none of its administrators (R96).
        """
        from pricing.payments.disputes import disputes_of

        with self._context.record_seen(account_id) as conn:
            return disputes_of(conn, account_id)

    def refunds(self, account_id: str) -> Sequence[Refund]:
        """Every refund of the account, in the order in which they were asked for.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: The engine's user is none of its administrators (R96).
        """
        from pricing.payments.refunds import refunds_of

        with self._context.record_seen(account_id) as conn:
            return refunds_of(conn, account_id)
