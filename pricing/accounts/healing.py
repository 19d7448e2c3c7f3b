"""What was booked of an account's future, because it was looked at under a clock that ran ahead.

Time itself books: periods begin, are charged and granted; lots expire; changes take effect. Under
a clock that is years ahead all of that is in the books, and every later command comes too early.
What was booked that way can be undone, for nobody asked for it. What somebody asked for since, a
run, a purchase, a change of plan, or money that a gateway has really collected, is not undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, or_, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.account import CLOCK_TOLERANCE, day_and_time, shown
from pricing.ledger.invoices import REVENUE, Invoice, list_invoices, run_cause
from pricing.ledger.ledger import Transaction, entries_after
from pricing.money import format_usd
from pricing.payments.gateway import PaymentGateway, PaymentState, is_rehearsed
from pricing.subscriptions.changes import ChangeKind, ChangeState
from pricing.subscriptions.lot_expiry import ExpiryReason
from pricing.subscriptions.subscriptions import Subscription, latest
from pricing.tables import (
    ACCOUNTS,
    CHANGES,
    LOT_CLOSURES,
    LOTS,
    PAYMENTS,
    PERIODS,
    REQUESTS,
    RESERVATIONS,
)

HEALING = "healing:"
"""Prefix of the natural key, and of the cause, of what undoes an entry of the ledger."""

REASONS_SHOWN_MAX = 5
_COLLECTED_BY_ITSELF = (":payment", ":excess", ":taken-back")
"""How the keys of a run's entries end that are booked when its payment is collected."""


class CannotHealError(RefusedError):
    """Something real happened after the instant; facts: ``account``, ``at``, ``happened``."""

    code = "cannot_heal"


class UndonePeriod(Struct, frozen=True):
    """A billing period that had been opened before it began.

    Attributes:
        n: Its number.
        start: Its first instant, in UTC.
        end: The first instant after it, in UTC.
        payment: What had become of its payment: ``paid``, ``unpaid`` or ``abandoned``.
        cause: What it was booked under.
    """

    n: int
    start: datetime
    end: datetime
    payment: str
    cause: str


class UndoneLot(Struct, frozen=True):
    """LI-minutes that had been granted before they were due."""

    id: int
    kind: str
    li_minutes: int
    effective_at: datetime


class UndoneExpiry(Struct, frozen=True):
    """A lot that had been closed before its time, and is open again."""

    lot_id: int
    reason: ExpiryReason
    at: datetime


class UndoneChange(Struct, frozen=True):
    """A change that had taken effect, or had been dropped, before its time, and waits again."""

    id: int
    kind: ChangeKind
    at: datetime


