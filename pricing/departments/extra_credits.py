"""Extra credits: LI-minutes beyond the plan's, bought as runs need them, up to a limit (R105-R108).

The account sets how many it may buy in a billing period (R107, C19); the count starts again with
each period. A run that its lots do not cover takes what is missing as extra credits, last of all
(R108, C20). They are bought in the moment in which the run starts, at the rate of the tariff that
the run was quoted with, and belong to the account from then on: what a cancelled run gives back of
them stays in their lot. Only accounts that pay by card can buy any (R105).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, select

from kernel.errors import BadInputError, RefusedError
from kernel.words import counted
from pricing.accounts.account import check_not_deleted
from pricing.accounts.advance import advance
from pricing.ledger import idempotency
from pricing.ledger.invoices import run_cause
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.ledger.lots import ISSUED, PRIORITIES, LotKind, ledger_account
from pricing.ledger.reservations import Reservation, ReservationState
from pricing.ledger.taxed import owed_by, taxed
from pricing.money import to_cents_half_up
from pricing.payments.collecting import capabilities_of, channel_of
from pricing.payments.gateway import PaymentGateway
from pricing.periods import Period
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.subscriptions.subscriptions import latest
from pricing.tables import (
    EXTRA_CREDIT_LIMITS,
    EXTRA_PURCHASES,
    LOTS,
    RESERVATIONS,
)
from pricing.tariffs import load_tariff

REVENUE_EXTRA = "revenue:extra-credits"
LIMIT_MAX = 1_000_000_000
"""Credits a period; more is a slip of the keyboard."""


class ExtraCreditsRefusedError(RefusedError):
    """The account cannot have extra credits; facts: ``account``, ``plan``, ``channel``."""

    code = "extra_credits_refused"


class ExtraCredits(Struct, frozen=True):
    """An account's extra credits in one billing period.

    Attributes:
        account_id: Whose.
        period: The billing period; None: the account has none now.
        limit_li_minutes: How many it may buy in it: what it set, as far as its plan allows.
        bought_li_minutes: How many the runs that started in it bought.
        reserved_li_minutes: How many the runs that have not started will buy.
        usd_micros_each: What one costs now; None: the plan's tariff has no rate.
    """

    account_id: str
    period: Period | None
    limit_li_minutes: int
    bought_li_minutes: int
    reserved_li_minutes: int
    usd_micros_each: int | None

    @property
    def available_li_minutes(self) -> int:
        """How many one more run may buy; a limit set below what was bought takes nothing back."""
        taken = self.bought_li_minutes + self.reserved_li_minutes
        return max(self.limit_li_minutes - taken, 0)


def limit_extra_credits(
    conn: Connection,
    account_id: str,
    limit_li_minutes: int,
    *,
    now: datetime,
    request_id: str | None = None,
    gateway: PaymentGateway,
) -> ExtraCredits:
    """Set how many extra credits an account may buy in a billing period; 0: none.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        limit_li_minutes: Credits a period (R109: one is one minute of one load generator).
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now.

    Raises:
        BadInputError: If the limit is negative, or beyond reason.
        ExtraCreditsRefusedError: If the account is on demand, does not pay by card, or its plan is
            not sold with so many, or its tariff has no price for a credit.
        AccountDeletedError: If it was deleted.
        RequestConflictError: If the request id stands for something else.
    """
    if not 0 <= limit_li_minutes <= LIMIT_MAX:
        raise BadInputError(
            f"extra credits of account {account_id}: a limit of {limit_li_minutes:,} will not do;"
            f" 0 to {LIMIT_MAX} would",
            account=account_id,
            limit=limit_li_minutes,
        )
    instant = advance(conn, account_id, now, gateway=gateway)
    if idempotency.remember(
        conn,
        account_id,
        request_id,
        command="extra-credits",
        content={"limit": limit_li_minutes},
        now=instant,
    ):
        check_not_deleted(conn, account_id)
        if limit_li_minutes:
            check_can_buy(conn, account_id, instant, limit_li_minutes)
        _set_limit(conn, account_id, limit_li_minutes)
    return extra_credits_of(conn, account_id, instant)


def extra_credits_of(conn: Connection, account_id: str, at: datetime) -> ExtraCredits:
    """An account's extra credits in the billing period that holds ``at``."""
    subscription = latest(conn, account_id)
    period = subscription.period_at(at)
    limit = conn.execute(
        select(EXTRA_CREDIT_LIMITS.c.limit_li_minutes).where(
            EXTRA_CREDIT_LIMITS.c.account_id == account_id
        )
    ).scalar_one_or_none()
    can_buy = period is not None and capabilities_of(conn, account_id).extra_credits
    return ExtraCredits(
        account_id=account_id,
        period=period,
        limit_li_minutes=min(limit or 0, _most(subscription.plan)) if can_buy else 0,
        bought_li_minutes=_bought(conn, account_id, period) if period else 0,
        reserved_li_minutes=_reserved(conn, account_id),
        usd_micros_each=_rate(conn, account_id, at) if period else None,
    )


def price_of(quote: Quote, li_minutes: int) -> int | None:
    """What extra credits for a quoted run cost, in whole cents; None: its tariff has no rate."""
    rate = load_tariff(quote.tariff, quote.tariff_version).usd_micros_per_unit
    return None if rate is None else to_cents_half_up(rate * li_minutes)


