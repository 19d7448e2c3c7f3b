"""Departments: shares of each grant, and wallets (R68-R76)."""

from __future__ import annotations

from datetime import datetime

from tests.independent_model.model.account import Account, Department, Refused
from tests.independent_model.model.months import calendar_month


def add(account: Account, name: str) -> None:
    """One more, with no share and no wallet."""
    if name in account.departments:
        raise Refused("there is one")
    account.departments[name] = Department(name)


def department_of(account: Account, name: str) -> Department:
    """The department of that name."""
    if name not in account.departments:
        raise Refused("no department")
    return account.departments[name]


def allocate(account: Account, name: str, li_minutes: int, at: datetime) -> None:
    """A standing share of each grant, of the one that is there too (R68, R75, C31)."""
    department = department_of(account, name)
    found = account.active
    if found is None:
        raise Refused("no grant")
    others = sum(each.allocation for each in account.departments.values() if each != department)
    smallest = min(plan.credits for plan in (found.plan, found.downgrade) if plan is not None)
    if others + li_minutes > smallest:
        raise Refused("allocations above the grant")
    department.allocation = li_minutes
    grant = found.number, found.cycle
    lots = [lot for lot in account.credits.open() if lot.cycle == grant]
    has = sum(_granted(account, lot.number) for lot in lots if lot.owner == name)
    missing = li_minutes - has
    for lot in lots:
        if not lot.owner and missing > 0:
            handed = min(lot.free, missing)
            account.hand_over(lot, department, handed, at)
            missing -= handed


def _granted(account: Account, number: int) -> int:
    """What a share was when it was given, whatever of it was used since."""
    return account.credits.lots[number - 1].amount


def limit(account: Account, name: str, usd_micros: int) -> None:
    """What a department's runs may cost a month in money (R69)."""
    department_of(account, name).limit = usd_micros


def wallet_month(account: Account, at: datetime) -> tuple[datetime, datetime]:
    """The account's cycle, also beneath a switch that can be undone; else the month (C8, C48)."""
    found = account.subscription
    return calendar_month(at, account.zone) if found is None else account.cycle(found)
