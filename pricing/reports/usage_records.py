"""The facts of usage, read from the ledger and the reservations that the runs were charged by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, literal, select

from pricing.accounts.healing import HEALING
from pricing.accounts.view import AccountView, account_view
from pricing.departments.wallet import spending_month
from pricing.ledger.invoices import REVENUE, run_cause
from pricing.money import divide_half_up
from pricing.payments.gateway import PaymentGateway
from pricing.periods import Period
from pricing.plans.quotes import Quote, Unit, quote_from_json
from pricing.reports.billing_cycles import billing_cycles
from pricing.reports.report_period import ReportPeriod
from pricing.reports.usage import CycleUsage, PurchaseRow, RunUse, TaxRow
from pricing.tables import (
    DEPARTMENT_RUNS,
    DEPARTMENTS,
    POSTINGS,
    RESERVATIONS,
    TAX_LINES,
    TRANSACTIONS,
)
from pricing.taxes.model import Taxation, Treatment

_RUN_REVENUE = (f"{REVENUE}start-up", f"{REVENUE}use")
_RUN_CREDITS = ("used:start-up", "used:use")


def usage_of_cycle(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> CycleUsage:
    """An account's usage of the billing cycle that holds ``now``, with everything due done first.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        now: The command's instant.
        gateway: Collects what is due by now.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    view = account_view(conn, account_id, now, gateway=gateway)
    return _usage(conn, view, spending_month(conn, account_id, now), is_cycle=True)


