"""The installation's books: months are closed, and the ledger is exported and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.commands.arguments import checked
from engine.commands.gateway_report import GatewayReportCommands
from kernel.errors import InvariantBrokenError
from kernel.extras import check_installed
from pricing.accounts.owner import check_owner

if TYPE_CHECKING:
    from pricing.ledger.closing import ClosedMonth
    from pricing.ledger.posting_rows import Balances

PAGE = 10_000
"""Postings that are read at a time."""


class NotTheseBooksError(InvariantBrokenError):
    """A file's sums are not the ledger's; facts: ``file``, ``account``, ``ledger_account``."""

    code = "not_these_books"


class TrialBalanceError(InvariantBrokenError):
    """The ledger does not sum to zero; facts: ``unit``, ``amount``."""

    code = "trial_balance"


class ExportedBooks(Struct, frozen=True):
    """A ledger that is in a file.

    Attributes:
        file: Where.
        account_id: Whose; None: of all accounts.
        postings: How many rows.
        last_posting: The number of the newest posting that there was.
        trial_balance: What all postings come to, by unit: zero.
    """

    file: Path
    account_id: str | None
    postings: int
    last_posting: int
    trial_balance: Mapping[str, int]


@checked
class BooksCommands(GatewayReportCommands):
    """What is done with the books of all accounts, by the owner of the installation."""

    def close(self, month: str) -> ClosedMonth:
        """Close a calendar month (in UTC), and all before it, for good (C61).

        Args:
            month: As ``2026-11``.

        Raises:
            ReportPeriodError: It is no month.
            MonthNotOverError: It has not ended.
            MonthClosedAlreadyError: A later one is closed.
            MonthPendingError: Something of it is pending; it says what.
            NotOwnerError: The engine's user is not the owner of the installation.
            DatabaseNotThereError: There is no such database.
        """
        from pricing.accounts.month_end import close_month
        from pricing.reports.report_period import ReportPeriod

        use = self._context
        check_owner(self._context.user, "close a month")
        use.check_there()
        period = ReportPeriod.of_month(month)
        with use.noting_refusal(None, "books close") as attempt, use.transaction() as conn:
            attempt.conn = conn
            return close_month(
                conn,
                f"{period.first_day:%Y-%m}",
                period.in_zone("UTC").end,
                now=use.clock.now(),
                is_test=use.has_test_clock,
            )

    def months(self) -> Sequence[ClosedMonth]:
        """The months that were closed, oldest first."""
        from pricing.ledger.closing import closed_months

        with self._context.reading() as conn:
            return closed_months(conn)

    def export(
        self, file: Path | str, *, account_id: str | None = None, month: str | None = None
    ) -> ExportedBooks:
        """Write the ledger into a file, one row a posting.

        The ledger's own sums are taken first: nothing is written unless they are zero in each unit.

        Args:
            file: ``.csv``, ``.parquet`` or ``.arrow``; an older one is replaced.
            account_id: Whose; None: of all accounts.
            month: Only what is posted in the month ``2026-11``, in UTC; None: all.

        Raises:
            UnknownAccountError: There is no such account.
            TableFileError: The file cannot be written, or has another ending.
            TrialBalanceError: The ledger does not sum to zero.
            NotOwnerError: The engine's user is not the owner of the installation.
            DatabaseNotThereError: There is no such database.
        """
        _check_can_have_columns()
        from engine.commands.ledger_files import batch_of
        from engine.sweeping.table_files import writing
        from pricing.accounts.account import find_account
        from pricing.ledger.closing import wait_for_writers
        from pricing.ledger.posting_rows import last_posting, ledger_balances, posting_rows

        check_owner(self._context.user, "export the books")
        self._context.check_there()
        path, span = Path(file), None if month is None else _span_of(month)
        rows = 0
        with self._context.reading() as conn:
            if account_id is not None:
                find_account(conn, account_id)
            # Numbers are given before commits: none below the last one may still be under way.
            wait_for_writers(conn)
            up_to = last_posting(conn)
        with self._context.reading() as conn, writing(path) as write:
            balance = _check_zero(ledger_balances(conn, account_id=account_id, up_to=up_to))
            # An empty ledger is a file of names.
            write(batch_of(()))
            for page in posting_rows(conn, page=PAGE, account_id=account_id, up_to=up_to):
                wanted = [
                    row for row in page if span is None or span[0] <= row.posting_at < span[1]
                ]
                write(batch_of(wanted))
                rows += len(wanted)
        return ExportedBooks(path, account_id, rows, up_to, balance)

    def check(self, file: Path | str, *, account_id: str | None = None) -> ExportedBooks:
        """Prove that an exported ledger is the ledger's, as far as it had got then.

        Args:
            file: Of ``export``, of all months.
            account_id: Whose; None: of all accounts.

        Raises:
            NotTheseBooksError: A sum of it is not the ledger's: it says which.
            TableFileError: It is no exported ledger.
            TrialBalanceError: The ledger does not sum to zero.
            NotOwnerError: The engine's user is not the owner of the installation.
            DatabaseNotThereError: There is no such database.
        """
        _check_can_have_columns()
        from engine.commands.ledger_files import read_balances
        from pricing.ledger.posting_rows import ledger_balances

        check_owner(self._context.user, "check the books")
        self._context.check_there()
        path = Path(file)
        found, rows, last = read_balances(path)
        with self._context.reading() as conn:
            known = ledger_balances(conn, account_id=account_id, up_to=last)
        balance = _check_zero(known)
        _check_same(path, found, known)
        return ExportedBooks(path, account_id, rows, last, balance)


def _check_can_have_columns() -> None:
    check_installed("what files of columns need (pyarrow)", "pyarrow", "sweep")


def _span_of(month: str) -> tuple[datetime, datetime]:
    from pricing.reports.report_period import ReportPeriod

    period = ReportPeriod.of_month(month).in_zone("UTC")
    return period.start.astimezone(UTC), period.end.astimezone(UTC)


def _check_zero(balances: Balances) -> Mapping[str, int]:
    """The trial balance, which is zero in each unit."""
    from pricing.ledger.posting_rows import trial_balance

    balance = trial_balance(balances)
    for unit, amount in balance.items():
        if amount:
            raise TrialBalanceError(
                f"the ledger does not balance: its postings come to {amount} {unit}",
                unit=unit,
                amount=amount,
            )
    return balance


def _check_same(path: Path, found: Balances, known: Balances) -> None:
    for key in sorted(found.keys() | known.keys()):
        if found.get(key, 0) != known.get(key, 0):
            account, ledger_account, unit = key
            raise NotTheseBooksError(
                f"{path}: {ledger_account} of account {account} comes to {found.get(key, 0)} {unit}"
                f" there and to {known.get(key, 0)} in the ledger",
                file=str(path),
                account=account,
                ledger_account=ledger_account,
            )