class Healing(Struct, frozen=True):
    """What is undone of an account that was pushed ahead; nothing, if ``is_needed`` is false.

    Attributes:
        account_id: Whose.
        at: The instant that its books go back to.
        last: Where its clock stood.
        entries: Transactions of the ledger that count after ``at``, oldest first.
        invoices: Those that were issued for them; together they get one credit note.
        periods: Opened too early.
        lots: Granted too early.
        expiries: Lots that were closed too early.
        changes: Applied or dropped too early.
        credit_note: Number of the invoice that takes the charges back; None: none is needed, or
            it has not been done yet.
    """

    account_id: str
    at: datetime
    last: datetime
    entries: tuple[Transaction, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    periods: tuple[UndonePeriod, ...] = ()
    lots: tuple[UndoneLot, ...] = ()
    expiries: tuple[UndoneExpiry, ...] = ()
    changes: tuple[UndoneChange, ...] = ()
    credit_note: str | None = None

    @property
    def is_needed(self) -> bool:
        """Whether the account has been dealt with at an instant that commands are refused for."""
        return self.last > self.at + CLOCK_TOLERANCE

    @property
    def usd_micros(self) -> int:
        """What had been charged too early."""
        return -sum(
            posting.amount
            for entry in self.entries
            for posting in entry.postings
            if posting.ledger_account.startswith(REVENUE)
        )


def find_healing(
    conn: Connection, account_id: str, now: datetime, *, gateway: PaymentGateway
) -> Healing:
    """What healing an account would undo.

    Args:
        conn: An open connection.
        account_id: Of an account that there is.
        now: The instant that its books are to go back to.
        gateway: Whether payments were rehearsed, or real.

    Raises:
        CannotHealError: Somebody asked for something since, or money was really collected.
    """
    row = conn.execute(
        select(ACCOUNTS.c.last_command_at, ACCOUNTS.c.opened_at).where(ACCOUNTS.c.id == account_id)
    ).one()
    healing = Healing(account_id=account_id, at=now, last=row.last_command_at)
    if not healing.is_needed:
        return healing
    subscription = latest(conn, account_id)
    periods = _periods(conn, subscription, now)
    lots = _lots(conn, account_id, now)
    ahead = _entries(conn, account_id, now)
    undone, asked_for = _told_apart(ahead, periods)
    happened = [
        *_opened(row.opened_at, now),
        *_runs(conn, account_id, now),
        *_commands(conn, account_id, now),
        *(f"{each.description} ({day_and_time(each.effective_at)})" for each in asked_for),
        *_collected(conn, periods, gateway=gateway),
    ]
    if happened:
        raise _cannot(account_id, now, happened)
    causes = {each.cause for each in undone}
    return Healing(
        account_id=account_id,
        at=now,
        last=row.last_command_at,
        entries=tuple(undone),
        invoices=tuple(each for each in list_invoices(conn, account_id) if each.cause in causes),
        periods=periods,
        lots=lots,
        expiries=_expiries(conn, account_id, now),
        changes=_changes(conn, subscription, now),
    )


def undoing_key(natural_key: str) -> str:
    """The natural key of the entry that undoes another."""
    return f"{HEALING}{natural_key}"


def _entries(conn: Connection, account_id: str, now: datetime) -> list[Transaction]:
    """What counts after ``now``, without what was undone before and what undid it."""
    ahead = entries_after(conn, account_id, now)
    keys = {each.natural_key for each in ahead}
    return [
        each
        for each in ahead
        if not each.cause.startswith(HEALING) and undoing_key(each.natural_key) not in keys
    ]


def _told_apart(
    ahead: Iterable[Transaction], periods: Sequence[UndonePeriod]
) -> tuple[list[Transaction], list[Transaction]]:
    """What time has booked by itself, and what somebody asked for.

    What a run owed already is collected as soon as anybody looks: that stays.
    """
    of_periods = {each.cause for each in periods}
    granted_at = {each.start for each in periods}
    by_itself, asked_for = [], []
    for each in ahead:
        is_share = each.cause.startswith("department:") and each.effective_at in granted_at
        is_expiry = each.cause.startswith("lot:") and each.cause.endswith(":close")
        if each.cause in of_periods or is_share or is_expiry:
            by_itself.append(each)
        elif not (
            each.cause.startswith(run_cause("")) and each.natural_key.endswith(_COLLECTED_BY_ITSELF)
        ):
            asked_for.append(each)
    return by_itself, asked_for


def _periods(
    conn: Connection, subscription: Subscription, now: datetime
) -> tuple[UndonePeriod, ...]:
    rows = conn.execute(
        select(PERIODS)
        .where(PERIODS.c.subscription_id == subscription.id, PERIODS.c.starts_at > now)
        .order_by(PERIODS.c.n)
    )
    return tuple(
        UndonePeriod(row.n, row.starts_at, row.ends_at, row.payment, subscription.cause_of(row.n))
        for row in rows
    )


def _lots(conn: Connection, account_id: str, now: datetime) -> tuple[UndoneLot, ...]:
    """Lots of the future that hold or held something; those undone before are closed for good."""
    rows = conn.execute(
        select(LOTS.c.id, LOTS.c.kind, LOTS.c.amount, LOTS.c.effective_at)
        .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
        .where(
            LOTS.c.account_id == account_id,
            LOTS.c.effective_at > now,
            or_(LOT_CLOSURES.c.lot_id.is_(None), LOT_CLOSURES.c.closed_at >= LOTS.c.effective_at),
        )
        .order_by(LOTS.c.id)
    )
    return tuple(UndoneLot(row.id, row.kind, row.amount, row.effective_at) for row in rows)


def _expiries(conn: Connection, account_id: str, now: datetime) -> tuple[UndoneExpiry, ...]:
    rows = conn.execute(
        select(LOT_CLOSURES)
        .join(LOTS, LOTS.c.id == LOT_CLOSURES.c.lot_id)
        .where(
            LOT_CLOSURES.c.account_id == account_id,
            LOT_CLOSURES.c.closed_at > now,
            LOTS.c.effective_at <= now,
        )
        .order_by(LOT_CLOSURES.c.lot_id)
    )
    return tuple(UndoneExpiry(row.lot_id, ExpiryReason(row.reason), row.closed_at) for row in rows)


def _changes(
    conn: Connection, subscription: Subscription, now: datetime
) -> tuple[UndoneChange, ...]:
    rows = conn.execute(
        select(CHANGES.c.id, CHANGES.c.kind, CHANGES.c.ended_at)
        .where(
            CHANGES.c.subscription_id == subscription.id,
            CHANGES.c.ended_at > now,
            CHANGES.c.state.in_((ChangeState.APPLIED, ChangeState.WITHDRAWN)),
        )
        .order_by(CHANGES.c.id)
    )
    return tuple(UndoneChange(row.id, ChangeKind(row.kind), row.ended_at) for row in rows)


def _runs(conn: Connection, account_id: str, now: datetime) -> Sequence[str]:
    """Runs that were accepted or charged since."""
    rows = conn.execute(
        select(RESERVATIONS.c.run_id, RESERVATIONS.c.reserved_at, RESERVATIONS.c.ended_at)
        .where(
            RESERVATIONS.c.account_id == account_id,
            or_(RESERVATIONS.c.reserved_at > now, RESERVATIONS.c.ended_at > now),
        )
        .order_by(RESERVATIONS.c.reserved_at, RESERVATIONS.c.run_id)
    )
    return [f"run {row.run_id} ({day_and_time(row.ended_at or row.reserved_at)})" for row in rows]


def _commands(conn: Connection, account_id: str, now: datetime) -> Sequence[str]:
    rows = conn.execute(
        select(REQUESTS.c.command, REQUESTS.c.made_at)
        .where(REQUESTS.c.account_id == account_id, REQUESTS.c.made_at > now)
        .order_by(REQUESTS.c.made_at)
    )
    return [f"{row.command} ({day_and_time(row.made_at)})" for row in rows]


def _collected(
    conn: Connection, periods: Iterable[UndonePeriod], *, gateway: PaymentGateway
) -> Sequence[str]:
    """Payments of periods that have not begun, made or perhaps to be made; not the rehearsed."""
    if is_rehearsed(gateway=gateway):
        return ()
    rows = conn.execute(
        select(PAYMENTS.c.cause, PAYMENTS.c.usd_micros, PAYMENTS.c.state)
        .where(
            PAYMENTS.c.cause.in_([each.cause for each in periods]),
            PAYMENTS.c.state.in_((PaymentState.ACCEPTED, PaymentState.DELAYED)),
        )
        .order_by(PAYMENTS.c.asked_at, PAYMENTS.c.cause)
    )
    return [
        f"a payment of {format_usd(row.usd_micros)} USD ({row.state}) for {row.cause}"
        for row in rows
    ]


def _opened(opened_at: datetime, now: datetime) -> list[str]:
    return [f"the account was opened ({day_and_time(opened_at)})"] if opened_at > now else []


def _cannot(account_id: str, now: datetime, happened: Sequence[str]) -> CannotHealError:
    more = len(happened) - REASONS_SHOWN_MAX
    listed = ", ".join(happened[:REASONS_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
    return CannotHealError(
        f"account {account_id} cannot go back to {day_and_time(now)}:"
        f" {counted(len(happened), 'thing')} that somebody asked for came after it: {listed}",
        account=account_id,
        at=shown(now),
        happened=len(happened),
    )
