"""``account`` and ``ledger``: accounts and their books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from kernel.clock import parse_instant
from loadmuster.cli.account_advance import advance
from loadmuster.cli.account_tables import show_account, show_accounts, show_ledger
from loadmuster.cli.extra_credits import extra_credits
from loadmuster.cli.instants import local_to
from loadmuster.cli.settings import (
    Command,
    CommandGroup,
    Settings,
    pass_settings,
    request_id_option,
)
from loadmuster.cli.targets import allow_target, forbid_target, targets

if TYPE_CHECKING:
    from pricing.accounts.account import Account
    from pricing.accounts.view import AccountView, Pending
    from pricing.ledger.ledger import Posting, Transaction
    from pricing.ledger.lots import Lot


@click.group(cls=CommandGroup)
def account() -> None:
    """Open and show accounts and their plans."""


for command in (advance, extra_credits, allow_target, forbid_target, targets):
    account.add_command(command)


@account.command("open")
@click.argument("account_id", metavar="ID")
@click.option("--plan", "plan_name", default="on-demand", show_default=True, help="Its plan.")
@click.option("--credits", "credits_wanted", type=int, help="LI-minutes a month, to choose from.")
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
@click.option("--card", help="The card, as the channel names it (test:declines, test:delays).")
@click.option(
    "--administrator",
    "administrators",
    multiple=True,
    metavar="USER",
    help="Who may cancel; repeatable. Nobody: whoever is named.",
)
@click.option("--agreed-with", metavar="NAME", help="The representative, for plans on request.")
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
    )
    emit_account(settings, engine.accounts.show(account_id))


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
    settings.emit(
        {"accounts": [_account_row(found) for found in accounts]},
        lambda console: show_accounts(console, accounts),
    )


@click.command(cls=Command)
@click.argument("account_id", metavar="ID")
@pass_settings
def ledger(settings: Settings, account_id: str) -> None:
    """Show every transaction in the books of the account ID."""
    engine = settings.engine()
    written = engine.reports.ledger(account_id)
    timezone = engine.accounts.get(account_id).timezone
    local = local_to(timezone)
    settings.emit(
        {"id": account_id, "transactions": [_transaction_row(each, local) for each in written]},
        lambda console: show_ledger(console, written, timezone),
    )


def emit_account(settings: Settings, view: AccountView) -> None:
    """Print an account as it stands."""
    settings.emit(account_document(view), lambda console: show_account(console, view))


def account_document(view: AccountView) -> dict[str, Any]:
    """The contract's document of ``account show``; instants are in the account's zone."""
    from pricing.money import format_usd

    local = local_to(view.account.timezone)

    def lot_row(lot: Lot) -> dict[str, Any]:
        return {
            "id": lot.id,
            "kind": lot.kind,
            "amount": lot.amount,
            "remaining": lot.remaining,
            "reserved": lot.reserved,
            "effective_at": local(lot.effective_at),
            "expires_at": None if lot.expires_at is None else local(lot.expires_at),
            "cause": lot.cause,
        }

    return {
        "id": view.account.id,
        "plan": view.account.plan,
        "status": view.account.status,
        "timezone": view.account.timezone,
        "activated_at": local(view.account.activated_at),
        "period": None
        if view.period is None
        else {"start": local(view.period.start), "end": local(view.period.end)},
        "balance_li_minutes": view.balance_li_minutes,
        "reserved_li_minutes": view.reserved_li_minutes,
        "lots": [lot_row(lot) for lot in view.lots],
        "charged_usd": format_usd(view.charged_usd_micros),
        "next_charge": None
        if view.next_charge is None
        else {
            "at": local(view.next_charge.at),
            "usd": format_usd(view.next_charge.usd_micros),
        },
        "pending": None if view.pending is None else _pending_row(view.pending, local),
        "unpaid_usd": format_usd(view.unpaid_usd_micros),
        "credit_usd": format_usd(view.credit_usd_micros),
    }


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


def _pending_row(pending: Pending, local: Callable[[datetime], str]) -> dict[str, Any]:
    return {
        "change": pending.change,
        "state": pending.state,
        "at": None if pending.at is None else local(pending.at),
        "plan": pending.plan,
        "requested_by": pending.requested_by,
        "suspended_li_minutes": pending.suspended_li_minutes,
    }


def _account_row(found: Account) -> dict[str, Any]:
    local = local_to(found.timezone)
    return {
        "id": found.id,
        "plan": found.plan,
        "status": found.status,
        "timezone": found.timezone,
        "activated_at": local(found.activated_at),
        "opened_at": local(found.opened_at),
    }


def _transaction_row(written: Transaction, local: Callable[[datetime], str]) -> dict[str, Any]:
    return {
        "key": written.natural_key,
        "cause": written.cause,
        "description": written.description,
        "effective_at": local(written.effective_at),
        "recorded_at": local(written.recorded_at),
        "postings": [_posting_row(posting) for posting in written.postings],
    }


def _posting_row(posting: Posting) -> dict[str, Any]:
    from pricing.money import format_usd
    from pricing.plans.quotes import Unit

    if posting.unit is Unit.USD:
        return {"account": posting.ledger_account, "usd": format_usd(posting.amount)}
    return {"account": posting.ledger_account, "li_minutes": posting.amount}
