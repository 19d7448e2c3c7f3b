"""What stands beside the lines of an invoice: the days that it is for, and where its money is."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from pricing.ledger.invoices import Invoice, InvoiceKind, run_cause, select_invoices
from pricing.money import format_usd
from pricing.payments.gateway import PaymentState
from pricing.periods import Anchor, period
from pricing.tables import INVOICES, PAYMENTS, RESERVATIONS, SUBSCRIPTIONS

_PERIOD = re.compile(r"subscription:(\d+):period:(\d+)(?::|$)")
_RUN = run_cause("")

_PAYMENT = select(PAYMENTS.c.state, PAYMENTS.c.usd_micros, PAYMENTS.c.rehearsed).where(
    PAYMENTS.c.cause == bindparam("of")
)
_ANCHOR = select(SUBSCRIPTIONS.c.anchor_day, SUBSCRIPTIONS.c.timezone).where(
    SUBSCRIPTIONS.c.id == bindparam("of")
)
_RESERVATION = select(RESERVATIONS.c.reserved_at, RESERVATIONS.c.run_ended_at).where(
    RESERVATIONS.c.run_id == bindparam("of")
)

_IN_WORDS = {
    PaymentState.DUE: "due",
    PaymentState.ACCEPTED: "paid",
    PaymentState.DECLINED: "declined",
    PaymentState.DELAYED: "the bank has not answered",
    PaymentState.ABANDONED: "not collected, void",
}

_REHEARSED = "payment rehearsed, nothing collected"
"""Of an accepted payment that no money came of."""


class InvoiceFacts(Struct, frozen=True):
    """What stands beside the lines.

    Attributes:
        payment: Where the money is, in words.
        first_day: Of what it is for, in the account's time zone; None: it is for no length of time.
        last_day: Inclusive.
        test: The name of the test that was run.
    """

    payment: str
    first_day: date | None = None
    last_day: date | None = None
    test: str | None = None


def run_of(invoice: Invoice) -> str | None:
    """The run that an invoice is for."""
    return invoice.cause.removeprefix(_RUN) if invoice.cause.startswith(_RUN) else None


def invoice_facts(
    conn: Connection, invoice: Invoice, timezone: str, test: str | None = None
) -> InvoiceFacts:
    """Read what stands beside the lines.

    Args:
        conn: An open connection.
        invoice: What it is asked for.
        timezone: The account's.
        test: The name of the test that was run.
    """
    first_day, last_day = _days(conn, invoice, timezone)
    return InvoiceFacts(_payment(conn, invoice), first_day, last_day, test)


def _days(conn: Connection, invoice: Invoice, timezone: str) -> tuple[date | None, date | None]:
    """The first and the last day; of a credit note, of all that it takes back."""
    if invoice.kind is not InvoiceKind.CREDIT_NOTE:
        return _days_of_charge(conn, invoice, timezone)
    corrected = select_invoices(
        conn,
        (INVOICES.c.account_id == invoice.account_id) & INVOICES.c.number.in_(invoice.corrects),
    )
    found = [_days_of_charge(conn, each, timezone) for each in corrected]
    days = [day for both in found for day in both if day is not None]
    return (min(days), max(days)) if days else (None, None)


def _days_of_charge(
    conn: Connection, invoice: Invoice, timezone: str
) -> tuple[date | None, date | None]:
    of_period = _PERIOD.match(invoice.cause)
    if of_period is not None:
        subscription_id, n = (int(each) for each in of_period.groups())
        subscription = conn.execute(_ANCHOR, {"of": subscription_id}).one()
        cycle = period(Anchor(subscription.anchor_day, subscription.timezone), n)
        return cycle.first_day, cycle.last_day
    row = conn.execute(_RESERVATION, {"of": run_of(invoice)}).one_or_none()
    if row is None:
        return None, None
    zone = ZoneInfo(timezone)
    ended_at = row.run_ended_at or invoice.issued_at
    return row.reserved_at.astimezone(zone).date(), ended_at.astimezone(zone).date()


def _payment(conn: Connection, invoice: Invoice) -> str:
    """Where the money is; what was set off against earlier credit was never asked for."""
    row = conn.execute(_PAYMENT, {"of": invoice.cause}).one_or_none()
    if invoice.total_usd_micros <= 0:
        return "nothing to pay"
    if row is None:
        return "set off against credit"
    state = PaymentState(row.state)
    if state is PaymentState.ABANDONED and run_of(invoice) is not None:
        # What is left of a run once nothing of it is asked for any more.
        return "set off against credit"
    if state is PaymentState.ACCEPTED and not row.usd_micros:
        return "set off against credit"
    is_rehearsed = row.rehearsed and state is PaymentState.ACCEPTED
    words = _REHEARSED if is_rehearsed else _IN_WORDS[state]
    # What is not paid of a period is not set off either.
    is_set_off = state is PaymentState.ACCEPTED or run_of(invoice) is not None
    if is_set_off and 0 <= row.usd_micros < invoice.total_usd_micros:
        set_off = format_usd(invoice.total_usd_micros - row.usd_micros)
        return f"{words}: {format_usd(row.usd_micros)}; {set_off} set off against credit"
    return words
