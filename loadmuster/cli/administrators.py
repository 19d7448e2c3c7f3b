"""``account administrators``: who speaks for an account, and how that changes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kernel.visible import visible
from loadmuster.cli.settings import Command, Settings, pass_settings, request_id_option
from loadmuster.documents.account import administrators_document


@click.command("administrators", cls=Command)
@click.argument("account_id", metavar="ID")
@click.option("--add", multiple=True, metavar="USER", help="Who will be one; repeatable.")
@click.option("--remove", multiple=True, metavar="USER", help="Who will be none; repeatable.")
@click.option("--by", metavar="USER", help="The administrator who asks; default: the owner.")
@request_id_option
@pass_settings
def administrators(
    settings: Settings,
    /,
    *,
    account_id: str,
    add: Sequence[str],
    remove: Sequence[str],
    by: str | None,
    request_id: str | None,
) -> None:
    """Show or change who administers the account ID: may cancel, and see usage and billing."""
    accounts = settings.engine().accounts
    if add or remove:
        names = accounts.change_administrators(
            account_id, add=add, remove=remove, by=by, request_id=request_id
        )
    else:
        names = accounts.administrators(account_id, by=by)
    settings.emit(
        administrators_document(account_id, names),
        lambda console: console.print("\n".join(map(visible, names))),
    )
