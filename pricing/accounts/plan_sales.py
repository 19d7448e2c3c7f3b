"""Whether a change of plan is sold to an account: what commands, offers and refusals all ask.

Nothing here writes. What is refused is refused as the command itself would, so whatever is
recommended can be done as things stand.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.account import day_and_time, shown
from pricing.accounts.command import CommandContext, NotSubscribedError
from pricing.ledger.allocations import check_allocations_fit
from pricing.money import format_usd
from pricing.payments.collecting import check_charges_at_once
from pricing.plans.model import Plan, Sale
from pricing.subscriptions.activation import check_channel, check_trial
from pricing.subscriptions.changes import ChangeKind


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
    raise UndoFirstError(
        f"account {context.account_id} was on {switch.plan.name} and gets it back for nothing until"
        f" {day_and_time(switch.effective_at)}: undo first",
        account=context.account_id,
        plan=switch.plan.name,
        wanted=wanted.name if wanted else None,
        until=shown(switch.effective_at),
    )


class UpgradeTerms(Struct, frozen=True):
    """What an upgrade comes to.

    Attributes:
        usd_micros: Charged at once.
        li_minutes: Granted at once; below nothing, where the dearer plan grants less.
    """

    usd_micros: int
    li_minutes: int


def upgrade_terms(
    conn: Connection, context: CommandContext, wanted: Plan, agreed_with: str | None = None
) -> UpgradeTerms:
    """What an upgrade to a plan costs and grants as things stand.

    Between subscriptions that is the whole difference (R36-R38); from on-demand, a trial or a
    cancelled subscription, the plan's own price and grant.

    Raises:
        RefusedError: As ``plan_changes.upgrade``, but for a payment that fails.
    """
    if not context.subscription.has_periods:
        return _first_terms(conn, context, wanted, agreed_with)
    account_id, plan = context.account_id, context.subscription.plan
    check_other(account_id, plan, wanted)
    if wanted.monthly_usd_micros <= plan.monthly_usd_micros or not wanted.has_periods:
        raise _wrong_direction(account_id, plan, wanted, right="downgrade")
    check_sale(account_id, plan, wanted, agreed_with)
    check_channel(conn, account_id, wanted)
    context.check_not_cancelled(conn)
    context.check_paid(conn)
    check_allocations_fit(conn, account_id, wanted)
    check_charges_at_once(conn, account_id)
    return UpgradeTerms(
        wanted.monthly_usd_micros - plan.monthly_usd_micros, wanted.li_minutes - plan.li_minutes
    )


def check_downgrade(
    conn: Connection, context: CommandContext, wanted: Plan, agreed_with: str | None = None
) -> None:
    """Whether an account may be on a smaller plan from the next boundary on.

    Raises:
        RefusedError: As ``plan_changes.downgrade``.
    """
    account_id, plan = context.account_id, context.subscription.plan
    context.check_subscribed("downgrade")
    if not wanted.has_periods:
        raise NotSubscribedError(
            f"account {account_id}: {wanted.name} is no smaller subscription; to go on demand is a"
            " command of its own: to-on-demand",
            account=account_id,
            plan=plan.name,
        )
    check_other(account_id, plan, wanted)
    if wanted.monthly_usd_micros > plan.monthly_usd_micros:
        raise _wrong_direction(account_id, plan, wanted, right="upgrade")
    check_sale(account_id, plan, wanted, agreed_with)
    check_channel(conn, account_id, wanted)
    context.check_not_cancelled(conn)
    check_allocations_fit(conn, account_id, wanted)


def check_on_demand(
    conn: Connection, context: CommandContext, on_demand: Plan, agreed_with: str | None = None
) -> None:
    """Whether an account may go on demand now.

    Raises:
        RefusedError: As ``on_demand.to_on_demand``.
    """
    account_id, subscription = context.account_id, context.subscription
    if subscription.ended_at is None:
        if not subscription.plan.is_subscription:
            raise SamePlanError(
                f"account {account_id} is on plan {subscription.plan.name} already",
                account=account_id,
                plan=subscription.plan.name,
            )
        if subscription.plan.trial_days is None:
            check_sale(account_id, subscription.plan, on_demand, agreed_with)
        context.check_not_cancelled(conn)
    check_channel(conn, account_id, on_demand)


def _first_terms(
    conn: Connection, context: CommandContext, wanted: Plan, agreed_with: str | None
) -> UpgradeTerms:
    account_id, subscription = context.account_id, context.subscription
    if subscription.ended_at is None:
        check_no_undo(conn, context, wanted)
        check_other(account_id, subscription.plan, wanted)
    if not wanted.is_subscription:
        raise _wrong_direction(account_id, subscription.plan, wanted, right="to-on-demand")
    check_sale(account_id, None, wanted, agreed_with)
    if wanted.monthly_usd_micros:
        context.check_paid(conn)
    check_allocations_fit(conn, account_id, wanted)
    check_channel(conn, account_id, wanted)
    if wanted.trial_days is not None:
        check_trial(conn, account_id)
    return UpgradeTerms(wanted.monthly_usd_micros, wanted.li_minutes)


def check_other(account_id: str, plan: Plan, wanted: Plan) -> None:
    """Refuse the plan that the account has.

    Raises:
        SamePlanError: If it is that one, with as many credits.
    """
    if (plan.name, plan.li_minutes) == (wanted.name, wanted.li_minutes):
        price = format_usd(plan.monthly_usd_micros)
        newer = (
            ""
            if wanted.monthly_usd_micros == plan.monthly_usd_micros
            else f"; it is sold for {format_usd(wanted.monthly_usd_micros)} USD by now, and stays"
            " as it was bought until a notice"
        )
        raise SamePlanError(
            f"account {account_id} is on plan {plan.name} already"
            f" ({price} USD, {counted(plan.li_minutes, 'LI-minute')} a month){newer}",
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
