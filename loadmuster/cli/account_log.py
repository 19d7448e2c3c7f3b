"""``account log``: who did what on an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.command_log import command_log_document

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.ledger.command_log import LoggedCommand


@click.command("log", cls=Command)
@click.argument("account_id", metavar="ID")
@click.option("--last", type=WholeNumber(1), metavar="N", help="Only the latest N.")
@pass_settings
def log(settings: Settings, account_id: str, last: int | None) -> None:
    """Show who did what on the account ID, with what was refused, and when that was written."""
    engine = settings.engine()
    logged = engine.accounts.log(account_id, last=last)
    timezone = engine.accounts.get(account_id).timezone
    settings.emit(
        command_log_document(account_id, logged, timezone),
        lambda console: show_log(console, account_id, logged, timezone),
    )


def show_log(
    console: Console, account_id: str, logged: Sequence[LoggedCommand], timezone: str
) -> None:
    """One command a row, the oldest first."""
    if not logged:
        console.print(f"Nothing on record of the account {account_id} yet.")
        return
    from loadmuster.cli.fitting import FittingTable

    zone = ZoneInfo(timezone)
    table = FittingTable(title=f"Who did what (times in {timezone})", title_justify="left")
    table.add_column("no.", justify="right")
    for name in ("at", "written", "who", "what", "outcome"):
        table.add_column(name)
    for each in logged:
        table.add_row(
            str(each.number),
            f"{each.at.astimezone(zone):%Y-%m-%d %H:%M}",
            f"{each.recorded_at.astimezone(zone):%Y-%m-%d %H:%M}",
            _who(each),
            _what(each),
            each.outcome.value if each.code is None else f"{each.outcome}: {each.code}",
        )
    console.print(table)


def _who(logged: LoggedCommand) -> str:
    """The actor, and the operating system's user if that is another name."""
    login = "" if logged.login in {None, logged.actor} else f" ({logged.login})"
    return f"{logged.actor}{login}, {logged.via}"


def _what(logged: LoggedCommand) -> str:
    """The command with what was asked for."""
    said = (f"{name} {value}" for name, value in logged.content.items())
    return ", ".join((logged.command, *said))
