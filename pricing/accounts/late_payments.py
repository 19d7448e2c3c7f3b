"""Money whose answer came late: it pays for what it was asked for, or becomes the credit (C50)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pricing.accounts.overdue import as_it_was_bought
from pricing.ledger.taxed import agreed_gross
from pricing.payments.attempts import (
    Attempt,
    Outcome,
    give_outcome,
    unfinished_attempts,
)
from pricing.payments.collecting import record_answer
from pricing.payments.credit import still_covers
from pricing.payments.gateway import Answer, PaymentState
from pricing.payments.run_payments import UNCOLLECTED, book_run_payment, debts_of_runs
from pricing.payments.unplaced import place
from pricing.subscriptions.subscriptions import book_period, latest, owed_periods
from pricing.tables import PAYMENTS


def place_late_money(conn: Connection, account_id: str, *, now: datetime) -> tuple[Attempt, ...]:
    """Give all money of periods and runs its place that was collected and is not booked yet.

    Args:
        conn: An open write transaction, the account's books being up to date.
        account_id: Whose.
        now: The account's instant.

    Returns:
        The attempts whose money has its place now.
    """
    placed = [
        each
        for each in unfinished_attempts(conn, account_id)
        if each.is_unspent and not each.request.at_once
    ]
    for attempt in placed:
        if _pays_run(conn, attempt, now) or _pays_period(conn, attempt, now):
            give_outcome(conn, attempt, Outcome.BOOKED)
        else:
            place(conn, attempt, now=now)
    return tuple(placed)


def _pays_run(conn: Connection, attempt: Attempt, now: datetime) -> bool:
    request = attempt.request
    states = (PaymentState.DUE, *UNCOLLECTED)
    for debt in debts_of_runs(conn, request.account_id, states):
        if debt.cause == request.purpose and debt.usd_micros <= request.usd_micros:
            _record(conn, attempt)
            book_run_payment(conn, request.account_id, debt, now=now)
            return True
    return False


def _pays_period(conn: Connection, attempt: Attempt, now: datetime) -> bool:
    request = attempt.request
    subscription = as_it_was_bought(conn, latest(conn, request.account_id))
    price = subscription.plan.monthly_usd_micros
    for n in owed_periods(conn, subscription):
        cause = subscription.cause_of(n)
        if cause != request.purpose:
            continue
        is_price = agreed_gross(conn, cause, price) == request.price_usd_micros
        set_off = request.set_off_usd_micros
        if is_price and still_covers(conn, request.account_id, cause, set_off):
            _record(conn, attempt)
            book_period(conn, subscription, n, at=now, now=now)
            return True
    return False


def _record(conn: Connection, attempt: Attempt) -> None:
    cause = attempt.request.purpose
    record_answer(conn, cause, Answer(PaymentState.ACCEPTED, "answered late"))
    request = attempt.request
    conn.execute(
        PAYMENTS.update()
        .where(PAYMENTS.c.cause == cause)
        .values(
            usd_micros=request.usd_micros,
            set_off_usd_micros=request.set_off_usd_micros,
            key=request.key,
        )
    )
