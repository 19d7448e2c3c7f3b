"""What an account owes, invoice by invoice, and asking for all of it.

A cycle that was not paid has its invoice from its start (C59), a run in money has it once it is
over. It is owed since its invoice was due: its due date, or without one its date of issue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from pricing.ledger.invoices import run_cause
from pricing.ledger.taxed import agreed_gross
from pricing.payments.gateway import Answer, PaymentGateway, PaymentState
from pricing.payments.run_payments import UNCOLLECTED, collect_run, debts_of_runs
from pricing.subscriptions.subscriptions import (
    PeriodPayment,
    Subscription,
    owed_periods,
    pay_period,
)
from pricing.tables import INVOICES, PAYMENTS, PERIODS

_DUE_AT = func.coalesce(INVOICES.c.due_at, INVOICES.c.issued_at)
_OWED = (
    select(
        PAYMENTS.c.cause,
        (PAYMENTS.c.usd_micros + PAYMENTS.c.set_off_usd_micros).label("usd_micros"),
        INVOICES.c.number,
        INVOICES.c.issued_at,
        INVOICES.c.currency,
        INVOICES.c.due_at,
    )
    .join(INVOICES, INVOICES.c.cause == PAYMENTS.c.cause)
    .where(
        PAYMENTS.c.account_id == bindparam("of"),
        PAYMENTS.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(_DUE_AT, INVOICES.c.sequence)
)


_PAID = select(func.coalesce(func.max(PERIODS.c.n), -(10**9))).where(
    PERIODS.c.subscription_id == bindparam("of"), PERIODS.c.payment == PeriodPayment.PAID
)
_FIRST_UNPAID = (
    select(PERIODS.c.n, PERIODS.c.starts_at)
    .where(PERIODS.c.subscription_id == bindparam("of"), PERIODS.c.n > _PAID.scalar_subquery())
    .order_by(PERIODS.c.n)
    .limit(1)
)
_INVOICE_DUE = select(_DUE_AT).where(INVOICES.c.cause == bindparam("of"))


class OwedInvoice(Struct, frozen=True):
    """An invoice of which something is to be paid.

    Attributes:
        number: Its number.
        cause: What it is for.
        issued_at: When.
        due_at: Until when it was to be paid; that of its issue, if nobody was on record who says.
        usd_micros: What is owed of it, tax included.
        currency: In what.
    """

    number: str
    cause: str
    issued_at: datetime
    due_at: datetime
    usd_micros: int
    currency: str


class Asked(Struct, frozen=True):
    """What became of asking for what a period or a run owes."""

    cause: str
    usd_micros: int
    answer: Answer


def owed_invoices(
    conn: Connection,
    subscription: Subscription,
    states: Collection[PaymentState] = (PaymentState.DECLINED,),
) -> tuple[OwedInvoice, ...]:
    """The invoices that could be paid, the one that has been due for longest first.

    None of a cycle that is not owed, since it will be void; none of a run that goes on; and none
    whose payment is pending, since nobody has refused it.

    Args:
        conn: An open connection.
        subscription: The account's latest.
        states: Where their payments are; others than declined ones, if they are asked for.
    """
    given = {"of": subscription.account_id, "states": list(states)}
    rows = conn.execute(_OWED, given).all()
    if not rows:
        return ()
    periods = {subscription.cause_of(n) for n in owed_periods(conn, subscription)}
    return tuple(
        OwedInvoice(
            number=row.number,
            cause=row.cause,
            issued_at=row.issued_at,
            due_at=row.due_at or row.issued_at,
            usd_micros=row.usd_micros,
            currency=row.currency,
        )
        for row in rows
        if row.cause in periods or row.cause.startswith(run_cause(""))
    )


def is_overdue(conn: Connection, subscription: Subscription, now: datetime) -> bool:
    """Whether anything of what is not paid was to be paid by now, as its invoice says.

    What has no invoice, or one without a due date, was to be paid at once.
    """
    unpaid = owed_invoices(conn, subscription, UNCOLLECTED)
    return not unpaid or any(each.due_at < now or each.due_at == each.issued_at for each in unpaid)


def unpaid_since(conn: Connection, subscription: Subscription) -> datetime | None:
    """When the first was due of the cycles since the last that was paid; None: that is the latest.

    Also of those that are not owed any more, being void.
    """
    row = conn.execute(_FIRST_UNPAID, {"of": subscription.id}).one_or_none()
    if row is None:
        return None
    cause = {"of": subscription.cause_of(row.n)}
    due_at: datetime | None = conn.execute(_INVOICE_DUE, cause).scalar_one_or_none()
    return due_at or row.starts_at


def ask_for_all(
    conn: Connection,
    subscription: Subscription,
    *,
    gateway: PaymentGateway,
    at: datetime,
    now: datetime,
) -> Iterator[Asked]:
    """Ask for every unpaid period, the oldest first, then for every unpaid run; as it is iterated.

    Each period that is paid is charged and granted. Whoever iterates may stop at the first that
    is not paid.

    Args:
        conn: An open write transaction.
        subscription: The account's latest.
        gateway: Collects.
        at: When what is paid counts.
        now: The command's instant.
    """
    price, account_id = subscription.plan.monthly_usd_micros, subscription.account_id
    for n in owed_periods(conn, subscription):
        cause = subscription.cause_of(n)
        usd_micros = agreed_gross(conn, cause, price)
        answer = pay_period(conn, subscription, n, gateway=gateway, at=at, now=now)
        yield Asked(cause, usd_micros, answer)
    for run in debts_of_runs(conn, account_id):
        answer = collect_run(conn, account_id, run, gateway=gateway, at=at, now=now)
        yield Asked(run.cause, run.usd_micros, answer)


def is_paid(asked: Asked) -> bool:
    """Whether the gateway collected it."""
    return asked.answer.state is PaymentState.ACCEPTED
