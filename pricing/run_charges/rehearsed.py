"""What rehearsals would be charged: the checks and the bill of real runs, and nothing posted.

A rehearsal meets what a real run would meet now: too few credits, a wallet that is too small, an
overdue payment, a plan's caps, the end of a subscription. What is due on the account by now is
taken to be done for that, and undone. Nothing is set aside, so rehearsals that go on at once each
see all that the account has. Lots, wallets, ledger, invoices and payments stay as they are.

The functions are those of ``charges``, for a run that is not real; each happens once, however often
it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection

from pricing.accounts.advance import OpenBooks, open_books
from pricing.ledger.departments import find_department
from pricing.ledger.invoices import Invoice, run_cause
from pricing.ledger.ledger import NaturalKeyConflictError, lock_ledger
from pricing.ledger.signing import unsigned
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentGateway
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote
from pricing.run_charges.bill import Bill, bill_for, check_kept
from pricing.run_charges.funding import Funding, choose_payment
from pricing.run_charges.rehearsed_charge import (
    ChargeState,
    RehearsedCharge,
    change_charge,
    charge_of,
    find_charge,
    insert_charge,
)

CHARGE_WORDS = "rehearsed: start-up and use, with the intent to launch"
"""What a rehearsal's timeline says of what it would be charged."""


def plan_of(conn: Connection, account_id: str, *, now: datetime, gateway: PaymentGateway) -> Plan:
    """The plan that a run would be quoted on now; takes and raises what ``charges.plan_of`` does.

    The gateway is not asked: what falls due is taken to be paid.
    """
    del gateway
    with _as_of(conn, account_id, now) as books:
        return books.subscription.plan


def reserve(  # noqa: PLR0913 - a run, its quotes and who runs it
    conn: Connection,
    account_id: str,
    run_id: str,
    quote: Quote,
    *,
    now: datetime,
    department: str | None = None,
    on_demand: Quote | None = None,
    on_sale: Iterable[Plan] = (),
    gateway: PaymentGateway,
) -> RehearsedCharge:
    """Note what a rehearsal would be charged; refused as a real run would be.

    Takes and raises what ``charges.reserve`` does. Nothing is set aside, and the gateway is not
    asked: what falls due is taken to be paid.
    """
    del gateway
    # As a real run does, so that an account is not deleted meanwhile.
    lock_ledger(conn, account_id)
    payer = None if department is None else find_department(conn, account_id, department)
    noted = find_charge(conn, run_id)
    if noted is not None:
        name = None if payer is None else payer.name
        _check_same(noted, RehearsedCharge(run_id, account_id, quote, name), on_demand)
        return noted
    with _as_of(conn, account_id, now) as books:
        payment = choose_payment(
            conn,
            books,
            quote,
            department=department,
            on_demand=on_demand,
            on_sale=on_sale,
        )
    charge = _charge(account_id, run_id, payment)
    insert_charge(conn, charge, now, department=payer)
    return charge


def void_reservation(
    conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway
) -> None:
    """The rehearsal is over before it was launched: it would cost nothing.

    Raises:
        ReservationStateError: If it would have been charged, or was never reserved.
    """
    del gateway
    charge = charge_of(conn, run_id)
    if charge.state is not ChargeState.VOID:
        charge.check_state(ChargeState.OPEN, "given up")
        change_charge(conn, run_id, state=ChargeState.VOID, ended_at=now)


def charge_start(conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway) -> None:
    """Note that the whole quote would be charged now.

    Raises:
        ReservationStateError: If the rehearsal was given up, or was never reserved.
    """
    del gateway
    charge = charge_of(conn, run_id)
    if charge.state is ChargeState.CHARGED:
        return
    charge.check_state(ChargeState.OPEN, "charged")
    change_charge(
        conn,
        run_id,
        state=ChargeState.CHARGED,
        charged_at=now,
        kept_startup=charge.quote.startup,
        kept_use=charge.quote.use,
    )


def collect_due(conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway) -> None:
    """A rehearsal owes nothing: nobody is asked."""
    del conn, run_id, now, gateway


def correct(
    conn: Connection,
    run_id: str,
    *,
    keep_startup: int,
    keep_use: int,
    reason: str,
    now: datetime,
    gateway: PaymentGateway,
) -> None:
    """The rehearsal is over: note what would stay charged of each line, in the quote's unit.

    Raises:
        ReservationStateError: If it would not have been charged.
        CorrectionOutOfRangeError: If more is kept than was charged, or less than nothing.
        NaturalKeyConflictError: If it has been corrected differently.
    """
    del reason, gateway
    charge = charge_of(conn, run_id)
    charge.check_state(ChargeState.CHARGED, "corrected")
    check_kept(run_id, charge.quote, startup=keep_startup, use=keep_use)
    if charge.ended_at is None:
        change_charge(conn, run_id, kept_startup=keep_startup, kept_use=keep_use, ended_at=now)
    elif (charge.kept_startup, charge.kept_use) != (keep_startup, keep_use):
        cause = run_cause(run_id)
        raise NaturalKeyConflictError(
            f"run {run_id} has been corrected already, and differently",
            natural_key=f"{cause}:correction",
        )


def issue_invoice(conn: Connection, run_id: str, *, now: datetime) -> Invoice | None:
    """A rehearsal has no invoice."""
    del conn, run_id, now
    return None


def bill_of(conn: Connection, run_id: str) -> Bill | None:
    """What a rehearsal would have cost so far; None: it would not have been charged."""
    charge = charge_of(conn, run_id)
    if charge.kept_startup is None or charge.kept_use is None:
        return None
    return bill_for(
        charge.quote,
        startup=charge.kept_startup,
        use=charge.kept_use,
        corrected=charge.kept_startup + charge.kept_use < charge.quote.total,
        extra_usd_micros=charge.extra_usd_micros,
        rehearsed=True,
    )


@contextmanager
def _as_of(conn: Connection, account_id: str, now: datetime) -> Iterator[OpenBooks]:
    """The account's books with all done that is due by now, which is undone."""
    until_now = conn.begin_nested()
    try:
        with unsigned(conn):
            yield open_books(conn, account_id, now, gateway=REHEARSED_GATEWAY)
    finally:
        until_now.rollback()


def _charge(account_id: str, run_id: str, payment: Funding) -> RehearsedCharge:
    return RehearsedCharge(
        run_id,
        account_id,
        payment.quote,
        payment.department.name if payment.department else None,
        extra_li_minutes=payment.extra_li_minutes,
        extra_usd_micros=payment.extra_usd_micros,
    )


def _check_same(noted: RehearsedCharge, wanted: RehearsedCharge, on_demand: Quote | None) -> None:
    """What the run would be charged by record is this, on either quote."""
    quotes = (wanted.quote, on_demand)
    same = replace(noted, account_id=wanted.account_id, department=wanted.department)
    if noted != same or noted.quote not in quotes:
        raise NaturalKeyConflictError(
            f"run {noted.run_id} has been reserved already, with another quote",
            natural_key=run_cause(noted.run_id),
        )
