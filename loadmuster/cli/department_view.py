"""Departments as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from kernel.words import counted
from loadmuster.cli.layout import columns, facts, section
from pricing.accounts.account import Account
from pricing.departments.commands import DepartmentView
from pricing.departments.wallet import Wallet
from pricing.money import format_usd


def show_department(console: Console, account: Account, view: DepartmentView) -> None:
    """One department: its share, its credits, its wallet."""
    wallet = view.wallet
    section(
        console,
        f"Department {view.department.name} of {account.id}",
        facts(
            (
                "allocation",
                f"{counted(view.department.allocation_li_minutes, 'LI-minute')} of each grant",
            ),
            ("credits", _credits(view)),
            ("wallet", f"{format_usd(wallet.limit_usd_micros)} USD a month"),
            ("month", f"{wallet.period.first_day} to {wallet.period.last_day}"),
            ("spent", _spent(wallet)),
            ("still to spend", f"{format_usd(wallet.available_usd_micros)} USD"),
        ),
    )


def show_departments(console: Console, account: Account, views: Sequence[DepartmentView]) -> None:
    """All departments, one a line."""
    if not views:
        console.print(f"No departments yet. Add one: loadmuster department add {account.id} NAME")
        return
    figures = ("allocation", "credits left", "limit USD", "spent USD", "available USD")
    table = columns("department", *figures, right=figures, fixed=("department",))
    for view in views:
        table.add_row(
            view.department.name,
            f"{view.department.allocation_li_minutes:,}",
            f"{view.balance_li_minutes:,}",
            format_usd(view.wallet.limit_usd_micros),
            format_usd(view.wallet.spent_usd_micros),
            format_usd(view.wallet.available_usd_micros),
        )
    section(console, f"Departments of {account.id}", table)


def _credits(view: DepartmentView) -> str:
    held = f", {view.reserved_li_minutes:,} of them reserved" if view.reserved_li_minutes else ""
    return f"{counted(view.balance_li_minutes, 'LI-minute')} left{held}"


def _spent(wallet: Wallet) -> str:
    waiting = wallet.reserved_usd_micros
    held = f", and {format_usd(waiting)} USD reserved" if waiting else ""
    return f"{format_usd(wallet.spent_usd_micros)} USD{held}"
