"""From a subscription to on-demand at once, and back for nothing until the boundary (R49-R55).

Once on demand, every run is paid in money (R52) and what the subscription had left cannot be used
(R51). Until the boundary it is only suspended: an undo gives the same plan and the same credits
back and costs nothing (R54, R55, C2), and whatever waited with them goes on waiting: a downgrade, a
cancellation that was asked for, the trial's end (C38). At the boundary all of it is void for good.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.accounts.command import begin_command
from pricing.accounts.plan_sales import check_on_demand
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.subscriptions.activation import activate
from pricing.subscriptions.changes import ChangeKind, ChangeState, end_change, request_change
from pricing.subscriptions.terms import begin_terms
from pricing.tables import ACCOUNTS


class NothingToUndoError(RefusedError):
    """No switch and no downgrade waits for its boundary; facts: ``account``, ``plan``."""

    code = "nothing_to_undo"


def to_on_demand(
    conn: Connection,
    account_id: str,
    on_demand: Plan,
    *,
    now: datetime,
    request_id: str,
    agreed_with: str | None = None,
    gateway: PaymentGateway,
) -> None:
    """Put an account on demand at once; nothing is refunded (R53).

    Args:
        conn: An open write transaction.
        account_id: Whose.
        on_demand: The plan that is paid run by run.
        now: The command's instant.
        request_id: The caller's id of this request.
        agreed_with: The representative who agreed, where the plan asks for one.
        gateway: Collects what is due by now.

    Raises:
        SamePlanError: If the account is on demand already.
        ContactUsError, ChannelCannotError: If its plan or its payment channel does not allow it.
        CancellationPendingError: If the subscription is going to end anyway.
    """
    context = begin_command(
        conn,
        account_id,
        "to-on-demand",
        {"plan": on_demand.name, "agreed_with": agreed_with},
        request_id=request_id,
        gateway=gateway,
        now=now,
    )
    if context is None:
        return
    subscription = context.subscription
    check_on_demand(conn, context, on_demand, agreed_with)
    if subscription.ended_at is not None:
        activate(conn, account_id, on_demand, at=context.at, gateway=gateway)
        return
    request_change(
        conn,
        account_id,
        subscription.id,
        ChangeKind.ON_DEMAND,
        plan=subscription.plan,
        boundary=context.boundary,
        now=context.at,
    )
    begin_terms(conn, account_id, subscription.id, on_demand, context.at)
    _suspend(conn, account_id, context.at)


def undo(
    conn: Connection,
    account_id: str,
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Take back the switch to on-demand, or a downgrade that waits for its boundary; for nothing.

    With the switch everything is as it was before it; a downgrade from before it waits again.

    Raises:
        NothingToUndoError: If neither is waiting; the boundary may have passed.
    """
    context = begin_command(
        conn, account_id, "undo", {}, request_id=request_id, gateway=gateway, now=now
    )
    if context is None:
        return
    changes = {} if context.subscription.ended_at else context.changes(conn)
    switch, smaller = changes.get(ChangeKind.ON_DEMAND), changes.get(ChangeKind.DOWNGRADE)
    change = switch or smaller
    if change is None:
        raise NothingToUndoError(
            f"account {account_id} is on plan {context.subscription.plan.name} and no switch to"
            " on-demand or downgrade is waiting for its boundary",
            account=account_id,
            plan=context.subscription.plan.name,
        )
    end_change(conn, change, ChangeState.WITHDRAWN, context.at)
    if switch is not None:
        assert switch.plan is not None
        begin_terms(conn, account_id, context.subscription.id, switch.plan, context.at)
        _suspend(conn, account_id, None)


def _suspend(conn: Connection, account_id: str, since: datetime | None) -> None:
    conn.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == account_id).values(suspended_since=since))
