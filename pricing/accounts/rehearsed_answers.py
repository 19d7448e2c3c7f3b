"""What a rehearsed bank answers later: a payment that it delayed, when it is reconciled.

The rehearsed gateway remembers nothing and sends no messages. Whoever reconciles asks it again, and
it has made up its mind by then: it was collected, as far as anything rehearsed is.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from pricing.accounts.overdue import payment_answered, run_payment_answered
from pricing.ledger.invoices import run_cause
from pricing.payments.gateway import PaymentGateway, PaymentState
from pricing.tables import PAYMENTS, accounts_with

_DELAYED = (PAYMENTS.c.state == PaymentState.DELAYED) & PAYMENTS.c.rehearsed.is_(True)


def accounts_with_delayed(conn: Connection, after: str, *, limit: int) -> tuple[str, ...]:
    """The next accounts, by id, of which a rehearsed payment has no answer."""
    return accounts_with(conn, PAYMENTS, _DELAYED, after, limit=limit)


def answer_delayed(
    conn: Connection,
    account_id: str,
    *,
    not_since: datetime | None,
    now: datetime,
    gateway: PaymentGateway,
) -> tuple[tuple[str, int, bool], ...]:
    """Answer an account's rehearsed payments that were delayed: they are collected by now.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        not_since: One that was asked for after this is left alone; None: none is.
        now: The command's instant.
        gateway: The rehearsed one.

    Returns:
        Each of them: what it is for, how much it is of, and whether it is booked by that.
    """
    asked = select(PAYMENTS.c.cause, PAYMENTS.c.usd_micros, PAYMENTS.c.asked_at).where(
        PAYMENTS.c.account_id == account_id, _DELAYED
    )
    delayed = conn.execute(asked.order_by(PAYMENTS.c.asked_at, PAYMENTS.c.cause)).all()
    return tuple(
        (
            row.cause,
            int(row.usd_micros),
            _is_booked(conn, account_id, row.cause, now=now, gateway=gateway),
        )
        for row in delayed
        if not_since is None or row.asked_at <= not_since
    )


def _is_booked(
    conn: Connection, account_id: str, cause: str, *, now: datetime, gateway: PaymentGateway
) -> bool:
    accepted = PaymentState.ACCEPTED
    if cause.startswith(run_cause("")):
        run_id = cause.removeprefix(run_cause(""))
        return run_payment_answered(conn, account_id, run_id, accepted, now=now, gateway=gateway)
    return payment_answered(conn, account_id, cause, accepted, now=now, gateway=gateway)
