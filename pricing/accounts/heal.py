"""Healing an account that was pushed ahead: its books go back to an instant, by new entries.

The ledger, lots and invoices are history. Each entry that came too early is undone by an entry
with the opposite postings that counts at the same instant, so that every period sums up to what it
would have been; the invoices get one credit note. Lots that were granted too early are empty and
closed. What is state and not history goes back as it was: periods that had been opened will be
opened when they begin, under causes of their own; changes wait again; lots that had expired are
open. ``healing`` says what there is to undo, and what forbids it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select

from pricing.accounts.account import check_not_deleted, unknown_account
from pricing.accounts.advance import advance
from pricing.accounts.healing import HEALING, Healing, find_healing, undoing_key
from pricing.ledger import idempotency
from pricing.ledger.issuing import issue_credit_note
from pricing.ledger.ledger import Posting, Transaction, lock_ledger, post_all
from pricing.ledger.lots import check_bounds
from pricing.ledger.taxed import undone_tax
from pricing.payments.gateway import PaymentGateway, PaymentState
from pricing.subscriptions.changes import ChangeKind, ChangeState
from pricing.subscriptions.lot_expiry import ExpiryReason
from pricing.subscriptions.subscriptions import PeriodPayment, Subscription, latest
from pricing.subscriptions.terms import all_terms
from pricing.subscriptions.unpaid_invoices import take_back_unpaid
from pricing.tables import (
    ACCOUNTS,
    CHANGES,
    DEPARTMENT_LOTS,
    DUNNING_STEPS,
    HEALINGS,
    LOT_CLOSURES,
    PAYMENTS,
    PERIODS,
    SUBSCRIPTIONS,
    TERMS,
)


def heal(
    conn: Connection,
    account_id: str,
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> Healing:
    """Take an account back to ``now``, whose books somebody's clock has pushed ahead.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        now: The command's instant, which its books go back to.
        request_id: The caller's id of this request; the same again does nothing and answers the
            same.
        gateway: Whether payments were rehearsed, or real; collects what is due by now.

    Returns:
        What was undone; ``is_needed`` is false if there was nothing.

    Raises:
        UnknownAccountError: If there is no such account.
        AccountDeletedError: If it was deleted.
        CannotHealError: Somebody asked for something since, or money was really collected.
        RequestConflictError: If the request id stands for something else.
    """
    if lock_ledger(conn, account_id) is None:
        raise unknown_account(conn, account_id)
    check_not_deleted(conn, account_id)
    is_new = idempotency.remember(conn, account_id, request_id, command="heal", content={}, now=now)
    if not is_new:
        return _done_before(conn, account_id, request_id)
    healing = find_healing(conn, account_id, now, gateway=gateway)
    if healing.is_needed:
        # First of all: what lies after the last command is no history, and may go.
        conn.execute(
            ACCOUNTS.update().where(ACCOUNTS.c.id == account_id).values(last_command_at=now)
        )
        healing = replace(healing, credit_note=_undo_entries(conn, healing, request_id))
        _undo_lots(conn, healing)
        _undo_subscription(conn, latest(conn, account_id), healing)
        advance(conn, account_id, now, gateway=gateway)
    document = msgspec.to_builtins(healing)
    conn.execute(
        HEALINGS.insert().values(account_id=account_id, request_id=request_id, document=document)
    )
    return healing


def _done_before(conn: Connection, account_id: str, request_id: str) -> Healing:
    document = conn.execute(
        select(HEALINGS.c.document).filter_by(account_id=account_id, request_id=request_id)
    ).scalar_one()
    return msgspec.convert(document, Healing)


def _undo_entries(conn: Connection, healing: Healing, request_id: str) -> str | None:
    """Post the opposite of each entry, and issue the credit note; its number, if there is one."""
    cause = f"{HEALING}{healing.account_id}:{request_id}"
    post_all(
        conn,
        [
            Transaction(
                account_id=entry.account_id,
                natural_key=undoing_key(entry.natural_key),
                cause=cause,
                description=f"undone: {entry.description}",
                # Where the entry counts, so that no other period's sum is changed.
                effective_at=entry.effective_at,
                recorded_at=healing.at,
                postings=tuple(
                    Posting(each.ledger_account, each.unit, -each.amount) for each in entry.postings
                ),
            )
            for entry in healing.entries
        ],
    )
    corrects = tuple(each.number for each in healing.invoices)
    for entry in healing.entries:
        undone_tax(conn, entry.natural_key, undoing_key=undoing_key(entry.natural_key), cause=cause)
    credit_note = issue_credit_note(conn, cause, healing.at, corrects=corrects)
    return None if credit_note is None else credit_note.number


def _undo_lots(conn: Connection, healing: Healing) -> None:
    """Open what had been closed too early; empty and close what had been granted too early."""
    opened = [each.lot_id for each in healing.expiries]
    granted = [each.id for each in healing.lots]
    conn.execute(LOT_CLOSURES.delete().where(LOT_CLOSURES.c.lot_id.in_([*opened, *granted])))
    conn.execute(DEPARTMENT_LOTS.delete().where(DEPARTMENT_LOTS.c.lot_id.in_(granted)))
    if granted:
        conn.execute(
            LOT_CLOSURES.insert(),
            [
                {
                    "lot_id": lot_id,
                    "account_id": healing.account_id,
                    "reason": ExpiryReason.VOID,
                    "closed_at": healing.at,
                }
                for lot_id in granted
            ],
        )
    check_bounds(conn, healing.account_id, {*opened, *granted})


def _undo_subscription(conn: Connection, subscription: Subscription, healing: Healing) -> None:
    """The subscription, its terms, changes and periods as they were."""
    account_id, at = healing.account_id, healing.at
    conn.execute(TERMS.delete().where(TERMS.c.account_id == account_id, TERMS.c.started_at > at))
    conn.execute(
        TERMS.update()
        .where(TERMS.c.account_id == account_id, TERMS.c.ended_at > at)
        .values(ended_at=None)
    )
    # What was told too early is told again when it is due.
    conn.execute(
        DUNNING_STEPS.delete().where(
            DUNNING_STEPS.c.account_id == account_id, DUNNING_STEPS.c.at > at
        )
    )
    _undo_changes(conn, healing)
    _undo_periods(conn, subscription, healing)
    undone_from = list(subscription.undone_from)
    if healing.periods:
        undone_from.append(healing.periods[0].n)
    is_over = subscription.ended_at is not None and subscription.ended_at <= at
    conn.execute(
        SUBSCRIPTIONS.update()
        .where(SUBSCRIPTIONS.c.id == subscription.id)
        .values(
            ended_at=subscription.ended_at if is_over else None, undone_from=undone_from or None
        )
    )


def _undo_changes(conn: Connection, healing: Healing) -> None:
    """What had been applied or dropped waits again: for its date, or to be confirmed."""
    for change in healing.changes:
        row = conn.execute(select(CHANGES).where(CHANGES.c.id == change.id)).one()
        has_date = row.effective_at is not None
        conn.execute(
            CHANGES.update()
            .where(CHANGES.c.id == change.id)
            .values(state=ChangeState.PENDING if has_date else ChangeState.REQUESTED, ended_at=None)
        )
        if change.kind is ChangeKind.ON_DEMAND:
            # The credits had been suspended with the same command.
            conn.execute(
                ACCOUNTS.update()
                .where(ACCOUNTS.c.id == healing.account_id)
                .values(suspended_since=row.requested_at)
            )


def _undo_periods(conn: Connection, subscription: Subscription, healing: Healing) -> None:
    """Close the periods that have not begun; what was owed before is owed again."""
    causes = [each.cause for each in healing.periods]
    conn.execute(
        PAYMENTS.update()
        .where(PAYMENTS.c.cause.in_(causes))
        .values(state=PaymentState.ABANDONED, reason="asked for before the period began")
    )
    conn.execute(
        PERIODS.delete().where(
            PERIODS.c.subscription_id == subscription.id, PERIODS.c.starts_at > healing.at
        )
    )
    for each in healing.periods:
        if each.payment == PeriodPayment.UNPAID:
            take_back_unpaid(conn, each.cause, at=healing.at)
    owed = _abandoned_too_early(conn, subscription, healing.at)
    conn.execute(
        PERIODS.update()
        .where(PERIODS.c.subscription_id == subscription.id, PERIODS.c.n.in_(owed))
        .values(payment=PeriodPayment.UNPAID)
    )
    conn.execute(
        PAYMENTS.update()
        .where(PAYMENTS.c.cause.in_([subscription.cause_of(n) for n in owed]))
        .values(state=PaymentState.DECLINED)
    )


def _abandoned_too_early(
    conn: Connection, subscription: Subscription, at: datetime
) -> tuple[int, ...]:
    """Periods that had begun by ``at`` and were given up at a boundary after it.

    Without rollover a period is given up as it ends; with it, when a change takes effect.
    """
    # Beneath a switch to on-demand the plan is still there whose periods they are.
    plans = [
        terms.plan
        for terms in all_terms(conn, subscription.account_id)
        if terms.subscription_id == subscription.id and terms.plan.has_periods
    ]
    rolls_over = bool(plans) and plans[-1].rollover
    applied = conn.execute(
        select(CHANGES.c.ended_at).where(
            CHANGES.c.subscription_id == subscription.id,
            CHANGES.c.state == ChangeState.APPLIED,
            CHANGES.c.ended_at <= at,
        )
    )
    changed_at = max(applied.scalars(), default=None)
    rows = conn.execute(
        select(PERIODS).where(
            PERIODS.c.subscription_id == subscription.id,
            PERIODS.c.payment == PeriodPayment.ABANDONED,
        )
    )
    return tuple(
        row.n
        for row in rows
        if (rolls_over or row.ends_at > at) and (changed_at is None or row.starts_at >= changed_at)
    )
