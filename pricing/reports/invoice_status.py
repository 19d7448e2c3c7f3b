"""Where each invoice stands: paid, to be paid, overdue, or taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, func, select, text

from pricing.ledger.invoices import Invoice, InvoiceKind, InvoiceStatus, void_invoices
from pricing.payments.gateway import PaymentState
from pricing.payments.refunds import GIVEN_BACK
from pricing.payments.run_payments import UNCOLLECTED
from pricing.reports.invoice_facts import run_of
from pricing.subscriptions.changes import ChangeKind, ChangeState
from pricing.tables import CHANGES, PAYMENTS, REFUNDS, UNCOLLECTED_PAYMENT

_PAYMENTS = select(PAYMENTS.c.cause, PAYMENTS.c.state, PAYMENTS.c.usd_micros).where(
    PAYMENTS.c.cause.in_(bindparam("causes", expanding=True))
)
_OPEN = select(PAYMENTS.c.cause).where(
    PAYMENTS.c.account_id == bindparam("account_id"), text(UNCOLLECTED_PAYMENT)
)
_REFUNDS = (
    select(REFUNDS.c.invoice, func.sum(REFUNDS.c.usd_micros))
    .where(
        REFUNDS.c.account_id.in_(bindparam("accounts", expanding=True)),
        REFUNDS.c.state.in_(GIVEN_BACK),
    )
    .group_by(REFUNDS.c.invoice)
)

_SWITCHED = select(CHANGES.c.account_id).where(
    CHANGES.c.account_id.in_(bindparam("accounts", expanding=True)),
    CHANGES.c.kind == ChangeKind.ON_DEMAND,
    CHANGES.c.state == ChangeState.PENDING,
)


class Asked(Struct, frozen=True):
    """How a payment stands, and what the gateway is, or was, asked for."""

    state: PaymentState
    usd_micros: int


def with_status(
    conn: Connection,
    invoices: Sequence[Invoice],
    now: datetime,
    *,
    taken_back: Collection[str] = (),
    by_now: Mapping[str, Asked] = MappingProxyType({}),
) -> tuple[Invoice, ...]:
    """Some invoices with where they stand at an instant.

    An invoice whose payment nobody is asked for has been set off against credit. One is overdue
    once its due date has passed; without a due date, as soon as it could not be collected.

    Args:
        conn: An open connection.
        invoices: Whose standing is asked for.
        now: When.
        taken_back: Numbers of invoices that are taken back by now, though no credit note of theirs
            is on record yet.
        by_now: What becomes by now of payments that are open on record, by cause.
    """
    if not invoices:
        return ()
    payments = payments_of(conn, [each.cause for each in invoices]) | dict(by_now)

    def state_of(invoice: Invoice) -> PaymentState | None:
        asked = payments.get(invoice.cause)
        return None if asked is None else asked.state

    def asked_for(invoice: Invoice) -> int:
        asked = payments.get(invoice.cause)
        return 0 if asked is None else asked.usd_micros

    accounts = {"accounts": sorted({each.account_id for each in invoices})}
    void = void_invoices(conn, accounts["accounts"]).union(taken_back)
    # Beneath a switch to on-demand a period is not owed, since it will be void (C42).
    switched = set(conn.execute(_SWITCHED, accounts).scalars())
    void |= {
        each.number
        for each in invoices
        if each.account_id in switched and run_of(each) is None and state_of(each) in UNCOLLECTED
    }
    given = {number: int(usd) for number, usd in conn.execute(_REFUNDS, accounts)}
    refunded = {
        each.number
        for each in invoices
        if max(each.total_usd_micros, asked_for(each)) <= given.get(each.number, -1)
    }
    return tuple(
        replace(
            each,
            status=InvoiceStatus.REFUNDED
            if each.number in refunded
            else _status(each, state_of(each), void, now),
        )
        for each in invoices
    )


def open_payments(conn: Connection, account_id: str) -> tuple[str, ...]:
    """What an account's payments are for that may still be collected: their causes."""
    return tuple(conn.execute(_OPEN, {"account_id": account_id}).scalars())


def payments_of(conn: Connection, causes: Sequence[str]) -> dict[str, Asked]:
    """How the payments for some causes stand; what nobody is asked for has none."""
    rows = conn.execute(_PAYMENTS, {"causes": causes})
    return {row.cause: Asked(PaymentState(row.state), int(row.usd_micros)) for row in rows}


def _status(
    invoice: Invoice, payment: PaymentState | None, void: set[str], now: datetime
) -> InvoiceStatus:
    if invoice.kind is InvoiceKind.CREDIT_NOTE:
        return InvoiceStatus.CREDIT
    if invoice.number in void:
        return InvoiceStatus.VOID
    if payment is PaymentState.ABANDONED:
        # What is left of a run once nothing of it is asked for any more has been set off.
        is_set_off = run_of(invoice) is not None and invoice.total_usd_micros > 0
        return InvoiceStatus.PAID if is_set_off else InvoiceStatus.VOID
    if payment in {None, PaymentState.ACCEPTED} or invoice.total_usd_micros <= 0:
        return InvoiceStatus.PAID
    if invoice.due_at is None:
        return InvoiceStatus.DUE if payment is PaymentState.DUE else InvoiceStatus.OVERDUE
    return InvoiceStatus.OVERDUE if now > invoice.due_at else InvoiceStatus.DUE
