"""From one plan to another: up at once, down at the next boundary (R34-R48).

A plan with a higher monthly price is an upgrade; one with an equal or lower price is a downgrade
(C37). Nothing is ever prorated or refunded.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pricing.accounts.command import CommandContext, begin_command
from pricing.accounts.plan_sales import check_downgrade, upgrade_terms
from pricing.accounts.purchases import Purchase, buy
from pricing.ledger.author import Content
from pricing.ledger.lots import LotKind
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.subscriptions.activation import activate
from pricing.subscriptions.changes import (
    ChangeKind,
    ChangeState,
    end_change,
    request_change,
    withdraw,
    withdraw_all,
)
from pricing.subscriptions.subscriptions import abandon_unpaid, end_subscription
from pricing.subscriptions.terms import begin_terms


def upgrade(
    conn: Connection,
    account_id: str,
    wanted: Plan,
    *,
    now: datetime,
    request_id: str,
    agreed_with: str | None = None,
    gateway: PaymentGateway,
) -> None:
    """Put an account on a bigger plan at once (R35), or from no subscription on a first one.

    Between subscriptions the whole difference in price is charged and the whole difference in
    LI-minutes granted, wherever in the period that is; the anchor stays (R36-R43). A downgrade
    that was waiting is withdrawn (C37). From on-demand, a trial or a cancelled subscription, the
    plan is activated, with an anchor of its own.

    Raises:
        SamePlanError: If the account is on it already.
        WrongDirectionError: If it is not dearer.
        ContactUsError, ChannelCannotError: If it is not sold like that.
        UndoFirstError: If the account has just gone on demand and may have its plan back.
        CancellationPendingError: If the subscription will end.
        PaymentOverdueError: If a period or a run has not been paid (C42).
        AllocationAboveGrantError: If the departments' shares exceed the new grant (C31).
        PaymentFailedError: If the price could not be collected; nothing was done.
    """
    content = _content(wanted, agreed_with)
    context = begin_command(
        conn, account_id, "upgrade", content, request_id=request_id, gateway=gateway, now=now
    )
    if context is None:
        return
    terms = upgrade_terms(conn, context, wanted, agreed_with)
    if not context.subscription.has_periods:
        _subscribe(conn, context, wanted, gateway=gateway)
        return
    plan, subscription_id = context.subscription.plan, context.subscription.id
    begin_terms(conn, account_id, subscription_id, wanted, context.at)
    buy(
        conn,
        context,
        Purchase(
            kind=LotKind.UPGRADE,
            cause=f"subscription:{subscription_id}:upgrade:{plan.name}:{wanted.name}:{request_id}",
            description=f"upgrade from {plan.name} to {wanted.name}",
            usd_micros=terms.usd_micros,
            li_minutes=terms.li_minutes,
            rollover=wanted.rollover,
            revenue="revenue:subscription",
        ),
        gateway=gateway,
    )
    for kind in (ChangeKind.DOWNGRADE, ChangeKind.NEW_TERMS):
        withdraw(conn, subscription_id, kind, context.at)


def downgrade(
    conn: Connection,
    account_id: str,
    wanted: Plan,
    *,
    now: datetime,
    request_id: str,
    agreed_with: str | None = None,
    gateway: PaymentGateway,
) -> None:
    """Have an account on a smaller plan from the next boundary on (R44).

    Until then nothing changes. At the boundary all that is unused is void, the lower price is
    charged and the smaller grant made (R45-R47). The last request wins (C37).

    Raises:
        NotSubscribedError: If the account has no subscription, or wants to go on demand like that.
        SamePlanError: If the account is on it already.
        WrongDirectionError: If it is dearer.
        ContactUsError, ChannelCannotError: If it is not sold like that.
        CancellationPendingError: If the subscription will end.
        AllocationAboveGrantError: If the departments' shares exceed the smaller grant (C31).
    """
    content = _content(wanted, agreed_with)
    context = begin_command(
        conn, account_id, "downgrade", content, request_id=request_id, gateway=gateway, now=now
    )
    if context is None:
        return
    check_downgrade(conn, context, wanted, agreed_with)
    earlier = context.changes(conn).get(ChangeKind.DOWNGRADE)
    if earlier is not None:
        end_change(conn, earlier, ChangeState.WITHDRAWN, context.at)
    request_change(
        conn,
        account_id,
        context.subscription.id,
        ChangeKind.DOWNGRADE,
        plan=wanted,
        boundary=context.boundary,
        now=context.at,
    )


def _subscribe(
    conn: Connection, context: CommandContext, wanted: Plan, *, gateway: PaymentGateway
) -> None:
    """Activate a plan for an account that is on demand, on trial, or has cancelled."""
    account_id, subscription = context.account_id, context.subscription
    if subscription.ended_at is None:
        withdraw_all(conn, subscription.id, context.at)
        abandon_unpaid(conn, subscription, at=context.at)
        end_subscription(conn, subscription, context.at)
    activate(conn, account_id, wanted, at=context.at, gateway=gateway)


def _content(wanted: Plan, agreed_with: str | None) -> Content:
    return {"plan": wanted.name, "credits": wanted.li_minutes, "agreed_with": agreed_with}
