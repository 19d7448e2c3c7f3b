"""Plan history and offers: what an account was on, and what it can choose (R110-R117)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection

from pricing.payments.collecting import channel_of
from pricing.plans.channels import Channel
from pricing.plans.model import Plan, Sale
from pricing.subscriptions.activation import TrialUsedError, check_trial
from pricing.subscriptions.subscriptions import latest, owed_periods
from pricing.subscriptions.terms import all_terms


class PlanStatus(StrEnum):
    """The three that a plan can have (R110)."""

    ACTIVE = "Active"
    TERMINATED = "Terminated"
    PAYMENT_FAILURE = "PaymentFailure"


class HistoryRow(Struct, frozen=True):
    """A stretch on one plan.

    Attributes:
        plan: Its name.
        status: See ``PlanStatus``.
        start: From (R111).
        end: To, if it has one (R112).
        monthly_li_minutes: Credits that it awards each month (R113).
        monthly_usd_micros: What it costs each month.
    """

    plan: str
    status: PlanStatus
    start: datetime
    end: datetime | None
    monthly_li_minutes: int
    monthly_usd_micros: int


class Action(StrEnum):
    """What can be done about an offer (R116, R117)."""

    CURRENT = "current"
    SUBSCRIBE_NOW = "subscribe_now"
    CHANGE_NOW = "change_now"
    CONTACT_US = "contact_us"


class PlanOffer(Struct, frozen=True):
    """A plan that an account could be on, and how it would get there."""

    plan: Plan
    action: Action


def plan_history(conn: Connection, account_id: str) -> tuple[HistoryRow, ...]:
    """Every plan that an account was on, oldest first."""
    subscription = latest(conn, account_id)
    owes = bool(owed_periods(conn, subscription))
    rows = []
    for terms in all_terms(conn, account_id):
        if terms.ended_at is not None:
            status = PlanStatus.TERMINATED
        elif owes:
            status = PlanStatus.PAYMENT_FAILURE
        else:
            status = PlanStatus.ACTIVE
        rows.append(
            HistoryRow(
                plan=terms.plan.name,
                status=status,
                start=terms.started_at,
                end=terms.ended_at,
                monthly_li_minutes=terms.plan.li_minutes,
                monthly_usd_micros=terms.plan.monthly_usd_micros,
            )
        )
    return tuple(rows)


def offers_of(conn: Connection, account_id: str, plans: Iterable[Plan]) -> tuple[PlanOffer, ...]:
    """Every plan that an account can choose (R114), with what it takes to get it.

    Left out: plans that its payment channel does not sell, and a trial that it has had.
    """
    channel = channel_of(conn, account_id)
    subscription = latest(conn, account_id)
    current = subscription.plan if subscription.ended_at is None else None
    return tuple(
        PlanOffer(plan, _action(current, plan))
        for plan in plans
        if _is_sold_to(conn, account_id, channel, plan)
        and (plan.trial_days is None or current is None or not current.has_periods)
    )


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
