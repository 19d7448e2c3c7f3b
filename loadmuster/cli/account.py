"""``account`` and ``ledger``: accounts and their books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from kernel.clock import parse_instant
from loadmuster.cli.account_adjust import adjust
from loadmuster.cli.account_advance import advance
from loadmuster.cli.account_dunning import dunning
from loadmuster.cli.account_heal import heal
from loadmuster.cli.account_log import log
from loadmuster.cli.account_reconcile import reconcile
from loadmuster.cli.account_refunds import disputes, refund, refunds
from loadmuster.cli.account_tables import show_account, show_accounts, show_ledger
from loadmuster.cli.administrators import administrators
from loadmuster.cli.as_of import tell_as_of
from loadmuster.cli.extra_credits import extra_credits
from loadmuster.cli.notice import notice
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import (
    Command,
    CommandGroup,
    Settings,
    pass_settings,
    request_id_option,
)
from loadmuster.cli.targets import allow_target, forbid_target, targets
from loadmuster.documents.account import account_document, accounts_document, ledger_document

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.accounts.view import AccountView


@click.group(cls=CommandGroup)
def account() -> None:
    """Open and show accounts and their plans."""


for command in (
    advance,
    reconcile,
    adjust,
    refund,
    refunds,
    disputes,
    heal,
    notice,
    dunning,
    extra_credits,
    administrators,
    allow_target,
    forbid_target,
    targets,
    log,
):
    account.add_command(command)


@account.command("open")
@click.argument("account_id", metavar="ID")
@click.option("--plan", "plan_name", default="on-demand", show_default=True, help="Its plan.")
@click.option(
    "--credits", "credits_wanted", type=WholeNumber(), help="LI-minutes a month, to choose from."
)
@click.option("--timezone", default="UTC", show_default=True, help="IANA zone of its billing days.")
@click.option(
    "--activated",
    metavar="DATE",
    help="Day of activation, of an account brought over from elsewhere; default: now.",
)
@click.option(
    "--channel",
    type=click.Choice(["card", "aws-marketplace", "invoice"]),
    default="card",
    show_default=True,
    help="How it pays.",
)
@click.option(
    "--card",
    help="The card, as the channel names it (or test:declines, test:delays, test:lost).",
)
@click.option(
    "--administrator",
    "administrators",
    multiple=True,
    metavar="USER",
    help="Who may cancel; repeatable. Nobody named: the owner of the installation.",
)
@click.option("--agreed-with", metavar="NAME", help="The representative, for plans on request.")
@click.option(
    "--currency", metavar="CODE", default="USD", show_default=True, help="What its money is in."
)
@request_id_option
@pass_settings
def open_(  # noqa: PLR0913, PLR0917 - one parameter an option, and click names them
    settings: Settings,
    account_id: str,
    plan_name: str,
    credits_wanted: int | None,
    timezone: str,
    activated: str | None,
    channel: str,
    card: str | None,
    administrators: Sequence[str],
    agreed_with: str | None,
    currency: str,
    request_id: str | None,
) -> None:
    """Open the account ID on a plan."""
    from pricing.plans.channels import Channel

    activated_at = None if activated is None else _activation(activated, timezone)
    engine = settings.engine()
    engine.accounts.open(
        account_id,
        plan=plan_name,
        timezone=timezone,
        activated=activated_at,
        request_id=request_id,
        channel=Channel(channel),
        card=card,
        administrators=administrators,
        credits_wanted=credits_wanted,
        agreed_with=agreed_with,
        currency=currency,
    )
    emit_account(settings, replace(engine.accounts.show(account_id), as_of=None))


@account.command("show")
@click.argument("account_id", metavar="ID")
@pass_settings
def show(settings: Settings, account_id: str) -> None:
    """Show the account ID: plan, period, credits, charges."""
    emit_account(settings, settings.engine().accounts.show(account_id))


@account.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """List the accounts."""
    accounts = settings.engine().accounts.list()
    settings.emit(accounts_document(accounts), lambda console: show_accounts(console, accounts))


@click.command(cls=Command)
@click.argument("account_id", metavar="ID")
@pass_settings
def ledger(settings: Settings, account_id: str) -> None:
    """Show every transaction in the books of the account ID."""
    engine = settings.engine()
    now = engine.clock.now()
    as_of = engine.accounts.as_of(account_id, at=now)
    written = engine.reports.ledger(account_id, at=now)
    writers = engine.reports.writers(account_id)
    timezone = engine.accounts.get(account_id).timezone

    def show(console: Console) -> None:
        tell_as_of(console, as_of, timezone)
        show_ledger(console, written, timezone)

    settings.emit(ledger_document(account_id, written, timezone, as_of, writers), show)


def emit_account(settings: Settings, view: AccountView) -> None:
    """Print an account as it stands."""
    settings.emit(account_document(view), lambda console: show_account(console, view))


def _activation(text: str, timezone: str) -> datetime:
    """The first instant of a day in the account's zone, or the instant that is given."""
    from zoneinfo import ZoneInfo

    from pricing.periods import check_timezone, check_year, first_instant

    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse_instant(text, where="--activated")
    check_year(day.year, where="--activated")
    return first_instant(day, ZoneInfo(check_timezone(timezone)))
