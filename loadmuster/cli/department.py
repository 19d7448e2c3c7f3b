"""``department``: parts of an account with credits and a wallet of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from loadmuster.cli.settings import REQUEST_ID_HELP, CommandGroup, Settings, pass_settings

if TYPE_CHECKING:
    from engine.api import Engine
    from pricing.accounts.account import Account
    from pricing.departments.commands import DepartmentView


@click.group(cls=CommandGroup)
def department() -> None:
    """Give parts of an account credits and a wallet of their own."""


@department.command("add")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("name", metavar="NAME")
@click.option("--request-id", metavar="R", help=REQUEST_ID_HELP)
@pass_settings
def add(settings: Settings, account_id: str, name: str, request_id: str | None) -> None:
    """Add the department NAME to ACCOUNT, with no allocation and no wallet."""
    engine = settings.engine()
    view = engine.departments.add(account_id, name, request_id=request_id)
    _emit(settings, engine, view)


@department.command("allocate", context_settings={"ignore_unknown_options": True})
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("name", metavar="NAME")
@click.argument("li_minutes", metavar="N", type=int)
@click.option("--request-id", metavar="R", help=REQUEST_ID_HELP)
@pass_settings
def allocate(
    settings: Settings, account_id: str, name: str, li_minutes: int, request_id: str | None
) -> None:
    """Give NAME a share of N LI-minutes of each of ACCOUNT's grants."""
    engine = settings.engine()
    view = engine.departments.allocate(account_id, name, li_minutes, request_id=request_id)
    _emit(settings, engine, view)


@department.command("limit", context_settings={"ignore_unknown_options": True})
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("name", metavar="NAME")
@click.argument("usd", metavar="USD")
@click.option("--request-id", metavar="R", help=REQUEST_ID_HELP)
@pass_settings
def limit(settings: Settings, account_id: str, name: str, usd: str, request_id: str | None) -> None:
    """Let NAME's runs cost at most USD a month in money."""
    from pricing.money import usd_micros

    engine = settings.engine()
    amount = usd_micros(usd, where="the limit")
    view = engine.departments.limit(account_id, name, amount, request_id=request_id)
    _emit(settings, engine, view)


@department.command("show")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("name", metavar="NAME")
@pass_settings
def show(settings: Settings, account_id: str, name: str) -> None:
    """Show NAME of ACCOUNT: allocation, credits, wallet."""
    engine = settings.engine()
    _emit(settings, engine, engine.departments.show(account_id, name))


@department.command("list")
@click.argument("account_id", metavar="ACCOUNT")
@pass_settings
def list_(settings: Settings, account_id: str) -> None:
    """List the departments of ACCOUNT."""
    from loadmuster.cli.department_view import show_departments

    engine = settings.engine()
    account = engine.accounts.get(account_id)
    views = engine.departments.list(account_id)
    settings.emit(
        {"account": account_id, "departments": [department_document(account, v) for v in views]},
        lambda console: show_departments(console, account, views),
    )


def department_document(account: Account, view: DepartmentView) -> dict[str, Any]:
    """What every ``department`` command answers with; ``list`` with one for each.

    Example:
        {"account": "acme", "department": "research",
         "allocation_li_minutes": 600, "balance_li_minutes": 540, "reserved_li_minutes": 0,
         "lots": [{"id": 2, "kind": "plan", "amount": 600, "remaining": 540, "reserved": 0,
                   "expires_at": null}],
         "wallet": {"limit_usd": "100.00", "spent_usd": "0.00", "reserved_usd": "0.00",
                    "available_usd": "100.00",
                    "month": {"start": "2027-01-25T00:00:00+01:00",
                              "end": "2027-02-25T00:00:00+01:00"}}}

        ``allocation_li_minutes`` is the share of each grant, ``balance_li_minutes`` what is left of
        all shares, the reserved ones included. Instants are in the account's zone.
    """
    from pricing.money import format_usd

    zone = ZoneInfo(account.timezone)
    wallet = view.wallet
    return {
        "account": account.id,
        "department": view.department.name,
        "allocation_li_minutes": view.department.allocation_li_minutes,
        "balance_li_minutes": view.balance_li_minutes,
        "reserved_li_minutes": view.reserved_li_minutes,
        "lots": [
            {
                "id": lot.id,
                "kind": lot.kind.value,
                "amount": lot.amount,
                "remaining": lot.remaining,
                "reserved": lot.reserved,
                "expires_at": None
                if lot.expires_at is None
                else lot.expires_at.astimezone(zone).isoformat(timespec="seconds"),
            }
            for lot in view.lots
        ],
        "wallet": {
            "limit_usd": format_usd(wallet.limit_usd_micros),
            "spent_usd": format_usd(wallet.spent_usd_micros),
            "reserved_usd": format_usd(wallet.reserved_usd_micros),
            "available_usd": format_usd(wallet.available_usd_micros),
            "month": {
                "start": wallet.period.start.astimezone(zone).isoformat(timespec="seconds"),
                "end": wallet.period.end.astimezone(zone).isoformat(timespec="seconds"),
            },
        },
    }


def _emit(settings: Settings, engine: Engine, view: DepartmentView) -> None:
    from loadmuster.cli.department_view import show_department

    account = engine.accounts.get(view.department.account_id)
    settings.emit(
        department_document(account, view),
        lambda console: show_department(console, account, view),
    )
