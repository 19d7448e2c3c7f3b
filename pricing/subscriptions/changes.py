"""Changes that an account has asked for and that take effect later, at a boundary.

    downgrade     the next period begins on a smaller plan (R44)
    cancellation  asked for by an administrator; once a representative has confirmed it, the
                  subscription ends at the next boundary (R58-R60)
    on_demand     the account is on demand already; what it had left is void at the boundary (R51)
    trial_end     the trial is over (R104)

A change is requested or pending until it is applied or withdrawn; of each kind, a subscription has
one open at a time.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from pricing.plans.file import plan_from_json, plan_to_json
from pricing.plans.model import Plan
from pricing.tables import CHANGES

_OPEN = select(CHANGES).where(
    CHANGES.c.subscription_id == bindparam("subscription_id"), CHANGES.c.ended_at.is_(None)
)


class ChangeKind(StrEnum):
    """What will change."""

    DOWNGRADE = "downgrade"
    CANCELLATION = "cancellation"
    ON_DEMAND = "on_demand"
    TRIAL_END = "trial_end"


class ChangeState(StrEnum):
    """Where a change is; ``REQUESTED`` does not count before somebody confirms it."""

    REQUESTED = "requested"
    PENDING = "pending"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"


class Change(Struct, frozen=True):
    """A change that has not been applied yet.

    Attributes:
        id: Its number.
        kind: What will change.
        state: Requested or pending.
        plan: The plan that it leads to (for ``on_demand``: the one that an undo leads back to).
        requested_by: Who asked, where that matters.
        requested_at: When.
        effective_at: The boundary at which it is applied; None while it is only requested.
    """

    id: int
    kind: ChangeKind
    state: ChangeState
    plan: Plan | None
    requested_by: str | None
    requested_at: datetime
    effective_at: datetime | None


def open_changes(conn: Connection, subscription_id: int) -> dict[ChangeKind, Change]:
    """What is neither applied nor withdrawn, by kind."""
    rows = conn.execute(_OPEN, {"subscription_id": subscription_id})
    return {
        ChangeKind(row.kind): Change(
            id=row.id,
            kind=ChangeKind(row.kind),
            state=ChangeState(row.state),
            plan=None if row.document is None else plan_from_json(row.document),
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            effective_at=row.effective_at,
        )
        for row in rows
    }


def request_change(  # noqa: PLR0913 - the columns of a change
    conn: Connection,
    account_id: str,
    subscription_id: int,
    kind: ChangeKind,
    *,
    plan: Plan | None = None,
    effective_at: datetime | None,
    requested_by: str | None = None,
    now: datetime,
) -> None:
    """Put a change on record: pending if it has a date, else requested."""
    conn.execute(
        CHANGES.insert().values(
            account_id=account_id,
            subscription_id=subscription_id,
            kind=kind,
            state=ChangeState.REQUESTED if effective_at is None else ChangeState.PENDING,
            document=None if plan is None else plan_to_json(plan),
            requested_by=requested_by,
            requested_at=now,
            effective_at=effective_at,
        )
    )


def confirm(
    conn: Connection, change: Change, *, by: str | None, effective_at: datetime, now: datetime
) -> None:
    """A representative has verified the change: now it has a date."""
    conn.execute(
        CHANGES.update()
        .where(CHANGES.c.id == change.id)
        .values(
            state=ChangeState.PENDING,
            confirmed_by=by,
            confirmed_at=now,
            effective_at=effective_at,
        )
    )


def end_change(conn: Connection, change: Change, state: ChangeState, at: datetime) -> None:
    """The change has been applied, or is not wanted any more."""
    conn.execute(CHANGES.update().where(CHANGES.c.id == change.id).values(state=state, ended_at=at))


def withdraw_all(conn: Connection, subscription_id: int, at: datetime) -> None:
    """Whatever was asked for is not wanted any more."""
    conn.execute(
        CHANGES.update()
        .where(CHANGES.c.subscription_id == subscription_id, CHANGES.c.ended_at.is_(None))
        .values(state=ChangeState.WITHDRAWN, ended_at=at)
    )
