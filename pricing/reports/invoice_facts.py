"""What stands beside the lines of an invoice: the days that it is for, and where its money is."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from pricing.ledger.invoices import Invoice, run_cause
from pricing.money import format_usd
from pricing.payments.gateway import PaymentState
from pricing.reports.billing_cycles import billing_cycles
from pricing.tables import PAYMENTS, RESERVATIONS

_PERIOD = ":period:"
_RUN = run_cause("")

_PAYMENT = select(PAYMENTS.c.state, PAYMENTS.c.usd_micros, PAYMENTS.c.rehearsed).where(
    PAYMENTS.c.cause == bindparam("of")
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
    if _PERIOD in invoice.cause:
        # It is issued as its period begins.
        cycle = billing_cycles(conn, invoice.account_id, timezone).at(invoice.issued_at)
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
    is_rehearsed = row.rehearsed and state is PaymentState.ACCEPTED
    words = _REHEARSED if is_rehearsed else _IN_WORDS[state]
    if 0 <= row.usd_micros < invoice.total_usd_micros:
        set_off = format_usd(invoice.total_usd_micros - row.usd_micros)
        return f"{words}: {format_usd(row.usd_micros)}; {set_off} set off against credit"
    return words
