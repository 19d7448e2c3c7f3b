"""What an account has not paid: periods that were not collected, and runs."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.ledger.taxed import agreed_gross
from pricing.money import format_usd
from pricing.payments.gateway import PaymentState
from pricing.payments.run_payments import debts_of_runs
from pricing.subscriptions.subscriptions import Subscription, owed_periods
from pricing.tables import PAYMENTS

_DELAYED = select(PAYMENTS.c.cause).where(
    PAYMENTS.c.account_id == bindparam("of"), PAYMENTS.c.state == PaymentState.DELAYED
)


class PaymentOverdueError(RefusedError):
    """A period or a run has not been paid; facts: ``account``, ``periods``, ``runs``, ``usd``."""

    code = "payment_overdue"


class Debts(Struct, frozen=True):
    """What could not be collected.

    Attributes:
        periods: Of how many periods.
        runs: Of how many runs.
        usd_micros: How much, with tax.
        pending_usd_micros: What of that no bank has refused, nor answered for.
    """

    periods: int
    runs: int
    usd_micros: int
    pending_usd_micros: int


def debts_of(conn: Connection, subscription: Subscription) -> Debts:
    """What an account has not paid and could pay, the gateway having been asked.

    Args:
        conn: An open connection.
        subscription: The account's latest.
    """
    price = subscription.plan.monthly_usd_micros
    periods = {
        cause: agreed_gross(conn, cause, price)
        for cause in map(subscription.cause_of, owed_periods(conn, subscription))
    }
    runs = {run.cause: run.usd_micros for run in debts_of_runs(conn, subscription.account_id)}
    owed = {**periods, **runs}
    pending = 0
    if owed:
        delayed = conn.execute(_DELAYED, {"of": subscription.account_id}).scalars()
        pending = sum(owed.get(cause, 0) for cause in delayed)
    return Debts(len(periods), len(runs), sum(owed.values()), pending)


def check_paid(conn: Connection, subscription: Subscription) -> None:
    """Refuse to sell more for money to who has not paid.

    Args:
        conn: An open connection.
        subscription: The account's latest.

    Raises:
        PaymentOverdueError: If a period or a run could not be collected.
    """
    account_id = subscription.account_id
    debts = debts_of(conn, subscription)
    if debts.periods or debts.runs:
        owed = format_usd(debts.usd_micros)
        counts = {"period": debts.periods, "run": debts.runs}
        parts = " and ".join(counted(number, noun) for noun, number in counts.items() if number)
        raise PaymentOverdueError(
            f"account {account_id}: {owed} USD for {parts} could not be collected; pay first",
            account=account_id,
            periods=debts.periods,
            runs=debts.runs,
            usd=owed,
        )
