"""What the books say: ledger, invoices, usage, and advice drawn from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.commands.account_pages import each_page
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from pricing.plans.on_sale import load_plans
from pricing.tariffs import load_tariff

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.accounts.account import Account
    from pricing.ledger.command_log import LoggedCommand
    from pricing.ledger.invoices import Invoice
    from pricing.ledger.ledger import Transaction
    from pricing.pages.sheet import Sheet
    from pricing.reports.advisor import Advice
    from pricing.reports.report_period import ReportPeriod
    from pricing.reports.usage import CycleUsage

OBSERVED_FOR = timedelta(days=30)
"""How far back an account's runs say what it needs in a month."""

PAGE = 500
"""Invoices that are read at a time."""


@checked
class ReportCommands:
    """Reading an account's books as they are with all that is due by now; nothing is changed.

    Where a method takes ``at``, that is the instant to look at, for callers that have read the
    clock already; ``accounts.as_of`` says what the answer is of.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def ledger(self, account_id: str, *, at: datetime | None = None) -> Sequence[Transaction]:
        """Every transaction of the account with its postings, oldest first."""
        from pricing.ledger import ledger

        with self._context.books_seen(account_id, at=at) as books:
            return ledger.entries(books.conn, account_id)

    def writers(self, account_id: str) -> Mapping[str, LoggedCommand]:
        """The command that wrote each transaction of ``ledger``, by its natural key.

        What is due and not posted yet has none, nor has what earlier versions wrote.
        """
        from pricing.accounts.administrators import Asker
        from pricing.ledger.command_log import writers_of
        from pricing.reports.usage_access import check_may_see

        with self._context.reading() as conn:
            check_may_see(conn, account_id, Asker(self._context.user))
            return writers_of(conn, account_id)

    def invoices(
        self, account_id: str, *, period: ReportPeriod | None = None, by: str | None = None
    ) -> Sequence[Invoice]:
        """The account's invoices, oldest first, those of periods that began by now included.

        Args:
            account_id: Whose.
            period: Only those that were issued on these days, in the account's time zone.
            by: In whose name, if not in that of the engine's user.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks, in the name ``by`` (R96).
        """
        return tuple(self.each_invoice(account_id, period=period, by=by))

    def each_invoice(
        self,
        account_id: str,
        *,
        period: ReportPeriod | None = None,
        by: str | None = None,
        at: datetime | None = None,
    ) -> Iterator[Invoice]:
        """Like ``invoices``, one after the other: a page of them is held in memory."""
        now = self._context.clock.now() if at is None else at
        return self._each_invoice(account_id, period, by, now)

    def invoices_of_all(
        self, *, period: ReportPeriod | None = None, at: datetime | None = None
    ) -> Iterator[Invoice]:
        """The invoices of every account, account by account in the order of their ids.

        Of those that the engine's user may see: the owner of the installation sees all (R96).
        """
        now = self._context.clock.now() if at is None else at
        for account in self._accounts():
            yield from self._each_invoice(account.id, period, None, now)

    def _each_invoice(
        self, account_id: str, period: ReportPeriod | None, by: str | None, now: datetime
    ) -> Iterator[Invoice]:
        from pricing.accounts.account import find_account
        from pricing.accounts.administrators import Asker
        from pricing.ledger.invoices import invoices_between, last_sequence
        from pricing.reports.invoice_status import open_payments, payments_of, with_status
        from pricing.reports.usage_access import check_may_see

        with self._context.reading() as conn:
            timezone = find_account(conn, account_id).timezone
            check_may_see(conn, account_id, Asker(self._context.user, by))
            issued, are_open = last_sequence(conn, account_id), open_payments(conn, account_id)
        days = None if period is None else period.in_zone(timezone)
        with self._context.books_now(account_id, at=now) as books:
            coming = range(issued + 1, last_sequence(books.conn, account_id) + 1)
            due = invoices_between(books.conn, account_id, coming)
            listed = due if days is None else invoices_between(books.conn, account_id, coming, days)
            listed = with_status(books.conn, listed, now)
            by_now = payments_of(books.conn, are_open)
        # What is given up by now takes invoices back that were issued before.
        taken_back = {number for each in due for number in each.corrects}
        for first in range(1, issued + 1, PAGE):
            with self._context.reading() as conn:
                page = invoices_between(
                    conn, account_id, range(first, min(first + PAGE, issued + 1)), days
                )
                page = with_status(conn, page, now, taken_back=taken_back, by_now=by_now)
            yield from page
        yield from listed

    def invoice_page(
        self,
        account_id: str,
        number: str,
        *,
        seller: str | None = None,
        customer: str | None = None,
        by: str | None = None,
    ) -> str:
        """One invoice or credit note as an HTML page that can be sent to the customer.

        Args:
            account_id: Whose.
            number: The invoice's.
            seller: Name and address of the sender, of an invoice that was issued without one.
            customer: Name and address of the customer, likewise; default: the account's id.
            by: In whose name, if not in that of the engine's user.

        Raises:
            NotAdministratorError: Somebody else asks (R96).
            UnknownInvoiceError: The account has no invoice of that number.
            PartyOnRecordError: The invoice names its seller, or its customer, already.
        """
        from pricing.pages.html import html_of

        return html_of(self._sheet(account_id, number, seller, customer, by))

    def invoice_pdf(
        self,
        account_id: str,
        number: str,
        *,
        seller: str | None = None,
        customer: str | None = None,
        by: str | None = None,
    ) -> bytes:
        """The same as a PDF file; arguments and errors are those of ``invoice_page``.

        Raises:
            NoPdfError: The extra ``pdf`` is not installed.
        """
        from pricing.pages.pdf import drawing, pdf_of

        drawing()
        return pdf_of(self._sheet(account_id, number, seller, customer, by))

    def _sheet(
        self,
        account_id: str,
        number: str,
        seller: str | None,
        customer: str | None,
        by: str | None,
    ) -> Sheet:
        from pricing.accounts.account import find_account
        from pricing.ledger.invoices import find_invoice
        from pricing.pages.invoice import invoice_sheet, parties_of
        from pricing.payments.gateway import is_rehearsed
        from pricing.reports.invoice_facts import invoice_facts, run_of

        with self._context.books_seen(account_id, by=by) as books:
            timezone = find_account(books.conn, account_id).timezone
            invoice = find_invoice(books.conn, account_id, number)
            run_id = run_of(invoice)
            test = None if run_id is None else self._context.store.test_of(books.conn, run_id)
            facts = invoice_facts(books.conn, invoice, timezone, test)
        return invoice_sheet(
            invoice,
            timezone,
            parties_of(invoice, seller=seller, customer=customer),
            facts,
            payments_rehearsed=is_rehearsed(gateway=self._context.gateway),
        )

    def usage(
        self, account_id: str, *, period: ReportPeriod | None = None, by: str | None = None
    ) -> CycleUsage:
        """What the account used: by day, department and run (R95).

        Args:
            account_id: Whose.
            period: On which days, in the account's time zone; None: in its current billing cycle.
            by: In whose name, if not in that of the engine's user.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks, in the name ``by`` (R94).
        """
        return self._usage(account_id, period, by, self._context.clock.now())

    def usage_of_all(self, *, period: ReportPeriod | None = None) -> Iterator[CycleUsage]:
        """What every account used, account by account in the order of their ids.

        Of those that the engine's user may see: the owner of the installation sees all (R94). One
        account's usage is held in memory, however many there are.

        Args:
            period: On which days, in each account's time zone; None: in its current billing cycle.
        """
        now = self._context.clock.now()
        for account in self._accounts():
            yield self._usage(account.id, period, None, now)

    def _usage(
        self, account_id: str, period: ReportPeriod | None, by: str | None, now: datetime
    ) -> CycleUsage:
        from pricing.reports.usage_records import usage_of_cycle, usage_of_period

        with self._context.books_seen(account_id, at=now, by=by) as books:
            conn, instant, gateway = books.conn, books.instant, books.gateway
            used = (
                usage_of_cycle(conn, account_id, instant, gateway=gateway)
                if period is None
                else usage_of_period(conn, account_id, period, instant, gateway=gateway)
            )
        return replace(used, as_of=books.as_of)

    def _accounts(self) -> Iterator[Account]:
        """Every account that the engine's user may see, read page by page."""
        from pricing.accounts.administrators import Asker
        from pricing.reports.usage_access import may_see

        asker = Asker(self._context.user)

        def seen(conn: sqlalchemy.Connection, page: Sequence[Account]) -> Sequence[Account]:
            return [account for account in page if may_see(conn, account.id, asker)]

        for accounts in each_page(self._context, seen):
            yield from accounts

    def advise(
        self,
        account_id: str | None = None,
        *,
        li_minutes: int | None = None,
        runs: int | None = None,
        users: int | None = None,
        at: datetime | None = None,
    ) -> Advice:
        """Which plan costs least for so many runs a month (R4, R6), and the runs left (R30).

        Args:
            account_id: Whose runs of the last 30 days say what is not given, and whose credits
                say how many runs are left.
            li_minutes: Of one run.
            runs: In a month.
            users: Of one run; they count on demand only.
            at: When; None: now.

        Raises:
            NeedError: Neither the arguments nor the account's runs say what is needed.
        """
        from pricing.accounts.account import find_account
        from pricing.accounts.view import view_at
        from pricing.reports import advisor, usage_records

        now = self._context.clock.now() if at is None else at
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
