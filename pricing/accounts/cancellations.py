"""The end of a subscription: asked for, confirmed, pending, in effect, and renewed (R56-R65).

An administrator asks; the request counts once a representative has confirmed it. It takes effect
at the first boundary after that (C30): no charge, no grant, what is left is void. Saved tests stay
to be looked at, nothing can be launched, and run history is kept for one more month, counted from
the anchor. In that month the subscription can be renewed (C25, C26).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.accounts.account import day_and_time, shown
from pricing.accounts.administrators import Asker, check_administrator
from pricing.accounts.command import CommandContext, begin_command
from pricing.accounts.owner import OWNER
from pricing.payments.gateway import PaymentGateway
from pricing.periods import period
from pricing.subscriptions.activation import activate
from pricing.subscriptions.changes import (
    Change,
    ChangeKind,
    ChangeState,
    confirm,
    end_change,
    request_change,
)
from pricing.subscriptions.subscriptions import Subscription, last_opened


class NoCancellationError(RefusedError):
    """There is no request to confirm; facts: ``account``, ``status``."""

    code = "no_cancellation"


class CancellationRequestedError(RefusedError):
    """The cancellation has been asked for already; facts: ``account``, ``by``, ``state``."""

    code = "cancellation_asked"


class OwnRequestError(RefusedError):
    """A request is verified by another than who made it (R58); facts: ``account``, ``by``."""

    code = "own_request"


class NotRenewableError(RefusedError):
    """Nothing that could be renewed, or too late; facts: ``account``, ``until``."""

    code = "not_renewable"


def cancel(
    conn: Connection,
    account_id: str,
    *,
    user: str,
    by: str | None = None,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Ask for the end of a subscription; nothing changes before a representative confirms it.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        user: Who is known to ask.
        by: In whose name, an administrator's; None: the own.
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now.

    Raises:
        NotAdministratorError: If somebody else asks.
        NotSubscribedError: If there is no subscription to cancel.
        CancellationAskedError: If that has been asked for already.
    """
    asker = Asker(user, by)
    context = begin_command(
        conn,
        account_id,
        "cancel",
        {"by": asker.name},
        request_id=request_id,
        gateway=gateway,
        now=now,
    )
    if context is None:
        return
    check_administrator(conn, account_id, asker, otherwise="; ask {names} to send the request")
    context.check_subscribed("cancel")
    earlier = context.changes(conn).get(ChangeKind.CANCELLATION)
    if earlier is not None:
        raise CancellationRequestedError(
            f"account {account_id}: {earlier.requested_by} has asked for the cancellation already;"
            f" it is {earlier.state}",
            account=account_id,
            by=earlier.requested_by,
            state=earlier.state,
        )
    request_change(
        conn,
        account_id,
        context.subscription.id,
        ChangeKind.CANCELLATION,
        boundary=None,
        requested_by=asker.name,
        now=context.at,
    )


def confirm_cancel(
    conn: Connection,
    account_id: str,
    *,
    now: datetime,
    request_id: str,
    representative: str | None = None,
    user: str = OWNER,
    gateway: PaymentGateway,
) -> None:
    """Confirm a cancellation, as a representative: it takes effect at the next boundary (R59, R60).

    A downgrade that was waiting for the same boundary is withdrawn.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        now: The command's instant.
        request_id: The caller's id of this request.
        representative: Who has verified the request; None: who is known to confirm it (C60).
        user: Who is known to confirm it.
        gateway: Collects what is due by now.

    Raises:
        NoCancellationError: If none has been asked for, or it is confirmed already.
        OwnRequestError: If whoever asked for it would confirm it too.
    """
    context = begin_command(
        conn,
        account_id,
        "confirm-cancel",
        {"representative": representative},
        request_id=request_id,
        gateway=gateway,
        now=now,
    )
    if context is None:
        return
    change = _cancellation(conn, context)
    if change is None or change.state is not ChangeState.REQUESTED:
        raise NoCancellationError(
            f"account {account_id}: there is no cancellation to confirm"
            + ("" if change is None else "; it is confirmed already"),
            account=account_id,
            status="none" if change is None else change.state,
        )
    verified_by = representative or user
    if verified_by == change.requested_by != OWNER:
        raise OwnRequestError(
            f"account {account_id}: {verified_by} has asked for the cancellation, and somebody else"
            " confirms it: a representative",
            account=account_id,
            by=verified_by,
        )
    # An administrator's request from before the account went on demand has nothing to end.
    context.check_subscribed("cancel")
    smaller = context.changes(conn).get(ChangeKind.DOWNGRADE)
    if smaller is not None:
        end_change(conn, smaller, ChangeState.WITHDRAWN, context.at)
    confirm(
        conn,
        change,
        by=verified_by,
        boundary=context.boundary,
        now=context.at,
    )


def renew(
    conn: Connection,
    account_id: str,
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Take a cancellation back, or within a month of its effect subscribe again (R63, C26).

    Before it takes effect, withdrawing it changes nothing. Afterwards the same terms begin anew,
    on a new anchor, charged and granted at once; the old credits stay void.

    Raises:
        NotRenewableError: If there is nothing to renew, or the month has passed.
        PaymentOverdueError: If a run has not been paid (C42).
        PaymentFailedError: If the first period could not be collected; nothing was done.
    """
    context = begin_command(
        conn, account_id, "renew", {}, request_id=request_id, gateway=gateway, now=now
    )
    if context is None:
        return
    subscription = context.subscription
    change = _cancellation(conn, context)
    if change is not None:
        end_change(conn, change, ChangeState.WITHDRAWN, context.at)
        return
    until = kept_until(conn, subscription)
    if until is None or context.at >= until:
        raise NotRenewableError(
            f"account {account_id}: "
            + (
                "there is no cancelled subscription to renew"
                if until is None
                else f"a renewal was possible until {day_and_time(until)}; choose a plan"
            ),
            account=account_id,
            until=None if until is None else shown(until),
        )
    context.check_paid(conn)
    activate(
        conn,
        account_id,
        subscription.plan,
        at=context.at,
        gateway=gateway,
        request_id=context.request_id,
    )


def kept_until(conn: Connection, subscription: Subscription) -> datetime | None:
    """Until when a cancelled subscription can be renewed and its run history is kept.

    One month from the effect, counted from the anchor (C25): the period after the last that was
    opened, whatever the time zone's rules were when it ended. None: it was not cancelled.
    """
    if subscription.ended_at is None or not subscription.plan.has_periods:
        return None
    last = last_opened(conn, subscription.id)
    assert last is not None, "what had periods was paid for one"
    return period(subscription.anchor, last + 1).end


def _cancellation(conn: Connection, context: CommandContext) -> Change | None:
    if context.subscription.ended_at is not None:
        return None
    return context.changes(conn).get(ChangeKind.CANCELLATION)
