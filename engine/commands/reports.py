"""What the books say: ledger, invoices, usage, and advice drawn from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from engine.commands.context import EngineContext
from pricing.plans.on_sale import load_plans
from pricing.tariffs import load_tariff

if TYPE_CHECKING:
    from pricing.ledger.invoices import Invoice
    from pricing.ledger.ledger import Transaction
    from pricing.reports.advisor import Advice
    from pricing.reports.usage import CycleUsage

OBSERVED_FOR = timedelta(days=30)
"""How far back an account's runs say what it needs in a month."""


class ReportCommands:
    """Reading an account's books as they are with all that is due by now; nothing is changed."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def ledger(self, account_id: str) -> Sequence[Transaction]:
        """Every transaction of the account with its postings, oldest first."""
        from pricing.ledger import ledger

        with self._context.books_now(account_id) as books:
            return ledger.entries(books.conn, account_id)

    def invoices(self, account_id: str, *, by: str | None = None) -> Sequence[Invoice]:
        """The account's invoices, oldest first, those of periods that began by now included.

        Raises:
            NotAdministratorError: Somebody else asks, in the name ``by`` (R96).
        """
        from pricing.ledger import invoices
        from pricing.reports.usage_access import check_may_see

        with self._context.books_now(account_id) as books:
            check_may_see(books.conn, account_id, by)
            return invoices.list_invoices(books.conn, account_id)

    def invoice_page(
        self,
        account_id: str,
        number: str,
        *,
        seller: str | None = None,
        customer: str | None = None,
        by: str | None = None,
    ) -> str:
        """One invoice as an HTML page that can be sent to the customer.

        Args:
            account_id: Whose.
            number: The invoice's.
            seller: Name and address of the sender.
            customer: Name and address of the customer; default: the account's id.
            by: Who asks, if not the operator.

        Raises:
            NotAdministratorError: Somebody else asks (R96).
            UnknownInvoiceError: The account has no invoice of that number.
        """
        from pricing.accounts.account import find_account
        from pricing.ledger.invoices import find_invoice
        from pricing.payments.gateway import is_rehearsed
        from pricing.reports.invoices_page import DEFAULT_SELLER, Parties, invoice_page
        from pricing.reports.usage_access import check_may_see

        with self._context.books_now(account_id) as books:
            timezone = find_account(books.conn, account_id).timezone
            check_may_see(books.conn, account_id, by)
            invoice = find_invoice(books.conn, account_id, number)
        return invoice_page(
            invoice,
            timezone,
            Parties(seller or DEFAULT_SELLER, customer),
            payments_rehearsed=is_rehearsed(self._context.gateway),
        )

    def usage(self, account_id: str, *, by: str | None = None) -> CycleUsage:
        """What the account used in its current billing cycle: by day, department and run (R95).

        Raises:
            NotAdministratorError: Somebody else asks, in the name ``by`` (R94).
        """
        from pricing.reports import usage_records
        from pricing.reports.usage_access import check_may_see

        with self._context.books_now(account_id) as books:
            check_may_see(books.conn, account_id, by)
            return usage_records.usage_of_cycle(
                books.conn, account_id, books.instant, gateway=books.gateway
            )

    def advise(
        self,
        account_id: str | None = None,
        *,
        li_minutes: int | None = None,
        runs: int | None = None,
        users: int | None = None,
    ) -> Advice:
        """Which plan costs least for so many runs a month (R4, R6), and the runs left (R30).

        Args:
            account_id: Whose runs of the last 30 days say what is not given, and whose credits
                say how many runs are left.
            li_minutes: Of one run.
            runs: In a month.
            users: Of one run; they count on demand only.

        Raises:
            NeedError: Neither the arguments nor the account's runs say what is needed.
        """
        from pricing.accounts.account import find_account
        from pricing.accounts.view import view_at
        from pricing.reports import advisor, usage_records

        now = self._context.clock.now()
        observed = credits_left = None
        if account_id is not None:
            with self._context.books_now(account_id, at=now) as books:
                found = find_account(books.conn, account_id)
                view = view_at(books.conn, found, books.instant, gateway=books.gateway)
                recent = usage_records.runs_until(
                    books.conn, account_id, books.instant, OBSERVED_FOR
                )
            observed = advisor.observed_need(recent)
            if view.period is not None:
                credits_left = view.balance_li_minutes - view.reserved_li_minutes
        need = advisor.complete_need(observed, li_minutes=li_minutes, runs=runs, users=users)
        plans = advisor.plans_to_compare(load_plans(self._context.plans_file).values())
        tariff = next((plan.tariff for plan in plans if not plan.is_subscription), None)
        return advisor.advise(
            need,
            plans,
            None if tariff is None else load_tariff(tariff, now.date()),
            credits_left=credits_left,
        )
