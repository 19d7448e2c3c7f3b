"""From one plan to another: up at once, down at the next boundary (R34-R48).

A plan with a higher monthly price is an upgrade; one with an equal or lower price is a downgrade
(C37). Nothing is ever prorated or refunded.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.accounts.command import CommandContext, NotSubscribedError, begin_command
from pricing.accounts.purchases import Purchase, buy
from pricing.ledger import idempotency
from pricing.ledger.allocations import check_allocations_fit
from pricing.ledger.lots import LotKind
from pricing.money import format_usd
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan, Sale
from pricing.subscriptions.activation import activate, check_channel
from pricing.subscriptions.changes import (
    ChangeKind,
    ChangeState,
    end_change,
    request_change,
    withdraw_all,
)
from pricing.subscriptions.subscriptions import abandon_unpaid, end_subscription
from pricing.subscriptions.terms import begin_terms


class SamePlanError(RefusedError):
    """The account is on that plan already; facts: ``account``, ``plan``."""

    code = "same_plan"


class WrongDirectionError(RefusedError):
    """An upgrade would be a downgrade, or the other way round.

    Facts: ``account``, ``plan``, ``usd``, ``wanted``, ``wanted_usd``.
    """

    code = "wrong_direction"


class ContactUsError(RefusedError):
    """A representative has to be asked (R117); facts: ``account``, ``plan``, ``wanted``."""

    code = "contact_us"


class UndoFirstError(RefusedError):
    """Another plan would be chosen while the old one can still be had back (C38).

    Facts: ``account``, ``plan``, ``wanted``, ``until``.
    """

    code = "undo_first"


def check_sale(account_id: str, plan: Plan | None, wanted: Plan, agreed_with: str | None) -> None:
    """Whether a customer may buy, or change to, a plan alone (R116, R117, C22).

    Args:
        account_id: Whose.
        plan: The subscription that is changed; None: this is a first sale.
        wanted: What is bought.
        agreed_with: The representative who agreed to it.

    Raises:
        ContactUsError: If a representative has to be asked first.
    """
    policy = wanted.purchase if plan is None else plan.change_policy
    if agreed_with is None and Sale.CONTACT in {policy, wanted.purchase}:
        raise ContactUsError(
            f"account {account_id}: "
            + (f"from {plan.name} to {wanted.name}" if plan else f"plan {wanted.name}")
            + " is agreed with a representative: contact us",
            account=account_id,
            plan=plan.name if plan else None,
            wanted=wanted.name,
        )


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
    if not context.subscription.has_periods:
        _subscribe(conn, context, wanted, agreed_with=agreed_with, gateway=gateway)
        return
    plan = context.subscription.plan
    _check_other(account_id, plan, wanted)
    if wanted.monthly_usd_micros <= plan.monthly_usd_micros or not wanted.has_periods:
        raise _wrong_direction(account_id, plan, wanted, right="downgrade")
    check_sale(account_id, plan, wanted, agreed_with)
    check_channel(conn, account_id, wanted)
    context.check_not_cancelled(conn)
    context.check_paid(conn)
    check_allocations_fit(conn, account_id, wanted)
    difference = wanted.li_minutes - plan.li_minutes
    subscription_id = context.subscription.id
    begin_terms(conn, account_id, subscription_id, wanted, context.at)
    buy(
        conn,
        context,
        Purchase(
            kind=LotKind.UPGRADE,
            cause=f"subscription:{subscription_id}:upgrade:{plan.name}:{wanted.name}:{request_id}",
            description=f"upgrade from {plan.name} to {wanted.name}",
            usd_micros=wanted.monthly_usd_micros - plan.monthly_usd_micros,
            li_minutes=difference,
            rollover=wanted.rollover,
            revenue="revenue:subscription",
        ),
        gateway=gateway,
    )
    downgrade_asked = context.changes(conn).get(ChangeKind.DOWNGRADE)
    if downgrade_asked is not None:
        end_change(conn, downgrade_asked, ChangeState.WITHDRAWN, context.at)


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
    context.check_subscribed("downgrade")
    if not wanted.has_periods:
        raise NotSubscribedError(
            f"account {account_id}: {wanted.name} is no smaller subscription; to go on demand is a"
            " command of its own: to-on-demand",
            account=account_id,
            plan=context.subscription.plan.name,
        )
    plan = context.subscription.plan
    _check_other(account_id, plan, wanted)
    if wanted.monthly_usd_micros > plan.monthly_usd_micros:
        raise _wrong_direction(account_id, plan, wanted, right="upgrade")
    check_sale(account_id, plan, wanted, agreed_with)
    check_channel(conn, account_id, wanted)
    context.check_not_cancelled(conn)
    check_allocations_fit(conn, account_id, wanted)
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


def check_no_undo(conn: Connection, context: CommandContext, wanted: Plan | None) -> None:
    """Refuse another plan while the switch to on-demand can still be undone (C38).

    Raises:
        UndoFirstError: If it can.
    """
    switch = context.changes(conn).get(ChangeKind.ON_DEMAND)
    if switch is None:
        return
    assert switch.plan is not None
    assert switch.effective_at is not None
    until = switch.effective_at.isoformat(timespec="seconds")
    raise UndoFirstError(
        f"account {context.account_id} was on {switch.plan.name} and gets it back for nothing until"
        f" {until}: undo first",
        account=context.account_id,
        plan=switch.plan.name,
        wanted=wanted.name if wanted else None,
        until=until,
    )


def _subscribe(
    conn: Connection,
    context: CommandContext,
    wanted: Plan,
    *,
    agreed_with: str | None,
    gateway: PaymentGateway,
) -> None:
    """Activate a plan for an account that is on demand, on trial, or has cancelled."""
    account_id, subscription = context.account_id, context.subscription
    is_running = subscription.ended_at is None
    if is_running:
        check_no_undo(conn, context, wanted)
        _check_other(account_id, subscription.plan, wanted)
    if not wanted.is_subscription:
        raise _wrong_direction(account_id, subscription.plan, wanted, right="to-on-demand")
    check_sale(account_id, None, wanted, agreed_with)
    if wanted.monthly_usd_micros:
        context.check_paid(conn)
    check_allocations_fit(conn, account_id, wanted)
    if is_running:
        withdraw_all(conn, subscription.id, context.at)
        abandon_unpaid(conn, subscription)
        end_subscription(conn, subscription, context.at)
    activate(
        conn,
        account_id,
        wanted,
        at=context.at,
        gateway=gateway,
        request_id=context.request_id,
    )


def _content(wanted: Plan, agreed_with: str | None) -> idempotency.Content:
    return {"plan": wanted.name, "credits": wanted.li_minutes, "agreed_with": agreed_with}


def _check_other(account_id: str, plan: Plan, wanted: Plan) -> None:
    if (plan.name, plan.li_minutes) == (wanted.name, wanted.li_minutes):
        raise SamePlanError(
            f"account {account_id} is on plan {plan.name} already"
            f" ({format_usd(plan.monthly_usd_micros)} USD, {plan.li_minutes:,} LI-minutes a month)",
            account=account_id,
            plan=plan.name,
        )


def _wrong_direction(
    account_id: str, plan: Plan, wanted: Plan, *, right: str
) -> WrongDirectionError:
    prices = [format_usd(each.monthly_usd_micros) for each in (plan, wanted)]
    return WrongDirectionError(
        f"account {account_id}: from {plan.name} ({prices[0]} USD a month) to {wanted.name}"
        f" ({prices[1]} USD) is another command: {right}",
        account=account_id,
        plan=plan.name,
        usd=prices[0],
        wanted=wanted.name,
        wanted_usd=prices[1],
    )
