"""What happens by itself as time passes: the boundaries that an account has crossed.

At each period's start, in this order and in one transaction: a pending change or cancellation is
applied, or the subscription ends for what it owes; what that voids is void; the new price is
charged; if it could be paid, the grant follows; the period is open. A run that starts exactly then
belongs to the new period. In between, who does not pay is dunned. Nothing depends on when anybody
looks: many boundaries that are crossed at once are crossed one by one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import Connection

from pricing.payments.gateway import PaymentGateway
from pricing.payments.on_record import whole
from pricing.periods import period
from pricing.subscriptions.changes import (
    Change,
    ChangeKind,
    ChangeState,
    end_change,
    open_changes,
    withdraw,
    withdraw_all,
)
from pricing.subscriptions.dunning import is_ended_by, take_due_steps, tell_end
from pricing.subscriptions.lot_expiry import sweep, sweep_returns, void_all
from pricing.subscriptions.subscriptions import (
    Subscription,
    abandon_unpaid,
    due_periods,
    end_subscription,
    open_period,
    running,
    unpaid_periods,
)
from pricing.subscriptions.terms import begin_terms, latest_terms
from pricing.tables import ACCOUNTS

_LAST_MOMENT = timedelta.resolution


def apply_due_boundaries(
    conn: Connection,
    account_id: str,
    *,
    after: datetime,
    now: datetime,
    gateway: PaymentGateway,
) -> None:
    """Bring an account's subscription up to ``now``; its books are locked.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        after: Up to when its books had been brought before.
        now: The command's instant.
        gateway: Collects what is due.

    Raises:
        ClockTooFarAheadError: If decades of periods would be due; nothing was done.
    """
    sweep_returns(conn, account_id, now=now)
    subscription, crossed = running(conn, account_id), None
    if subscription is not None:
        change = _dated_change(conn, subscription, now)
        if subscription.has_periods:
            crossed = _begin_due_periods(
                conn, subscription, change, after=after, now=now, gateway=gateway
            )
        elif change is not None:
            _apply(conn, subscription, change, now=now)
    take_due_steps(
        conn,
        account_id,
        after=after,
        crossed=crossed,
        before=now + _LAST_MOMENT,
        now=now,
        gateway=gateway,
    )
    sweep(conn, account_id, until=now, now=now)


def _begin_due_periods(
    conn: Connection,
    subscription: Subscription,
    change: Change | None,
    *,
    after: datetime,
    now: datetime,
    gateway: PaymentGateway,
) -> datetime | None:
    """Cross each boundary that is due; when the last of them was, None: none is due."""
    crossed = None
    for n in due_periods(conn, subscription, now):
        start = period(subscription.anchor, n).start
        take_due_steps(
            conn,
            subscription.account_id,
            after=after,
            crossed=crossed,
            before=start,
            now=now,
            gateway=gateway,
        )
        with whole(conn, gateway=gateway):
            subscription, change = _begin_period(
                conn, subscription, change, n, gateway=gateway, now=now
            )
        crossed = start
        if not subscription.has_periods:
            break
    return crossed


def _begin_period(
    conn: Connection,
    subscription: Subscription,
    change: Change | None,
    n: int,
    *,
    gateway: PaymentGateway,
    now: datetime,
) -> tuple[Subscription, Change | None]:
    """Cross the boundary at which a period begins.

    Returns:
        The subscription as it is then, and the change if it still waits.
    """
    start = period(subscription.anchor, n).start
    sweep(conn, subscription.account_id, until=start, now=now)
    is_due = change is not None and change.effective_at is not None and change.effective_at <= start
    asked_for = is_due and change is not None and change.kind is not ChangeKind.NEW_TERMS
    if not asked_for and is_ended_by(conn, subscription, start):
        return _end_for_debt(conn, subscription, at=start, now=now), None
    if is_due and change is not None:
        if change.kind is ChangeKind.NEW_TERMS and not subscription.plan.rollover:
            abandon_unpaid(conn, subscription, at=start)
        if _waits_for_payment(conn, subscription, change):
            open_period(conn, subscription, n, gateway=gateway, now=now)
            return subscription, change
        subscription, change = _apply(conn, subscription, change, now=now), None
        if not subscription.has_periods:
            return subscription, None
    if not subscription.plan.rollover:
        abandon_unpaid(conn, subscription, at=start)
    open_period(conn, subscription, n, gateway=gateway, now=now)
    return subscription, change


def _end_for_debt(
    conn: Connection, subscription: Subscription, *, at: datetime, now: datetime
) -> Subscription:
    """End a subscription that is not paid for, as a cancellation would; runs are still owed."""
    tell_end(conn, subscription, at=at, now=now)
    void_all(conn, subscription.account_id, at=at, now=now)
    abandon_unpaid(conn, subscription, at=at)
    withdraw_all(conn, subscription.id, at)
    end_subscription(conn, subscription, at)
    return replace(subscription, ended_at=at, terms=latest_terms(conn, subscription.account_id))


def _dated_change(conn: Connection, subscription: Subscription, now: datetime) -> Change | None:
    """The change that is due by ``now``; under a switch to on-demand nothing else is."""
    changes = open_changes(conn, subscription.id)
    switch = changes.get(ChangeKind.ON_DEMAND)
    due = [
        change
        for change in ([switch] if switch is not None else changes.values())
        if change.effective_at is not None and change.effective_at <= now
    ]
    # New terms are for who stays on the plan: whatever else is due goes before, and ends them.
    due.sort(key=lambda change: change.kind is ChangeKind.NEW_TERMS)
    assert all(change.kind is ChangeKind.NEW_TERMS for change in due[1:]), due
    return due[0] if due else None


def _waits_for_payment(conn: Connection, subscription: Subscription, change: Change) -> bool:
    """Whether new terms wait: a period is paid for at the price that it began with (C49)."""
    return change.kind is ChangeKind.NEW_TERMS and bool(unpaid_periods(conn, subscription.id))


def _apply(
    conn: Connection, subscription: Subscription, change: Change, *, now: datetime
) -> Subscription:
    """Apply a change at its date; the subscription as it is then."""
    at = change.effective_at
    assert at is not None
    account_id = subscription.account_id
    if change.kind not in {ChangeKind.TRIAL_END, ChangeKind.NEW_TERMS}:
        void_all(conn, account_id, at=at, now=now)
        abandon_unpaid(conn, subscription, at=at)
    end_change(conn, change, ChangeState.APPLIED, at)
    match change.kind:
        case ChangeKind.DOWNGRADE:
            assert change.plan is not None
            withdraw(conn, subscription.id, ChangeKind.NEW_TERMS, at)
            begin_terms(conn, account_id, subscription.id, change.plan, at)
        case ChangeKind.NEW_TERMS:
            assert change.plan is not None
            begin_terms(conn, account_id, subscription.id, change.plan, at)
        case ChangeKind.ON_DEMAND:
            withdraw_all(conn, subscription.id, at)
            conn.execute(
                ACCOUNTS.update().where(ACCOUNTS.c.id == account_id).values(suspended_since=None)
            )
        case ChangeKind.CANCELLATION | ChangeKind.TRIAL_END:
            # A cancellation that was only asked for has nothing left to cancel.
            withdraw_all(conn, subscription.id, at)
            end_subscription(conn, subscription, at)
            return replace(subscription, ended_at=at, terms=latest_terms(conn, account_id))
    return replace(subscription, terms=latest_terms(conn, account_id))
