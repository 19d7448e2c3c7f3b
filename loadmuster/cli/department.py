"""``department``: parts of an account with credits and a wallet of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loadmuster.cli.as_of import tell_as_of
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import REQUEST_ID_HELP, CommandGroup, Settings, pass_settings
from loadmuster.documents.department import department_document, departments_document

if TYPE_CHECKING:
    from rich.console import Console

    from engine.api import Engine
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
@click.argument("li_minutes", metavar="N", type=WholeNumber())
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
    now = engine.clock.now()
    as_of = engine.accounts.as_of(account_id, at=now)
    views = engine.departments.list(account_id, at=now)

    def show(console: Console) -> None:
        tell_as_of(console, as_of, account.timezone)
        show_departments(console, account, views)

    settings.emit(departments_document(account, views, as_of), show)


def _emit(settings: Settings, engine: Engine, view: DepartmentView) -> None:
    from loadmuster.cli.department_view import show_department

    account = engine.accounts.get(view.department.account_id)

    def show(console: Console) -> None:
        if view.as_of is not None:
            tell_as_of(console, view.as_of, account.timezone)
        show_department(console, account, view)

    settings.emit(department_document(account, view), show)
