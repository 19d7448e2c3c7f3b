"""Offers: the plans that an account can choose, how, and what stands in the way (R114-R117)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.accounts.command import CommandContext
from pricing.accounts.plan_sales import (
    ContactUsError,
    UpgradeTerms,
    check_downgrade,
    check_on_demand,
    upgrade_terms,
)
from pricing.payments.collecting import channel_of
from pricing.plans.channels import Channel
from pricing.plans.model import Plan, Sale
from pricing.subscriptions.activation import TrialUsedError, check_trial
from pricing.subscriptions.subscriptions import latest


class Action(StrEnum):
    """What can be done about an offer (R116, R117)."""

    CURRENT = "current"
    SUBSCRIBE_NOW = "subscribe_now"
    CHANGE_NOW = "change_now"
    CONTACT_US = "contact_us"


class PlanOffer(Struct, frozen=True):
    """A plan that an account could be on, and how it would get there.

    Attributes:
        plan: The plan; where its credits are chosen, with the fewest.
        action: How such a plan is sold.
        at_once: What is charged and granted at once; None: nothing is, since the change waits for
            the boundary, is to on-demand, or cannot be made.
        sold_for: Of the plan that the account is on, which is as it was bought: what it is sold as
            by now.
        why_not: Why the command would be refused as things stand; None: it would be done.
    """

    plan: Plan
    action: Action
    at_once: UpgradeTerms | None = None
    why_not: str | None = None
    sold_for: Plan | None = None

    @property
    def sold_for_usd_micros(self) -> int:
        """What somebody who buys the plan now pays a month."""
        return (self.plan if self.sold_for is None else self.sold_for).monthly_usd_micros


def offers_of(
    conn: Connection, account_id: str, plans: Iterable[Plan], *, at: datetime
) -> tuple[PlanOffer, ...]:
    """Every plan that an account can choose (R114), with what it takes to get it.

    Left out: plans that its payment channel does not sell, and a trial that it has had.

    Args:
        conn: An open transaction, the account's books brought up to ``at``.
        account_id: Whose.
        plans: Those on sale.
        at: The account's instant.
    """
    channel = channel_of(conn, account_id)
    context = CommandContext(account_id, "", at, latest(conn, account_id))
    current = context.subscription.plan if context.subscription.ended_at is None else None
    return tuple(
        _offer(conn, context, current, plan)
        for plan in plans
        if _is_sold_to(conn, account_id, channel, plan)
        and (plan.trial_days is None or current is None or not current.has_periods)
    )


def _offer(
    conn: Connection, context: CommandContext, current: Plan | None, plan: Plan
) -> PlanOffer:
    action = _action(current, plan)
    if action is Action.CURRENT:
        assert current is not None, "an account is on its current plan"
        return PlanOffer(current, action, sold_for=plan.with_as_many_credits(current))
    try:
        return PlanOffer(plan, action, at_once=_terms(conn, context, current, plan))
    except ContactUsError as error:
        return PlanOffer(plan, Action.CONTACT_US, why_not=error.message)
    except RefusedError as error:
        return PlanOffer(plan, action, why_not=error.message)


def _terms(
    conn: Connection, context: CommandContext, current: Plan | None, plan: Plan
) -> UpgradeTerms | None:
    """What the command that leads to the plan does at once, or its refusal."""
    if not plan.is_subscription:
        check_on_demand(conn, context, plan)
        return None
    is_subscribed = current is not None and current.has_periods
    if is_subscribed and plan.monthly_usd_micros <= context.subscription.plan.monthly_usd_micros:
        check_downgrade(conn, context, plan)
        return None
    return upgrade_terms(conn, context, plan)


def _is_sold_to(conn: Connection, account_id: str, channel: Channel, plan: Plan) -> bool:
    if channel not in plan.channels:
        return False
    if plan.trial_days is None:
        return True
    try:
        check_trial(conn, account_id)
    except TrialUsedError:
        return False
    return True


def _action(current: Plan | None, plan: Plan) -> Action:
    if current is not None and current.name == plan.name:
        return Action.CURRENT
    if plan.purchase is Sale.CONTACT:
        return Action.CONTACT_US
    if current is None or not current.has_periods:
        return Action.SUBSCRIBE_NOW
    return Action.CONTACT_US if current.change_policy is Sale.CONTACT else Action.CHANGE_NOW
