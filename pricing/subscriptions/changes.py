"""Changes that an account has asked for and that take effect later, at a boundary.

    downgrade     the next period begins on a smaller plan (R44)
    cancellation  asked for by an administrator; once a representative has confirmed it, the
                  subscription ends at the next boundary (R58-R60)
    on_demand     the account is on demand already; what it had left is void at the boundary (R51)
    trial_end     the trial is over (R104)
    new_terms     the account was told that its plan will be as it is sold by now (C49)

A change is requested or pending until it is applied or withdrawn; of each kind, a subscription has
one open at a time. The switch to on-demand lies over the others, which wait beneath it: an undo
lifts it and finds them as they were (C38), the boundary applies it and withdraws them.

A boundary is kept as the number of the period that begins there, and its instant is computed from
the anchor whenever it is asked for, as the periods' own are: a change of a time zone's rules moves
both or neither. The end of a trial alone is an instant (C17).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select

from pricing.periods import Anchor, period
from pricing.plans.file import plan_from_json, plan_to_json
from pricing.plans.model import Plan
from pricing.tables import CHANGES, SUBSCRIPTIONS, among

_OPEN = (
    select(CHANGES, SUBSCRIPTIONS.c.anchor_day, SUBSCRIPTIONS.c.timezone)
    .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == CHANGES.c.subscription_id)
    .where(CHANGES.c.subscription_id == bindparam("subscription_id"), CHANGES.c.ended_at.is_(None))
)
_DATED = (
    select(
        CHANGES.c.account_id,
        CHANGES.c.effective_at,
        CHANGES.c.effective_period,
        SUBSCRIPTIONS.c.anchor_day,
        SUBSCRIPTIONS.c.timezone,
    )
    .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == CHANGES.c.subscription_id)
    .where(
        among(CHANGES.c.subscription_id, "subscriptions"),
        CHANGES.c.ended_at.is_(None),
        CHANGES.c.effective_at.is_not(None),
    )
)


class ChangeKind(StrEnum):
    """What will change."""

    DOWNGRADE = "downgrade"
    CANCELLATION = "cancellation"
    ON_DEMAND = "on_demand"
    TRIAL_END = "trial_end"
    NEW_TERMS = "new_terms"


class ChangeState(StrEnum):
    """Where a change is; ``REQUESTED`` does not count before somebody confirms it."""

    REQUESTED = "requested"
    PENDING = "pending"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"


class Boundary(Struct, frozen=True):
    """When a change takes effect.

    Attributes:
        at: The instant, by the time zone's rules of today.
        period: Number of the period that begins then; None: none does, a trial ends.
    """

    at: datetime
    period: int | None


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
    return {ChangeKind(row.kind): _change(row) for row in rows}


def dated_changes(
    conn: Connection, subscription_ids: Sequence[int]
) -> tuple[tuple[str, datetime], ...]:
    """Whose subscription changes at what instant, of all the changes that have one."""
    rows = conn.execute(_DATED, {"subscriptions": subscription_ids})
    dated = ((row.account_id, _effective_at(row)) for row in rows.all())
    return tuple((account_id, at) for account_id, at in dated if at is not None)


def request_change(  # noqa: PLR0913 - the columns of a change
    conn: Connection,
    account_id: str,
    subscription_id: int,
    kind: ChangeKind,
    *,
    plan: Plan | None = None,
    boundary: Boundary | None,
    requested_by: str | None = None,
    now: datetime,
) -> None:
    """Put a change on record: pending if it has a boundary, else requested."""
    conn.execute(
        CHANGES.insert().values(
            account_id=account_id,
            subscription_id=subscription_id,
            kind=kind,
            state=ChangeState.REQUESTED if boundary is None else ChangeState.PENDING,
            document=None if plan is None else plan_to_json(plan),
            requested_by=requested_by,
            requested_at=now,
            effective_at=None if boundary is None else boundary.at,
            effective_period=None if boundary is None else boundary.period,
        )
    )


def confirm(
    conn: Connection, change: Change, *, by: str | None, boundary: Boundary, now: datetime
) -> None:
    """A representative has verified the change: now it has a date."""
    conn.execute(
        CHANGES.update()
        .where(CHANGES.c.id == change.id)
        .values(
            state=ChangeState.PENDING,
            confirmed_by=by,
            confirmed_at=now,
            effective_at=boundary.at,
            effective_period=boundary.period,
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


def withdraw(conn: Connection, subscription_id: int, kind: ChangeKind, at: datetime) -> None:
    """That kind of change is not wanted any more, if it was."""
    change = open_changes(conn, subscription_id).get(kind)
    if change is not None:
        end_change(conn, change, ChangeState.WITHDRAWN, at)


def _change(row: Row[Any]) -> Change:
    return Change(
        id=row.id,
        kind=ChangeKind(row.kind),
        state=ChangeState(row.state),
        plan=None if row.document is None else plan_from_json(row.document),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        effective_at=_effective_at(row),
    )


def _effective_at(row: Any) -> datetime | None:  # noqa: ANN401 - rows of two statements
    """The instant of a change's boundary, by the time zone's rules of today."""
    if row.effective_period is None:
        return cast("datetime | None", row.effective_at)
    return period(Anchor(row.anchor_day, row.timezone), row.effective_period).start
