"""Shares: LI-minutes that pass from an account's lots to lots of its departments (R68, C31).

A share is a lot of its own, with the kind, the priority and the expiry of the lot that it was
taken from, so that whatever ends the account's credits ends its departments' too. What a department
does not use stays with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.ledger.departments import Department, list_departments
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.ledger.lots import (
    Lot,
    LotKind,
    Slice,
    ledger_account,
    left_lots,
    open_lots,
    take,
)
from pricing.periods import Period
from pricing.plans.model import Plan
from pricing.plans.quotes import Unit
from pricing.tables import DEPARTMENT_LOTS, LOTS, insert_once

SHARED_KINDS = frozenset({LotKind.TRIAL, LotKind.PLAN, LotKind.UPGRADE})
"""What a plan grants is shared; what was bought besides stays with the account."""


class AllocationAboveGrantError(RefusedError):
    """The departments would get more than the plan grants.

    Facts: ``account``, ``allocated`` (all departments'), ``grant``, ``plan`` (that grants it).
    """

    code = "allocation_above_grant"


def check_allocations_fit(
    conn: Connection,
    account_id: str,
    plan: Plan,
    *,
    wanted: Mapping[int, int] | None = None,
) -> None:
    """Whether a plan's grant covers every department's share of it.

    Args:
        conn: An open transaction.
        account_id: Whose departments.
        plan: What the account is on, or will be.
        wanted: Allocations that are about to change, by department id.

    Raises:
        AllocationAboveGrantError: If it does not; nobody's share is cut on the quiet.
    """
    allocations = {
        each.id: each.allocation_li_minutes for each in list_departments(conn, account_id)
    }
    allocated = sum({**allocations, **(wanted or {})}.values())
    if allocated > plan.li_minutes:
        raise AllocationAboveGrantError(
            f"account {account_id}: its departments would get {counted(allocated, 'LI-minute')} of"
            f" a grant of {plan.li_minutes:,} on plan {plan.name}; lower their allocations by"
            f" {allocated - plan.li_minutes:,}",
            account=account_id,
            allocated=allocated,
            grant=plan.li_minutes,
            plan=plan.name,
        )


def share_out(
    conn: Connection, account_id: str, cause: str, *, at: datetime, now: datetime
) -> None:
    """Give each department its share of what ``cause`` has just granted to the account.

    An upgrade's difference and what is bought are no grants of their own: a department has had its
    share of the period. Should there be less than the sum of the shares, as where they were set
    before they had to fit, the oldest departments come first.

    Args:
        conn: An open write transaction.
        account_id: Whose grant.
        cause: Of the granted lot.
        at: When it was granted.
        now: When it is written.
    """
    departments = [
        each for each in list_departments(conn, account_id) if each.allocation_li_minutes
    ]
    # Suspended ones too: an undo gives departments their shares back with the rest.
    granted = [
        lot
        for lot in (left_lots(conn, account_id, at) if departments else ())
        if lot.cause == cause
    ]
    for lot in granted:
        free = lot.available
        for department in departments:
            amount = min(department.allocation_li_minutes, free)
            if amount:
                _move(conn, department, Slice(lot.id, amount), at=at, now=now)
                free -= amount


def share_that_brings(
    conn: Connection, department: Department, li_minutes: int, period: Period, at: datetime
) -> int | None:
    """The allocation that would give a department so many LI-minutes more at once.

    None: the account has not as many left of what this period granted.
    """
    if sum(lot.available for lot in _shareable(conn, department, period, at)) < li_minutes:
        return None
    given = _given_since(conn, department, period.start)
    return max(given + li_minutes, department.allocation_li_minutes)


def top_up(conn: Connection, department: Department, period: Period, at: datetime) -> None:
    """Bring a department's share of the current period up to its allocation, as far as it goes.

    What the account has not used of this period's grant is what there is to give.
    """
    given = _given_since(conn, department, period.start)
    wanted = max(department.allocation_li_minutes - given, 0)
    for part in take(_shareable(conn, department, period, at), wanted):
        _move(conn, department, part, at=at, now=at)


def account_lots(conn: Connection, account_id: str, at: datetime) -> tuple[Lot, ...]:
    """The account's own open lots, without its departments', in burn order."""
    shares = _lot_ids(conn, {each.id for each in list_departments(conn, account_id)})
    return tuple(lot for lot in open_lots(conn, account_id, at) if lot.id not in shares)


def department_lots(conn: Connection, department: Department, at: datetime) -> tuple[Lot, ...]:
    """A department's open lots, in burn order."""
    shares = _lot_ids(conn, {department.id})
    return tuple(lot for lot in open_lots(conn, department.account_id, at) if lot.id in shares)


def _shareable(
    conn: Connection, department: Department, period: Period, at: datetime
) -> tuple[Lot, ...]:
    """The lots of the account that a period granted, in burn order."""
    return tuple(
        lot
        for lot in account_lots(conn, department.account_id, at)
        if lot.kind in SHARED_KINDS and lot.effective_at >= period.start
    )


def _move(
    conn: Connection, department: Department, part: Slice, *, at: datetime, now: datetime
) -> None:
    """Take a part of an account's lot, and make it a lot of the department."""
    source = conn.execute(select(LOTS).where(LOTS.c.id == part.lot_id)).one()
    number = _shares_of(conn, department, source.id)
    cause = f"department:{department.id}:lot:{source.id}:share:{number}"
    row = insert_once(
        conn,
        LOTS,
        ["cause"],
        {
            "account_id": department.account_id,
            "kind": source.kind,
            "priority": source.priority,
            "amount": part.amount,
            "effective_at": at,
            "expires_at": source.expires_at,
            "created_at": now,
            "cause": cause,
        },
    )
    assert row is not None, "shares of a lot are counted while the books are locked"
    conn.execute(
        DEPARTMENT_LOTS.insert().values(
            lot_id=row.id, department_id=department.id, source_lot_id=source.id
        )
    )
    post(
        conn,
        Transaction(
            account_id=department.account_id,
            natural_key=cause,
            cause=cause,
            description=f"share of department {department.name}",
            effective_at=at,
            recorded_at=now,
            postings=(
                Posting(ledger_account(source.id), Unit.LI_MINUTES, -part.amount),
                Posting(ledger_account(row.id), Unit.LI_MINUTES, part.amount),
            ),
        ),
    )


def _shares_of(conn: Connection, department: Department, source_lot_id: int) -> int:
    """How many shares the department has had of a lot."""
    shares = select(func.count()).where(
        DEPARTMENT_LOTS.c.department_id == department.id,
        DEPARTMENT_LOTS.c.source_lot_id == source_lot_id,
    )
    return conn.execute(shares).scalar_one()


def _given_since(conn: Connection, department: Department, start: datetime) -> int:
    """LI-minutes that the department got of what was granted from ``start`` on."""
    source = LOTS.alias()
    given = (
        select(func.coalesce(func.sum(LOTS.c.amount), 0))
        .join(DEPARTMENT_LOTS, DEPARTMENT_LOTS.c.lot_id == LOTS.c.id)
        .join(source, source.c.id == DEPARTMENT_LOTS.c.source_lot_id)
        .where(
            DEPARTMENT_LOTS.c.department_id == department.id,
            source.c.effective_at >= start,
        )
    )
    return int(conn.execute(given).scalar_one())


def _lot_ids(conn: Connection, department_ids: Collection[int]) -> frozenset[int]:
    if not department_ids:
        return frozenset()
    ids = select(DEPARTMENT_LOTS.c.lot_id).where(
        DEPARTMENT_LOTS.c.department_id.in_(department_ids)
    )
    return frozenset(conn.execute(ids).scalars())
