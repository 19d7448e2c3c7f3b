"""Where real runs meet money: reserve, charge at the start, correct after a cancel (R1, R10, R29).

A run's credits or money are reserved when it is accepted. The whole quote is charged in the
transaction that records the intent to launch, as two lines, start-up and use. What the policy does
not keep comes back as one correcting transaction. A run that was never launched costs nothing: its
reservation is void.

Each of these happens once, however often it is called; all take the caller's open transaction, so
that the run's state is committed with them. They read the quote that was reserved: a run's bill is
never priced again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection

from kernel.words import counted
from pricing.accounts.advance import catch_up_run, open_books
from pricing.departments.extra_credits import charge_purchase, insert_extra_lot, insert_purchase
from pricing.ledger import issuing
from pricing.ledger.departments import find_department
from pricing.ledger.invoices import Invoice, run_cause
from pricing.ledger.ledger import NaturalKeyConflictError, Posting, Transaction, post
from pricing.ledger.lots import Slice, check_bounds, give_back, ledger_account
from pricing.ledger.reservations import (
    Reservation,
    ReservationState,
    end_reservation,
    end_run,
    find_reservation,
    insert_reservation,
    reservation_of,
)
from pricing.ledger.taxed import owed_by, taxed
from pricing.payments.gateway import PaymentGateway
from pricing.payments.run_payments import give_back_money, owe
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.bill import (
    LINES,
    Bill,
    CorrectionOutOfRangeError,
    bill_of,
    check_kept,
)
from pricing.run_charges.funding import (
    Funding,
    InsufficientCreditsError,
    QuoteOutdatedError,
    SubscriptionEndedError,
    WalletExceededError,
    choose_payment,
)

__all__ = [
    "CHARGE_WORDS",
    "Bill",
    "CorrectionOutOfRangeError",
    "InsufficientCreditsError",
    "QuoteOutdatedError",
    "SubscriptionEndedError",
    "WalletExceededError",
    "bill_of",
    "charge_start",
    "collect_due",
    "correct",
    "issue_invoice",
    "plan_of",
    "reserve",
    "void_reservation",
]

CHARGE_WORDS = "start-up and use, with the intent to launch"
"""What a run's timeline says of its charge."""

START = "start"
"""How the natural key of a run's charge ends."""


def plan_of(conn: Connection, account_id: str, *, now: datetime, gateway: PaymentGateway) -> Plan:
    """The plan that a run is quoted on now; the account's books are brought up to date for it.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    return open_books(conn, account_id, now, gateway=gateway).subscription.plan


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
) -> Reservation:
    """Set aside what a run is quoted at; refused if its funding source does not have it.

    LI-minutes are taken from particular lots, in burn order: what is reserved stays good.

    Args:
        conn: An open write transaction.
        account_id: Whose run.
        run_id: The run.
        quote: The run on the account's plan.
        now: The command's instant.
        department: Name of the department that runs; None: the account itself.
        on_demand: The same run on the on-demand plan, for when a department's credits do not
            suffice.
        on_sale: The plans that are sold; a refusal names what of them would help.
        gateway: Collects what is due by now.

    Returns:
        What was set aside; its quote is the one of the two that will be charged.

    Raises:
        UnknownAccountError: If there is no such account.
        UnknownDepartmentError: If the account has no such department.
        InsufficientCreditsError: If the LI-minutes that no other run has reserved do not suffice.
        WalletExceededError: If the department's wallet does not cover the run.
        PaymentOverdueError: If the run would be paid in money, and something has not been paid.
        AccountDeletedError: If the account was deleted.
        SubscriptionEndedError: If the account's subscription is over.
        QuoteOutdatedError: If the account is no longer on the plan of the quote.
        ClockBackwardsError: If the account has been dealt with at a later instant.
        NaturalKeyConflictError: If the run has been reserved with another quote.
    """
    books = open_books(conn, account_id, now, gateway=gateway)
    if department is not None:
        department = find_department(conn, account_id, department).name
    reserved = find_reservation(conn, run_id)
    if reserved is not None:
        wanted = Reservation(run_id, account_id, quote, department=department)
        _check_same(reserved, wanted, on_demand)
        return reserved
    payment = choose_payment(
        conn,
        books,
        quote,
        department=department,
        on_demand=on_demand,
        on_sale=on_sale,
    )
    return _set_aside(conn, account_id, run_id, payment, at=books.instant)


def void_reservation(
    conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway
) -> None:
    """Give back what was set aside for a run that is not going to be launched; it is over.

    Raises:
        ReservationStateError: If the run has been charged, or was never reserved.
    """
    reservation, instant = _take(conn, run_id, now, gateway=gateway)
    if reservation.state is not ReservationState.VOID:
        reservation.check_state(ReservationState.OPEN, "given up")
        end_reservation(conn, run_id, ReservationState.VOID, instant)
        end_run(conn, run_id, instant)


def charge_start(conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway) -> None:
    """Charge a run's whole quote, as it is about to be launched.

    What it owes in money is due from then on; the gateway is asked for it by the next ``advance``
    of the account's books, which is after this has been committed.

    Raises:
        ReservationStateError: If the reservation is void, or was never made.
        LotOutOfBoundsError: If a lot does not hold what was reserved of it.
    """
    reservation, instant = _take(conn, run_id, now, gateway=gateway)
    if reservation.state is ReservationState.POSTED:
        return
    reservation.check_state(ReservationState.OPEN, "charged")
    quote = reservation.quote
    owed = charge_purchase(conn, reservation, instant)
    _, charged = _post(
        conn,
        reservation,
        key=START,
        description=(
            f"{reservation.title}, {counted(quote.li_minutes, 'LI-minute')} by tariff"
            f" {quote.tariff} of {quote.tariff_version}"
        ),
        startup=quote.startup,
        use=quote.use,
        sources=reservation.slices,
        at=instant,
    )
    if quote.unit is Unit.USD:
        owed += charged
    if owed:
        owe(conn, reservation.account_id, run_id, owed, at=instant)
    end_reservation(conn, run_id, ReservationState.POSTED, instant)


def collect_due(conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway) -> None:
    """Ask for what the run owes, its charge having been committed."""
    _take(conn, run_id, now, gateway=gateway)


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
    """A run is over: return what is not kept of its charge; nothing if all of it is kept.

    LI-minutes go back to the lots that they came from, the last taken first. Money that was not
    collected yet is not collected; what was is set off against what is charged next (C80).

    Args:
        conn: An open write transaction.
        run_id: A run that has been charged.
        keep_startup: How much of the start-up line stays charged, in the quote's unit.
        keep_use: How much of the use line stays charged.
        reason: For people: "cancelled after 95 s".
        now: The command's instant.
        gateway: Collects what is due by now.

    Raises:
        ReservationStateError: If the run has not been charged.
        CorrectionOutOfRangeError: If more is kept than was charged, or less than nothing.
        NaturalKeyConflictError: If the run has been corrected differently.
    """
    reservation, instant = _take(conn, run_id, now, gateway=gateway)
    reservation.check_state(ReservationState.POSTED, "corrected")
    quote = reservation.quote
    check_kept(run_id, quote, startup=keep_startup, use=keep_use)
    returned = (quote.startup - keep_startup) + (quote.use - keep_use)
    end_run(conn, run_id, instant)
    if not returned:
        return
    is_new, charged = _post(
        conn,
        reservation,
        key="correction",
        description=f"{reservation.title}, correction: {reason}",
        startup=keep_startup - quote.startup,
        use=keep_use - quote.use,
        sources=give_back(reservation.slices, returned),
        at=instant,
    )
    if is_new and quote.unit is Unit.USD:
        give_back_money(conn, reservation.account_id, run_id, -charged, at=instant)


def issue_invoice(conn: Connection, run_id: str, *, now: datetime) -> Invoice | None:
    """Issue the invoice of a run that has ended; None: it cost no money."""
    return issuing.issue_for_run(conn, run_id, now)


def _set_aside(
    conn: Connection,
    account_id: str,
    run_id: str,
    payment: Funding,
    *,
    at: datetime,
) -> Reservation:
    """Write the reservation, with what belongs to a department's or an extra payment."""
    slices = payment.slices
    if payment.extra_li_minutes:
        lot_id = insert_extra_lot(conn, account_id, run_id, payment.extra_li_minutes, at)
        slices = (*slices, Slice(lot_id, payment.extra_li_minutes))
    reservation = Reservation(
        run_id,
        account_id,
        payment.quote,
        slices=slices,
        department=payment.department.name if payment.department else None,
        extra_usd_micros=payment.extra_usd_micros,
    )
    insert_reservation(conn, reservation, at, department=payment.department)
    if payment.extra_li_minutes:
        insert_purchase(conn, run_id, slices[-1].lot_id, payment.extra_usd_micros)
    return reservation


