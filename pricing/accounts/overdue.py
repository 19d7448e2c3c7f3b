"""Periods and runs that could not be collected: tried again, or answered by the gateway late (C24).

A payment of a period that comes later grants once, for the same period; one of a run only pays
what the run cost. What was void in the meantime is never collected.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection, select

from kernel.errors import BadInputError, RefusedError
from pricing.accounts.account import check_not_deleted
from pricing.accounts.advance import advance
from pricing.accounts.command import begin_command
from pricing.accounts.pending import PaymentPendingError
from pricing.ledger.invoices import run_cause
from pricing.money import format_usd
from pricing.payments.cards import check_card
from pricing.payments.collecting import (
    ChannelCannotError,
    PaymentFailedError,
    book_payment,
    channel_of,
    record_answer,
)
from pricing.payments.credit import still_covers
from pricing.payments.gateway import Answer, PaymentGateway, PaymentState
from pricing.payments.run_payments import debts_of_runs, take_back_credit
from pricing.plans.channels import Channel
from pricing.subscriptions.changes import ChangeKind, open_changes
from pricing.subscriptions.owed import Asked, ask_for_all, is_paid
from pricing.subscriptions.subscriptions import (
    Subscription,
    book_period,
    latest,
    owed_periods,
)
from pricing.tables import ACCOUNTS, PAYMENTS


class NothingDueError(RefusedError):
    """Everything has been paid; facts: ``account``."""

    code = "nothing_due"


class NotAnAnswerError(BadInputError):
    """A gateway's message that says neither accepted nor declined; facts: ``state``."""

    code = "not_an_answer"


