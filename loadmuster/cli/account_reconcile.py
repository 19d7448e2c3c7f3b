"""``account reconcile``: what is unfinished with the payment gateway is finished, and told."""

from __future__ import annotations

import click

from kernel.errors import BadInputError
from kernel.words import counted
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.reconciled import reconciled_document, reconciled_line


@click.command("reconcile", cls=Command)
@click.argument("account_id", metavar="[ID]", required=False)
@click.option("--all", "is_all", is_flag=True, help="Every account.")
@pass_settings
def reconcile(settings: Settings, account_id: str | None, *, is_all: bool) -> None:
    """Finish payments that somebody began and did not end, and tell what became of each.

    What is due is asked for again under the same key, so that it is collected once. A purchase
    whose command has died is made if it was paid for, and otherwise never collected. `account
    advance --all` and `serve` do the same for every account.
    """
    if is_all is (account_id is not None):
        raise BadInputError("account reconcile: an ID, or --all, would be right")
    found = settings.engine().accounts.reconcile(account_id)
    settings.emit(
        reconciled_document(found),
        lambda console: console.print(
            "\n".join(
                [*map(reconciled_line, found), f"{counted(len(found), 'payment')} unfinished"]
            ),
        ),
    )