def _post(  # noqa: PLR0913 - the parts of a transaction
    conn: Connection,
    reservation: Reservation,
    *,
    key: str,
    description: str,
    startup: int,
    use: int,
    sources: tuple[Slice, ...],
    at: datetime,
) -> tuple[bool, int]:
    """Charge both lines, or with negative amounts return them, against lots or the receivable.

    Returns:
        Whether it was written now, and not before; and what it adds to what is owed, in
        micro-dollars, tax included.
    """
    unit = reservation.quote.unit
    lines = LINES[unit]
    if unit is Unit.USD:
        against = [("receivable", startup + use)]
    else:
        sign = -1 if startup + use > 0 else 1
        against = [(ledger_account(s.lot_id), sign * s.amount) for s in sources]
    amounts = [
        *against,
        (lines.startup, lines.sign * startup),
        (lines.use, lines.sign * use),
    ]
    cause = run_cause(reservation.run_id)
    transaction = Transaction(
        account_id=reservation.account_id,
        natural_key=f"{cause}:{key}",
        cause=cause,
        description=description,
        effective_at=at,
        recorded_at=at,
        postings=tuple(Posting(name, unit, amount) for name, amount in amounts if amount),
    )
    if unit is Unit.USD:
        start = f"{cause}:{START}"
        transaction = taxed(conn, transaction, corrects=None if key == START else start)
    is_new = post(conn, transaction)
    check_bounds(conn, reservation.account_id, (s.lot_id for s in sources))
    return is_new, owed_by(transaction)


def _take(
    conn: Connection, run_id: str, now: datetime, *, gateway: PaymentGateway
) -> tuple[Reservation, datetime]:
    """Lock the books of a run's account; its reservation, and the account's instant."""
    instant = catch_up_run(conn, run_id, now, gateway=gateway).instant
    return reservation_of(conn, run_id), instant


def _check_same(reserved: Reservation, wanted: Reservation, on_demand: Quote | None) -> None:
    """The reservation that the run has already is this one, on either quote."""
    same = replace(
        wanted,
        state=reserved.state,
        slices=reserved.slices,
        extra_usd_micros=reserved.extra_usd_micros,
        quote=reserved.quote if reserved.quote == on_demand else wanted.quote,
    )
    if reserved != same:
        raise NaturalKeyConflictError(
            f"run {wanted.run_id} has been reserved already, with another quote",
            natural_key=run_cause(wanted.run_id),
        )