def usage_of_period(
    conn: Connection,
    account_id: str,
    days: ReportPeriod,
    now: datetime,
    *,
    gateway: PaymentGateway,
) -> CycleUsage:
    """An account's usage of any days, in its own time zone, with everything due done first.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        days: Which; a charge belongs to the day on which it counts.
        now: The command's instant.
        gateway: Collects what is due by now.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    view = account_view(conn, account_id, now, gateway=gateway)
    return _usage(conn, view, days.in_zone(view.account.timezone), is_cycle=False)


def _usage(conn: Connection, view: AccountView, of: Period, *, is_cycle: bool) -> CycleUsage:
    account = view.account
    return CycleUsage(
        account_id=account.id,
        plan=account.plan,
        timezone=account.timezone,
        cycle=of,
        remaining_li_minutes=view.balance_li_minutes,
        runs=runs_between(conn, account.id, of.start, of.end),
        purchases=purchases_between(conn, account.id, of.start, of.end),
        cycles=billing_cycles(conn, account.id, account.timezone),
        is_cycle=is_cycle,
        taxes=taxes_between(conn, account.id, of.start, of.end),
    )


def runs_until(
    conn: Connection, account_id: str, now: datetime, length: timedelta
) -> tuple[RunUse, ...]:
    """The runs that were charged within ``length`` before ``now``, and at ``now``."""
    step = timedelta(microseconds=1)
    return runs_between(conn, account_id, now - length + step, now + step)


def runs_between(
    conn: Connection, account_id: str, start: datetime, end: datetime
) -> tuple[RunUse, ...]:
    """The runs that were charged in ``[start, end)``, with all that was corrected since."""
    charged = (
        RESERVATIONS.c.account_id == account_id,
        RESERVATIONS.c.state == "posted",
        RESERVATIONS.c.ended_at >= start,
        RESERVATIONS.c.ended_at < end,
    )
    sums = conn.execute(
        select(
            RESERVATIONS.c.run_id,
            POSTINGS.c.ledger_account,
            func.sum(POSTINGS.c.amount).label("amount"),
        )
        .join(
            TRANSACTIONS,
            TRANSACTIONS.c.cause == literal(run_cause("")).concat(RESERVATIONS.c.run_id),
        )
        .join(POSTINGS, POSTINGS.c.transaction_id == TRANSACTIONS.c.id)
        .where(
            *charged,
            POSTINGS.c.ledger_account.in_((*_RUN_REVENUE, *_RUN_CREDITS)),
        )
        .group_by(RESERVATIONS.c.run_id, POSTINGS.c.ledger_account)
    )
    kept: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for run_id, ledger_account, amount in sums:
        line = ledger_account.partition(":")[2]
        kept[run_id][line] = abs(int(amount))
    rows = conn.execute(
        select(RESERVATIONS, DEPARTMENTS.c.name.label("department"))
        .outerjoin(DEPARTMENT_RUNS, DEPARTMENT_RUNS.c.run_id == RESERVATIONS.c.run_id)
        .outerjoin(DEPARTMENTS, DEPARTMENTS.c.id == DEPARTMENT_RUNS.c.department_id)
        .where(*charged)
        .order_by(RESERVATIONS.c.ended_at, RESERVATIONS.c.run_id)
    )
    return tuple(_run_use(row, kept[row.run_id]) for row in rows)


def purchases_between(
    conn: Connection, account_id: str, start: datetime, end: datetime
) -> tuple[PurchaseRow, ...]:
    """Money that counts in ``[start, end)`` and was charged for anything but a run."""
    rows = conn.execute(
        select(
            TRANSACTIONS.c.natural_key,
            TRANSACTIONS.c.description,
            TRANSACTIONS.c.effective_at,
            POSTINGS.c.ledger_account,
            POSTINGS.c.amount,
        )
        .join(POSTINGS, POSTINGS.c.transaction_id == TRANSACTIONS.c.id)
        .where(
            TRANSACTIONS.c.account_id == account_id,
            TRANSACTIONS.c.effective_at >= start,
            TRANSACTIONS.c.effective_at < end,
            POSTINGS.c.unit == Unit.USD,
            POSTINGS.c.ledger_account.startswith(REVENUE),
            POSTINGS.c.ledger_account.not_in(_RUN_REVENUE),
            *_counts_for_good(),
        )
        .order_by(TRANSACTIONS.c.effective_at, POSTINGS.c.id)
    )
    return tuple(
        PurchaseRow(
            key=row.natural_key,
            what=row.ledger_account.removeprefix(REVENUE),
            description=row.description,
            at=row.effective_at,
            usd_micros=-row.amount,
        )
        for row in rows
    )


def taxes_between(
    conn: Connection, account_id: str, start: datetime, end: datetime
) -> tuple[TaxRow, ...]:
    """The tax on what was charged in ``[start, end)``, with all that was corrected since."""
    counts_at = func.coalesce(RESERVATIONS.c.ended_at, TRANSACTIONS.c.effective_at)
    of_run = run_cause("")
    rows = conn.execute(
        select(TAX_LINES, counts_at.label("at"))
        .join(TRANSACTIONS, TRANSACTIONS.c.natural_key == TAX_LINES.c.natural_key)
        .outerjoin(
            RESERVATIONS,
            and_(
                TRANSACTIONS.c.cause.startswith(of_run),
                # So, and not the other way round, since the index is on the run's id.
                RESERVATIONS.c.run_id == func.substr(TRANSACTIONS.c.cause, len(of_run) + 1),
            ),
        )
        .where(
            TAX_LINES.c.account_id == account_id,
            counts_at >= start,
            counts_at < end,
            *_counts_for_good(),
        )
        .order_by(TAX_LINES.c.id)
    )
    return tuple(
        TaxRow(
            key=row.natural_key,
            at=row.at,
            taxation=Taxation(Treatment(row.treatment), row.country, row.rate_ppm),
            net_usd_micros=row.net_usd_micros,
            tax_usd_micros=row.tax_usd_micros,
        )
        for row in rows
    )


def _counts_for_good() -> tuple[ColumnElement[bool], ...]:
    """Neither an entry that was undone, since it was booked too early, nor what undid it."""
    undoing = TRANSACTIONS.alias()
    was_undone = exists().where(
        undoing.c.natural_key == literal(HEALING).concat(TRANSACTIONS.c.natural_key)
    )
    return ~TRANSACTIONS.c.natural_key.startswith(HEALING), ~was_undone


def _run_use(row: Row[Any], kept: Mapping[str, int]) -> RunUse:
    quote = quote_from_json(row.quote)
    startup, use = kept.get("start-up", 0), kept.get("use", 0)
    is_money = quote.unit is Unit.USD
    credits_li_minutes = 0 if is_money else startup + use
    return RunUse(
        run_id=row.run_id,
        at=row.ended_at,
        department=row.department,
        injectors=quote.injectors,
        users=quote.users,
        duration_s=quote.duration_s,
        ended_at=row.run_ended_at,
        li_minutes=_stood_for(quote, startup, use) if is_money else credits_li_minutes,
        credits_li_minutes=credits_li_minutes,
        usd_micros=startup + use if is_money else 0,
        corrected=startup + use < quote.total,
        rehearsal=row.rehearsal,
        tariff=quote.tariff,
        tariff_version=quote.tariff_version,
    )


def _stood_for(quote: Quote, startup: int, use: int) -> int:
    """The LI-minutes that kept amounts of money stand for, in proportion to each line."""
    beyond_the_floor = quote.li_minutes - quote.startup_li_minutes
    return sum(
        divide_half_up(li_minutes * amount, charged) if charged else 0
        for li_minutes, amount, charged in (
            (quote.startup_li_minutes, startup, quote.startup),
            (beyond_the_floor, use, quote.use),
        )
    )
