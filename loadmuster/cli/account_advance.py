"""``account advance``: the books of every account, brought up to date by a nightly job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kernel.errors import BadInputError, LoadmusterError
from kernel.words import counted
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.advanced import advanced_document
from loadmuster.documents.reconciled import reconciled_line

if TYPE_CHECKING:
    from rich.status import Status

    from pricing.accounts.reconciling import Reconciled
    from pricing.accounts.sweep import Advanced

FAILURES_NAMED_MAX = 100
"""In the document; all of them are named on standard error."""


@click.command("advance", cls=Command)
@click.option("--all", "is_all", is_flag=True, help="Every account.")
@pass_settings
def advance(settings: Settings, *, is_all: bool) -> None:
    """Charge and grant what is due by now, account by account.

    Every command that changes an account does so for that account first; looking changes nothing.
    An account that fails is left as it was and named on standard error, and the others go on; the
    exit code is then the highest of the failures'. Payments that were unfinished are reconciled.
    """
    if not is_all:
        raise BadInputError("account advance: --all would be right; one account: account show ID")
    from loadmuster.cli.console import QuietConsole, redraws

    console = QuietConsole(stderr=True, highlight=False)
    with console.status("advancing the accounts") as status:
        progress = _Progress(redraws(console), status)
        count = settings.engine().accounts.advance(watch=progress.update, tell=progress.tell)
    settings.emit(
        advanced_document(count, progress.failures),
        lambda shown: shown.print(
            f"{counted(count.accounts, 'account')}, "
            f"{count.accounts - count.failed:,} brought up to date, {count.failed:,} failed"
        ),
    )
    sys.exit(progress.exit_code)


class _Progress:
    """What is said while it goes on."""

    def __init__(self, is_terminal: bool, status: Status) -> None:
        self._is_terminal = is_terminal
        self._status = status
        self._done = 0
        self.exit_code = 0
        self.failures: list[tuple[str, LoadmusterError]] = []

    def update(self, advanced: Advanced) -> None:
        """One more account is done."""
        self._done += 1
        if advanced.failure is not None:
            self._say(advanced.account_id, advanced.failure)
        if self._is_terminal:
            self._status.update(f"{counted(self._done, 'account')}, now {advanced.account_id}")

    def tell(self, payment: Reconciled) -> None:
        """A payment that was unfinished has been looked at."""
        self._status.console.print(f"loadmuster: {reconciled_line(payment)}")

    def _say(self, account_id: str, failure: LoadmusterError) -> None:
        self._status.console.print(f"loadmuster: {failure.line}")
        self.exit_code = max(self.exit_code, failure.exit_code)
        if len(self.failures) < FAILURES_NAMED_MAX:
            self.failures.append((account_id, failure))
