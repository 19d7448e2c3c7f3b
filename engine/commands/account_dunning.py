"""Who does not pay: how far it has come, and the letters that are sent about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext

if TYPE_CHECKING:
    from pricing.pages.sheet import Sheet
    from pricing.reports.dunning_report import DunningReport


@checked
class DunningCommands:
    """What an account owes, what was done about it, and what comes next; nothing is changed."""

    _context: EngineContext

    def dunning(self, account_id: str, *, by: str | None = None) -> DunningReport:
        """What the account owes, the steps that were taken about it, and what comes next.

        Args:
            account_id: Whose.
            by: In whose name, if not in that of the engine's user.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks, in the name ``by`` (R96).
        """
        from pricing.reports.dunning_report import dunning_report

        with self._context.books_seen(account_id, by=by) as books:
            return dunning_report(books.conn, account_id, books.instant)

    def dunning_page(
        self, account_id: str, *, number: int | None = None, by: str | None = None
    ) -> str:
        """A dunning letter as an HTML page that can be sent to the customer.

        Args:
            account_id: To whom.
            number: Which of the account's letters, counted from 1; None: the latest.
            by: In whose name, if not in that of the engine's user.

        Raises:
            NotAdministratorError: Somebody else asks (R96).
            UnknownLetterError: There is no such letter.
        """
        from pricing.pages.html import html_of

        return html_of(self._letter(account_id, number, by))

    def dunning_pdf(
        self, account_id: str, *, number: int | None = None, by: str | None = None
    ) -> bytes:
        """The same as a PDF file; arguments and errors are those of ``dunning_page``.

        Raises:
            NoPdfError: The extra ``pdf`` is not installed.
        """
        from pricing.pages.pdf import drawing, pdf_of

        drawing()
        return pdf_of(self._letter(account_id, number, by))

    def _letter(self, account_id: str, number: int | None, by: str | None) -> Sheet:
        from pricing.accounts.account import find_account
        from pricing.pages.dunning_letter import DunningLetter, dunning_sheet
        from pricing.pages.invoice import DEFAULT_SELLER, Parties
        from pricing.payments.gateway import is_rehearsed
        from pricing.reports.dunning_report import dunning_report, letter_parties

        with self._context.books_seen(account_id, by=by) as books:
            timezone = find_account(books.conn, account_id).timezone
            report = dunning_report(books.conn, account_id, books.instant)
            step = report.letter(number)
            named = letter_parties(books.conn, account_id, step.at)
        parties = Parties(
            named.seller.text if named.seller else DEFAULT_SELLER,
            named.customer.text if named.customer else None,
        )
        letter = DunningLetter(
            account_id,
            timezone,
            step,
            report.told_before(step),
            payments_rehearsed=is_rehearsed(gateway=self._context.gateway),
        )
        return dunning_sheet(letter, parties)