def insert_extra_lot(
    conn: Connection, account_id: str, run_id: str, li_minutes: int, at: datetime
) -> int:
    """A lot for what a run will buy; it is empty until the run starts.

    Returns:
        Its id.
    """
    lot_id: int = conn.execute(
        LOTS.insert()
        .values(
            account_id=account_id,
            kind=LotKind.EXTRA,
            priority=PRIORITIES[LotKind.EXTRA],
            amount=li_minutes,
            effective_at=at,
            expires_at=None,
            created_at=at,
            cause=f"{run_cause(run_id)}:extra",
        )
        .returning(LOTS.c.id)
    ).scalar_one()
    return lot_id


def insert_purchase(conn: Connection, run_id: str, lot_id: int, usd_micros: int) -> None:
    """Note what a run will pay for its extra credits, beside its reservation."""
    conn.execute(
        EXTRA_PURCHASES.insert().values(run_id=run_id, lot_id=lot_id, usd_micros=usd_micros)
    )


def charge_purchase(conn: Connection, reservation: Reservation, at: datetime) -> int:
    """Buy the extra credits that a run was promised, as it starts; nothing if there are none.

    Returns:
        Micro-dollars that the run owes for them, tax included.
    """
    bought = conn.execute(
        select(EXTRA_PURCHASES.c.lot_id, EXTRA_PURCHASES.c.usd_micros, LOTS.c.amount)
        .join(LOTS, LOTS.c.id == EXTRA_PURCHASES.c.lot_id)
        .where(EXTRA_PURCHASES.c.run_id == reservation.run_id)
    ).one_or_none()
    if bought is None:
        return 0
    cause = run_cause(reservation.run_id)
    charge = taxed(
        conn,
        Transaction(
            account_id=reservation.account_id,
            natural_key=f"{cause}:extra",
            cause=cause,
            description=f"{reservation.title}, {counted(bought.amount, 'extra credit')}",
            effective_at=at,
            recorded_at=at,
            postings=(
                Posting("receivable", Unit.USD, bought.usd_micros),
                Posting(REVENUE_EXTRA, Unit.USD, -bought.usd_micros),
                Posting(ledger_account(bought.lot_id), Unit.LI_MINUTES, bought.amount),
                Posting(ISSUED, Unit.LI_MINUTES, -bought.amount),
            ),
        ),
    )
    post(conn, charge)
    return owed_by(charge)


def _set_limit(conn: Connection, account_id: str, limit_li_minutes: int) -> None:
    """The books are locked: nobody else writes between the two."""
    changed = conn.execute(
        EXTRA_CREDIT_LIMITS.update()
        .where(EXTRA_CREDIT_LIMITS.c.account_id == account_id)
        .values(limit_li_minutes=limit_li_minutes)
    )
    if not changed.rowcount:
        conn.execute(
            EXTRA_CREDIT_LIMITS.insert().values(
                account_id=account_id, limit_li_minutes=limit_li_minutes
            )
        )


def check_can_buy(
    conn: Connection, account_id: str, at: datetime, limit_li_minutes: int = 1
) -> None:
    """Whether an account can have so many extra credits in a billing period.

    Raises:
        ExtraCreditsRefusedError: As ``limit_extra_credits``.
    """
    subscription = latest(conn, account_id)
    plan, channel = subscription.plan.name, channel_of(conn, account_id).value
    facts = {"account": account_id, "plan": plan, "channel": channel}
    if subscription.period_at(at) is None:
        raise ExtraCreditsRefusedError(
            f"account {account_id} is on {plan} and has no billing period; extra credits come on"
            " top of a subscription",
            **facts,
        )
    if not capabilities_of(conn, account_id).extra_credits:
        raise ExtraCreditsRefusedError(
            f"account {account_id} pays by {channel}; extra credits are for accounts that pay by"
            " card",
            **facts,
        )
    most = subscription.plan.extra_credits_max
    if most is not None and limit_li_minutes > most:
        raise ExtraCreditsRefusedError(
            f"account {account_id}: plan {plan} is sold "
            + (
                f"with up to {counted(most, 'extra credit')} a month"
                if most
                else "without extra credits"
            ),
            **facts,
        )
    if _rate(conn, account_id, at) is None:
        raise ExtraCreditsRefusedError(
            f"account {account_id}: the tariff of plan {plan} has no price for a credit, so none"
            " can be bought",
            **facts,
        )


def _rate(conn: Connection, account_id: str, at: datetime) -> int | None:
    return load_tariff(latest(conn, account_id).plan.tariff, at.date()).usd_micros_per_unit


def _most(plan: Plan) -> int:
    """How many a plan allows."""
    return LIMIT_MAX if plan.extra_credits_max is None else plan.extra_credits_max


def _bought(conn: Connection, account_id: str, period: Period) -> int:
    return _amount(
        conn,
        account_id,
        RESERVATIONS.c.state == ReservationState.POSTED,
        RESERVATIONS.c.ended_at >= period.start,
        RESERVATIONS.c.ended_at < period.end,
    )


def _reserved(conn: Connection, account_id: str) -> int:
    return _amount(conn, account_id, RESERVATIONS.c.state == ReservationState.OPEN)


def _amount(conn: Connection, account_id: str, *where: ColumnElement[bool]) -> int:
    """LI-minutes of the extra lots of the runs whose reservations are like that."""
    amount = (
        select(func.coalesce(func.sum(LOTS.c.amount), 0))
        .join(EXTRA_PURCHASES, EXTRA_PURCHASES.c.lot_id == LOTS.c.id)
        .join(RESERVATIONS, RESERVATIONS.c.run_id == EXTRA_PURCHASES.c.run_id)
        .where(RESERVATIONS.c.account_id == account_id, *where)
    )
    return int(conn.execute(amount).scalar_one())