def set_card(
    conn: Connection,
    account_id: str,
    card: str,
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Put another card on record; what is owed is tried again by ``pay``, or by the schedule.

    Raises:
        BadCardError: It is no name of a card.
        ChannelCannotError: If the account pays otherwise: nobody would charge the card (C23).
    """
    check_card(card)
    context = begin_command(
        conn, account_id, "card", {"card": card}, request_id=request_id, gateway=gateway, now=now
    )
    if context is not None:
        channel = channel_of(conn, account_id)
        if channel is not Channel.CARD:
            raise ChannelCannotError(
                f"account {account_id} pays by {channel}; a card would never be charged",
                account=account_id,
                channel=channel,
            )
        others = (ACCOUNTS.c.id == account_id) & ACCOUNTS.c.card.is_distinct_from(card)
        conn.execute(ACCOUNTS.update().where(others).values(card=card, card_lost=None))


def pay(
    conn: Connection,
    account_id: str,
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Try to collect every unpaid period, the oldest first, then every unpaid run.

    Each period that is paid is granted now. The first that cannot be collected ends it; what was
    collected before that stays.

    Raises:
        NothingDueError: If everything has been paid; unpaid periods do not count once the account
            is on demand, since they will be void.
        PaymentFailedError: If the first could not be collected; nothing was done.
        PaymentPendingError: If the bank has not answered for the first.
    """
    context = begin_command(
        conn, account_id, "pay", {}, request_id=request_id, gateway=gateway, now=now
    )
    if context is None:
        return
    at = context.at
    asked = ask_for_all(conn, context.subscription, gateway=gateway, at=at, now=at)
    first = next(asked, None)
    if first is None:
        raise NothingDueError(f"account {account_id}: nothing is overdue", account=account_id)
    if not is_paid(first):
        raise _not_paid(account_id, first)
    all(is_paid(each) for each in asked)


def _not_paid(account_id: str, asked: Asked) -> RefusedError:
    """Why nothing was collected: a bank that answers later has refused nothing."""
    usd, reason = format_usd(asked.usd_micros), asked.answer.reason
    if asked.answer.state is PaymentState.DELAYED:
        return PaymentPendingError(
            f"account {account_id}: the payment of {usd} USD is pending ({reason}); nothing failed,"
            f" and `loadmuster account reconcile {account_id}` asks the bank again",
            account=account_id,
            usd=usd,
            key=asked.cause,
            reason=reason,
        )
    another = "; put another card on record" if asked.answer.is_final else ""
    return PaymentFailedError(
        f"account {account_id}: {usd} USD could not be collected: {reason}{another}",
        account=account_id,
        usd=usd,
        reason=asked.answer.state,
    )


def payment_answered(
    conn: Connection,
    account_id: str,
    key: str,
    state: PaymentState,
    *,
    now: datetime,
    gateway: PaymentGateway,
) -> bool:
    """Take a gateway's message about a delayed payment.

    Messages may come late, twice, and out of order: the effect is keyed by the payment, so that
    one about a subscription that is over never pays for the next one. While the account is on
    demand and may have its plan back, a payment that was made is booked all the same: the period
    is charged and granted under its plan, and its credits are suspended with the others (C2).

    Args:
        conn: An open write transaction.
        account_id: Whose.
        key: What the payment was asked for under: ``subscription:1:period:3``.
        state: What became of it.
        now: The command's instant.
        gateway: Asked for what becomes due meanwhile.

    Returns:
        Whether it granted anything.

    Raises:
        NotAnAnswerError: If it is neither accepted nor declined.
    """
    _check_answer(state)
    instant = advance(conn, account_id, now, gateway=gateway)
    check_not_deleted(conn, account_id)
    subscription = as_it_was_bought(conn, latest(conn, account_id))
    unpaid = {subscription.cause_of(n): n for n in owed_periods(conn, subscription)}
    n = unpaid.get(key)
    if n is None or _is_set_off_elsewhere(conn, account_id, key):
        return False
    record_answer(conn, key, Answer(state, "answered late"))
    if state is PaymentState.ACCEPTED:
        book_period(conn, subscription, n, at=instant, now=instant)
    return state is PaymentState.ACCEPTED


def _is_set_off_elsewhere(conn: Connection, account_id: str, cause: str) -> bool:
    """Whether credit that was to be set off has been spent, since the bank had said no before."""
    wanted = select(PAYMENTS.c.set_off_usd_micros).where(PAYMENTS.c.cause == cause)
    set_off = conn.execute(wanted).scalar_one_or_none() or 0
    return not still_covers(conn, account_id, cause, int(set_off))


def as_it_was_bought(conn: Connection, subscription: Subscription) -> Subscription:
    """The subscription on the plan whose periods were asked for, if the account left it since."""
    if subscription.ended_at is not None or subscription.plan.has_periods:
        return subscription
    switch = open_changes(conn, subscription.id).get(ChangeKind.ON_DEMAND)
    if switch is None or switch.plan is None:
        return subscription
    return replace(subscription, terms=replace(subscription.terms, plan=switch.plan))


def run_payment_answered(
    conn: Connection,
    account_id: str,
    run_id: str,
    state: PaymentState,
    *,
    now: datetime,
    gateway: PaymentGateway,
) -> bool:
    """Take a gateway's message about the delayed payment of a run; it may come late, or twice.

    Returns:
        Whether it paid anything.

    Raises:
        NotAnAnswerError: If it is neither accepted nor declined.
    """
    _check_answer(state)
    instant = advance(conn, account_id, now, gateway=gateway)
    cause = run_cause(run_id)
    debt = next((debt for debt in debts_of_runs(conn, account_id) if debt.cause == cause), None)
    if debt is None:
        return False
    record_answer(conn, cause, Answer(state, "answered late"))
    if state is PaymentState.DECLINED:
        take_back_credit(conn, account_id, debt, at=instant)
    return book_payment(conn, cause, run_id, at=instant, now=instant) > 0


def _check_answer(state: PaymentState) -> None:
    if state not in {PaymentState.ACCEPTED, PaymentState.DECLINED}:
        raise NotAnAnswerError(
            f"a payment was {state}: accepted or declined would be an answer", state=state
        )
