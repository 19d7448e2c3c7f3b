"""``account extra-credits``: how many credits beyond the plan's an account may buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kernel.words import counted
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import REQUEST_ID_HELP, Command, Settings, pass_settings
from loadmuster.documents.extra_credits import extra_credits_document

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.departments.extra_credits import ExtraCredits


@click.command("extra-credits", cls=Command)
@click.argument("account_id", metavar="ID")
@click.option(
    "--limit",
    "limit",
    type=WholeNumber(),
    metavar="N",
    required=True,
    help="Credits a billing period.",
)
@click.option("--request-id", metavar="R", help=REQUEST_ID_HELP)
@pass_settings
def extra_credits(settings: Settings, account_id: str, limit: int, request_id: str | None) -> None:
    """Let ID buy up to N credits beyond its plan's in each billing period; 0: none.

    Runs that the plan's credits do not cover take what is missing. A credit is one minute of one
    load generator.
    """
    engine = settings.engine()
    extra = engine.accounts.extra_credits(account_id, limit, request_id=request_id)
    account = engine.accounts.get(account_id)
    settings.emit(
        extra_credits_document(account, extra),
        lambda console: _show(console, extra),
    )


def _show(console: Console, extra: ExtraCredits) -> None:
    from loadmuster.cli.layout import facts, section
    from pricing.money import format_usd

    each = extra.usd_micros_each
    rows = [
        ("limit", f"{counted(extra.limit_li_minutes, 'credit')} a billing period"),
        ("bought", f"{extra.bought_li_minutes:,} this period"),
        ("still to buy", f"{extra.available_li_minutes:,}"),
    ]
    if each is not None:
        rows.append(("price", f"{format_usd(each)} USD each"))
    section(console, f"Extra credits of {extra.account_id}", facts(*rows))
