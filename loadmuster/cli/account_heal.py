"""``account heal``: what was booked of an account's future is listed, and undone once agreed."""

from __future__ import annotations

import sys

import click

from loadmuster.cli.settings import Command, Settings, pass_settings, request_id_option
from loadmuster.documents.healed import healing_document


@click.command("heal", cls=Command)
@click.argument("account_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Undo it; without, it is listed, and asked for.")
@request_id_option
@pass_settings
def heal(settings: Settings, account_id: str, request_id: str | None, *, yes: bool) -> None:
    """Undo what was booked of the account ID's future, when a clock that ran ahead looked at it.

    Charges, grants and expiries that came too early are undone by new entries that count at the
    same instant, and their invoices by one credit note; nothing is deleted from the books. It is
    refused where somebody asked for something since, or money was really collected.
    """
    from loadmuster.cli.account_heal_view import show_healing

    engine = settings.engine()
    account = engine.accounts.get(account_id)
    agreed = yes
    if not yes:
        healing = engine.accounts.healing(account_id)
        console = settings.progress_console()
        if healing.is_needed and sys.stdin.isatty() and console.is_terminal:
            show_healing(console, account, healing, done=False)
            agreed = click.confirm("Undo all of it?", default=False, err=True)
    if agreed:
        healing = engine.accounts.heal(account_id, request_id=request_id)
    settings.emit(
        healing_document(account, healing, done=agreed),
        lambda shown: show_healing(shown, account, healing, done=agreed),
    )
