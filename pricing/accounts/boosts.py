"""Boosts: bought once, as many LI-minutes as the plan grants in a month (R77-R80)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.accounts.command import CommandContext, begin_command
from pricing.accounts.purchases import Purchase, buy
from pricing.ledger.lots import LotKind
from pricing.payments.collecting import check_charges_at_once
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.subscriptions.changes import ChangeKind


class NoBoostError(RefusedError):
    """The plan is sold without boosts; facts: ``account``, ``plan``."""

    code = "no_boost"


def boost(
    conn: Connection,
    account_id: str,
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Add one boost's LI-minutes and charge for them, both or neither (R79).

    It can be had again, under another request id (C15). While a downgrade is pending, the smaller
    plan's terms count (R80, C16).

    Raises:
        NotSubscribedError: If the account is on demand, on trial, or has cancelled.
        NoBoostError: If its plan is sold without.
        ChannelCannotError: If its payment channel charges on billing dates only (C23).
        CancellationPendingError, PaymentOverdueError: If the subscription will end, or is unpaid.
        PaymentFailedError: If the price could not be collected; nothing was done.
    """
    context = begin_command(
        conn, account_id, "boost", {}, request_id=request_id, gateway=gateway, now=now
    )
    if context is None:
        return
    plan = boosted_plan(conn, context)
    buy(
        conn,
        context,
        Purchase(
            kind=LotKind.BOOST,
            cause=f"subscription:{context.subscription.id}:boost:{request_id}",
            description=f"boost of {plan.name}",
            usd_micros=plan.price_of_boost_usd_micros,
            li_minutes=plan.li_minutes,
            rollover=plan.rollover,
            revenue="revenue:boost",
        ),
        gateway=gateway,
    )


def boosted_plan(conn: Connection, context: CommandContext) -> Plan:
    """The plan whose terms a boost has as things stand; nothing is written.

    While a downgrade is pending that is the smaller one (C16).

    Raises:
        NotSubscribedError, NoBoostError, ChannelCannotError, CancellationPendingError,
            PaymentOverdueError: As ``boost``.
    """
    context.check_subscribed("be boosted")
    smaller = context.changes(conn).get(ChangeKind.DOWNGRADE)
    plan = context.subscription.plan if smaller is None or smaller.plan is None else smaller.plan
    if not plan.boosts:
        raise NoBoostError(
            f"account {context.account_id}: plan {plan.name} is sold without boosts",
            account=context.account_id,
            plan=plan.name,
        )
    context.check_not_cancelled(conn)
    context.check_paid(conn)
    if plan.price_of_boost_usd_micros:
        check_charges_at_once(conn, context.account_id)
    return plan
