"""Activation: an account goes on a plan that it was not on, with an anchor of its own (R12).

The anchor is the day of the activation; the account's own activation decides for ever whether its
periods are calendar months (R17, C10). The first period is charged and granted in full at once,
wherever in a calendar month that is: nothing is prorated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.ledger.allocations import share_out
from pricing.ledger.lots import Grant, LotKind, grant
from pricing.ledger.taxed import agreed_gross
from pricing.money import format_usd
from pricing.payments.attempts import digest
from pricing.payments.collecting import (
    ChannelCannotError,
    PaymentFailedError,
    channel_of,
)
from pricing.payments.gateway import PaymentGateway, PaymentState
from pricing.periods import FIRST_ANNIVERSARY_DAY, Anchor, anchor_of
from pricing.plans.model import Plan
from pricing.subscriptions.changes import Boundary, ChangeKind, request_change
from pricing.subscriptions.subscriptions import (
    due_periods,
    latest,
    open_period,
    subscribe,
    unpaid_periods,
)
from pricing.tables import ACCOUNTS, LOTS, SUBSCRIPTIONS


class TrialUsedError(RefusedError):
    """The account has had its trial; facts: ``account``."""

    code = "trial_used"


def activate(
    conn: Connection,
    account_id: str,
    plan: Plan,
    *,
    at: datetime,
    gateway: PaymentGateway,
    request_id: str | None,
) -> None:
    """Put an account that has no running subscription on a plan, paid at once.

    Departments have their shares of the first grant too, those that an account kept from before.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        plan: Which.
        at: The command's instant.
        gateway: Collects the first period's price.
        request_id: What tells this activation from the account's others; None: its first.

    Raises:
        ChannelCannotError: If the plan is not sold through the account's channel.
        TrialUsedError: If it is a trial, and not the account's first.
        PaymentFailedError: If the first period could not be collected.
    """
    check_channel(conn, account_id, plan)
    if plan.trial_days is not None:
        check_trial(conn, account_id)
    subscribe(conn, account_id, plan, _anchor(conn, account_id, at), at)
    subscription = latest(conn, account_id)
    if plan.trial_days is not None:
        ends_at = at + timedelta(days=plan.trial_days)
        _grant_trial(conn, account_id, plan, at=at, ends_at=ends_at)
        request_change(
            conn,
            account_id,
            subscription.id,
            ChangeKind.TRIAL_END,
            boundary=Boundary(ends_at, None),
            now=at,
        )
    elif subscription.has_periods:
        for n in due_periods(conn, subscription, at):
            open_period(
                conn,
                subscription,
                n,
                gateway=gateway,
                now=at,
                # The number of a subscription that is undone may be another's the next time.
                purpose=f"activation:{digest(account_id, request_id or '')}",
            )
        unpaid = unpaid_periods(conn, subscription.id)
        if unpaid:
            cause = subscription.cause_of(unpaid[0])
            usd = format_usd(agreed_gross(conn, cause, plan.monthly_usd_micros))
            raise PaymentFailedError(
                f"account {account_id}: {usd} USD for plan"
                f" {plan.name} could not be collected; nothing was bought",
                account=account_id,
                usd=usd,
                state=PaymentState.DECLINED,
            )


def check_channel(conn: Connection, account_id: str, plan: Plan) -> None:
    """Whether a plan is sold through the channel that an account pays through.

    Raises:
        ChannelCannotError: If not.
    """
    channel = channel_of(conn, account_id)
    if channel not in plan.channels:
        raise ChannelCannotError(
            f"plan {plan.name} is paid through {', '.join(plan.channels)}; account {account_id}"
            f" pays through {channel}",
            account=account_id,
            channel=channel,
            plan=plan.name,
        )


def check_trial(conn: Connection, account_id: str) -> None:
    """Whether an account may still have its trial.

    Raises:
        TrialUsedError: If it has had it.
    """
    used = exists().where(LOTS.c.cause == trial_cause(account_id))
    if conn.execute(select(used)).scalar_one():
        raise TrialUsedError(
            f"account {account_id} has had its trial; each account has one", account=account_id
        )


def trial_cause(account_id: str) -> str:
    """The cause that an account's trial is booked under: there is one."""
    return f"trial:{account_id}"


def _grant_trial(
    conn: Connection, account_id: str, plan: Plan, *, at: datetime, ends_at: datetime
) -> None:
    assert plan.trial_days is not None, plan.name
    grant(
        conn,
        account_id,
        Grant(
            kind=LotKind.TRIAL,
            amount=plan.li_minutes,
            effective_at=at,
            expires_at=ends_at,
            cause=trial_cause(account_id),
            description=f"{plan.name}, {counted(plan.trial_days, 'day')}",
        ),
        now=at,
    )
    share_out(conn, account_id, trial_cause(account_id), at=at, now=at)


def _anchor(conn: Connection, account_id: str, at: datetime) -> Anchor:
    """Of the account's own activation for its first subscription, then of each activation."""
    account = conn.execute(
        select(ACCOUNTS.c.timezone, ACCOUNTS.c.activated_at).where(ACCOUNTS.c.id == account_id)
    ).one()
    had_one = select(exists().where(SUBSCRIPTIONS.c.account_id == account_id))
    if not conn.execute(had_one).scalar_one():
        return anchor_of(account.activated_at, account.timezone)
    zone = ZoneInfo(account.timezone)
    day = at.astimezone(zone).date()
    is_legacy = account.activated_at.astimezone(zone).date() < FIRST_ANNIVERSARY_DAY
    return Anchor(day.replace(day=1) if is_legacy else day, account.timezone)
