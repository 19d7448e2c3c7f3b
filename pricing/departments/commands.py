"""Departments: what an administrator of an account sets for them, and how they stand (R68-R76).

A department has a standing allocation, its share of each of the account's grants, and a monthly
wallet limit for what it runs in money. Raising an allocation gives the difference at once, as far
as the current period's grant is not used; lowering it takes nothing back. An account on demand has
no grant to share: there only the limit may be set (R75).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import BadInputError, RefusedError
from pricing.accounts.account import check_not_deleted
from pricing.accounts.advance import advance
from pricing.accounts.clock import AsOf
from pricing.departments.wallet import Wallet, wallet_of
from pricing.ledger import idempotency
from pricing.ledger.allocations import (
    AllocationAboveGrantError,
    check_allocations_fit,
    department_lots,
    top_up,
)
from pricing.ledger.author import Content
from pricing.ledger.departments import (
    BadDepartmentNameError,
    Department,
    DepartmentExistsError,
    UnknownDepartmentError,
    find_department,
    insert_department,
    list_departments,
    set_terms,
)
from pricing.ledger.lots import Lot
from pricing.money import MICROS_PER_CENT, MICROS_PER_USD, format_usd
from pricing.payments.collecting import check_charges_at_once
from pricing.payments.gateway import PaymentGateway
from pricing.subscriptions.changes import ChangeKind, open_changes
from pricing.subscriptions.subscriptions import latest

__all__ = [
    "AllocationAboveGrantError",
    "AllocationRefusedError",
    "BadDepartmentNameError",
    "Department",
    "DepartmentExistsError",
    "DepartmentView",
    "UnknownDepartmentError",
    "add_department",
    "allocate",
    "check_share",
    "department_view",
    "department_views",
    "limit_wallet",
]

LIMIT_USD_MAX = 1_000_000_000
"""Dollars a month; more is a slip of the keyboard."""


class AllocationRefusedError(RefusedError):
    """The account has no grant to share; facts: ``account``, ``department``, ``plan``."""

    code = "allocation_refused"


class DepartmentView(Struct, frozen=True):
    """A department as it stands at an instant.

    Attributes:
        department: Which.
        lots: Its LI-minutes, in burn order.
        wallet: Its money in the current month.
        as_of: The instant, where it was looked at; None: it is a command's answer, which is the
            same whenever the command is sent again.
    """

    department: Department
    lots: tuple[Lot, ...]
    wallet: Wallet
    as_of: AsOf | None = None

    @property
    def balance_li_minutes(self) -> int:
        """LI-minutes that are left, those that runs have reserved included."""
        return sum(lot.remaining for lot in self.lots)

    @property
    def reserved_li_minutes(self) -> int:
        """LI-minutes that accepted runs hold and have not been charged yet."""
        return sum(lot.reserved for lot in self.lots)


def add_department(
    conn: Connection,
    account_id: str,
    name: str,
    *,
    now: datetime,
    request_id: str | None = None,
    gateway: PaymentGateway,
) -> DepartmentView:
    """Add a department, with no allocation and no wallet.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        name: 1-64 letters, digits, spaces and common marks.
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now.

    Raises:
        BadDepartmentNameError: If the name will not do.
        DepartmentExistsError: If the account has one of that name.
        AccountDeletedError: If the account was deleted; likewise below.
        RequestConflictError: If the request id stands for something else.
    """

    def add(instant: datetime) -> None:
        insert_department(conn, account_id, name, instant)

    request = _Request("department add", {"department": name}, request_id)
    return _once(conn, account_id, name, request, add, now=now, gateway=gateway)


def allocate(
    conn: Connection,
    account_id: str,
    name: str,
    li_minutes: int,
    *,
    now: datetime,
    request_id: str | None = None,
    gateway: PaymentGateway,
) -> DepartmentView:
    """Set a department's share of each of the account's grants, from the current one on (R68).

    Args:
        conn: An open write transaction.
        account_id: Whose.
        name: The department.
        li_minutes: Its share of each grant; 0: none.
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now.

    Raises:
        BadInputError: If the share is negative.
        UnknownDepartmentError: If the account has no such department.
        AllocationRefusedError: If the account is on demand (R75).
        AllocationAboveGrantError: If all departments together would get more than the grant of the
            plan, or of the smaller one that a pending downgrade leads to (C31).
        RequestConflictError: If the request id stands for something else.
    """
    if li_minutes < 0:
        raise BadInputError(
            f"department {name} of account {account_id}: an allocation of {li_minutes:,} will not"
            " do; 0 LI-minutes or more would",
            account=account_id,
            department=name,
            allocation=li_minutes,
        )

    def change(instant: datetime) -> None:
        department = find_department(conn, account_id, name)
        subscription = latest(conn, account_id)
        plan, period = subscription.plan, subscription.period_at(instant)
        if period is None:
            raise AllocationRefusedError(
                f"account {account_id} is on {plan.name}, which grants no LI-minutes to allocate;"
                f" set a wallet limit: loadmuster department limit {account_id} {name} USD",
                account=account_id,
                department=department.name,
                plan=plan.name,
            )
        check_share(conn, department, li_minutes)
        changed = set_terms(
            conn,
            department,
            allocation_li_minutes=li_minutes,
            limit_usd_micros=department.limit_usd_micros,
        )
        top_up(conn, changed, period, instant)

    request = _Request(
        "department allocate", {"department": name, "li_minutes": li_minutes}, request_id
    )
    return _once(conn, account_id, name, request, change, now=now, gateway=gateway)


def check_share(conn: Connection, department: Department, li_minutes: int) -> None:
    """Whether a department may be allocated so much, all others keeping what they have.

    Raises:
        AllocationAboveGrantError: If the grant of the plan, or of the one that a pending downgrade
            or notice leads to, does not cover them all (C31).
    """
    account_id = department.account_id
    subscription = latest(conn, account_id)
    changes = open_changes(conn, subscription.id)
    coming = [changes.get(kind) for kind in (ChangeKind.DOWNGRADE, ChangeKind.NEW_TERMS)]
    for granting in (subscription.plan, *(None if each is None else each.plan for each in coming)):
        if granting is not None:
            wanted = {department.id: li_minutes}
            check_allocations_fit(conn, account_id, granting, wanted=wanted)


def limit_wallet(
    conn: Connection,
    account_id: str,
    name: str,
    usd_micros: int,
    *,
    now: datetime,
    request_id: str | None = None,
    gateway: PaymentGateway,
) -> DepartmentView:
    """Set what a department's runs may cost a month in money, from this month on (R69).

    Args:
        conn: An open write transaction.
        account_id: Whose.
        name: The department.
        usd_micros: Whole cents; 0: it may not run in money.
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now.

    Raises:
        BadInputError: If the limit is negative, beyond reason, or has fractions of a cent.
        UnknownDepartmentError: If the account has no such department.
        ChannelCannotError: If the account's channel collects nothing between two billing dates:
            no run of a department could be paid in money (C23).
        RequestConflictError: If the request id stands for something else.
    """
    if not 0 <= usd_micros <= LIMIT_USD_MAX * MICROS_PER_USD or usd_micros % MICROS_PER_CENT:
        raise BadInputError(
            f"department {name} of account {account_id}: a limit of {format_usd(usd_micros)} USD"
            f" will not do; whole cents from 0.00 to {LIMIT_USD_MAX}.00 would",
            account=account_id,
            department=name,
            limit_usd=format_usd(usd_micros),
        )

    def change(_instant: datetime) -> None:
        department = find_department(conn, account_id, name)
        if usd_micros:
            check_charges_at_once(conn, account_id)
        set_terms(
            conn,
            department,
            allocation_li_minutes=department.allocation_li_minutes,
            limit_usd_micros=usd_micros,
        )

    request = _Request(
        "department limit", {"department": name, "usd_micros": usd_micros}, request_id
    )
    return _once(conn, account_id, name, request, change, now=now, gateway=gateway)


def department_view(
    conn: Connection,
    account_id: str,
    name: str,
    now: datetime,
    *,
    gateway: PaymentGateway,
) -> DepartmentView:
    """A department as it stands at ``now``, with everything due until then done.

    Raises:
        UnknownAccountError: If there is no such account.
        UnknownDepartmentError: If it has no such department.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    instant = advance(conn, account_id, now, gateway=gateway)
    return _view(conn, find_department(conn, account_id, name), instant)


def department_views(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> tuple[DepartmentView, ...]:
    """Every department of an account as it stands at ``now``, oldest first."""
    instant = advance(conn, account_id, now, gateway=gateway)
    return tuple(_view(conn, each, instant) for each in list_departments(conn, account_id))


class _Request(Struct, frozen=True):
    """A command as it was sent; the same id again does nothing."""

    command: str
    content: Content
    id: str | None


def _once(
    conn: Connection,
    account_id: str,
    name: str,
    request: _Request,
    do: Callable[[datetime], None],
    *,
    now: datetime,
    gateway: PaymentGateway,
) -> DepartmentView:
    """Do what a command asks unless its request id has been here; the department afterwards."""
    instant = advance(conn, account_id, now, gateway=gateway)
    if idempotency.remember(
        conn,
        account_id,
        request.id,
        command=request.command,
        content=request.content,
        now=instant,
    ):
        check_not_deleted(conn, account_id)
        do(instant)
    return _view(conn, find_department(conn, account_id, name), instant)


def _view(conn: Connection, department: Department, at: datetime) -> DepartmentView:
    return DepartmentView(
        department=department,
        lots=department_lots(conn, department, at),
        wallet=wallet_of(conn, department, at),
    )
