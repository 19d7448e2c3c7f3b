"""Where runs meet money: reserve, charge at the start, correct after a cancel (R1, R10, R29).

A run's credits or money are reserved when it is accepted. The whole quote is charged in the
transaction that records the intent to launch, as two lines, start-up and use. What the policy does
not keep comes back as one correcting transaction. A run that was never launched costs nothing: its
reservation is void.

Each of these happens once, however often it is called; all take the caller's open transaction, so
that the run's state is committed with them. They read the quote that was reserved: a run's bill is
never priced again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from kernel.errors import InvariantBrokenError, RefusedError
from pricing.accounts import advance, catch_up, find_account
from pricing.invoices import run_cause
from pricing.ledger import (
    NaturalKeyConflictError,
    Posting,
    Transaction,
    entries_of,
    post,
)
from pricing.lots import Slice, check_bounds, give_back, ledger_account, open_lots, take
from pricing.money import divide_half_up
from pricing.quotes import Quote, Unit
from pricing.reservations import (
    Reservation,
    ReservationState,
    end_reservation,
    find_reservation,
    insert_reservation,
    reservation_of,
)
from pricing.tariffs import CancellationPolicy


class InsufficientCreditsError(RefusedError):
    """Too few LI-minutes; facts: ``account``, ``needed``, ``available``."""

    code = "insufficient_credits"


class QuoteOutdatedError(RefusedError):
    """The account is on another plan by now; facts: ``account``, ``plan``, ``quoted``."""

    code = "quote_outdated"


class CorrectionOutOfRangeError(InvariantBrokenError):
    """More would be kept than was charged, or less than nothing; facts: ``run``."""

    code = "correction_out_of_range"


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run cost, after its correction.

    Attributes:
        unit: Of the amounts: micro-dollars, or LI-minutes of a subscription.
        startup: Kept of the start-up line.
        use: Kept of the use line.
        li_minutes: LI-minutes that the amounts stand for; for money, in proportion to each line.
        policy: Decided what was kept.
        tariff_version: The tariff that the run was quoted with.
        corrected: Whether anything came back.
    """

    unit: Unit
    startup: int
    use: int
    li_minutes: int
    policy: CancellationPolicy
    tariff_version: date
    corrected: bool

    @property
    def total(self) -> int:
        """Start-up and use."""
        return self.startup + self.use


class _Lines(NamedTuple):
    """The two ledger accounts that a run is charged on, and the sign of a charge there."""

    startup: str
    use: str
    sign: int


_LINES = {
    Unit.USD: _Lines("revenue:start-up", "revenue:use", -1),
    Unit.LI_MINUTES: _Lines("used:start-up", "used:use", 1),
}


def reserve(
    conn: Connection,
    account_id: str,
    run_id: str,
    quote: Quote,
    *,
    now: datetime,
    rehearsal: bool = False,
) -> None:
    """Set aside what a run is quoted at; refused if the account does not have it.

    LI-minutes are taken from particular lots, in burn order: what is reserved stays good.

    Raises:
        UnknownAccountError: If there is no such account.
        InsufficientCreditsError: If the LI-minutes that no other run has reserved do not suffice.
        QuoteOutdatedError: If the account is no longer on the plan of the quote.
        ClockBackwardsError: If the account has been dealt with at a later instant.
        NaturalKeyConflictError: If the run has been reserved with another quote.
    """
    instant = advance(conn, account_id, now)
    reserved = find_reservation(conn, run_id)
    if reserved is not None:
        _check_same(reserved, Reservation(run_id, account_id, quote, rehearsal))
        return
    plan = find_account(conn, account_id).plan
    if quote.plan != plan:
        raise QuoteOutdatedError(
            f"account {account_id} is on plan {plan}, the quote is for {quote.plan}; quote again",
            account=account_id,
            plan=plan,
            quoted=quote.plan,
        )
    slices = (
        _free_slices(conn, account_id, quote.total, instant)
        if quote.unit is Unit.LI_MINUTES
        else ()
    )
    insert_reservation(
        conn, Reservation(run_id, account_id, quote, rehearsal, slices=slices), instant
    )


def void_reservation(conn: Connection, run_id: str, *, now: datetime) -> None:
    """Give back what was set aside for a run that is not going to be launched.

    Raises:
        ReservationStateError: If the run has been charged, or was never reserved.
    """
    reservation, instant = _take(conn, run_id, now)
    if reservation.state is not ReservationState.VOID:
        reservation.check_state(ReservationState.OPEN, "given up")
        end_reservation(conn, run_id, ReservationState.VOID, instant)


def charge_start(conn: Connection, run_id: str, *, now: datetime) -> None:
    """Charge a run's whole quote, as it is about to be launched.

    Raises:
        ReservationStateError: If the reservation is void, or was never made.
        LotOutOfBoundsError: If a lot does not hold what was reserved of it.
    """
    reservation, instant = _take(conn, run_id, now)
    if reservation.state is ReservationState.POSTED:
        return
    reservation.check_state(ReservationState.OPEN, "charged")
    quote = reservation.quote
    _post(
        conn,
        reservation,
        key="start",
        description=(
            f"{reservation.title}, {quote.li_minutes} LI-minutes by tariff {quote.tariff}"
            f" of {quote.tariff_version}"
        ),
        startup=quote.startup,
        use=quote.use,
        sources=reservation.slices,
        at=instant,
    )
    end_reservation(conn, run_id, ReservationState.POSTED, instant)


def correct(
    conn: Connection,
    run_id: str,
    *,
    keep_startup: int,
    keep_use: int,
    reason: str,
    now: datetime,
) -> None:
    """Return what is not kept of a charge, in one transaction; nothing if all of it is kept.

    LI-minutes go back to the lots that they came from, the last taken first.

    Args:
        conn: An open write transaction.
        run_id: A run that has been charged.
        keep_startup: How much of the start-up line stays charged, in the quote's unit.
        keep_use: How much of the use line stays charged.
        reason: For people: "cancelled after 95 s".
        now: The command's instant.

    Raises:
        ReservationStateError: If the run has not been charged.
        CorrectionOutOfRangeError: If more is kept than was charged, or less than nothing.
        NaturalKeyConflictError: If the run has been corrected differently.
    """
    reservation, instant = _take(conn, run_id, now)
    reservation.check_state(ReservationState.POSTED, "corrected")
    quote = reservation.quote
    if not (0 <= keep_startup <= quote.startup and 0 <= keep_use <= quote.use):
        raise CorrectionOutOfRangeError(
            f"run {run_id}: cannot keep {keep_startup} of start-up {quote.startup} and"
            f" {keep_use} of use {quote.use}",
            run=run_id,
        )
    returned = (quote.startup - keep_startup) + (quote.use - keep_use)
    if returned:
        _post(
            conn,
            reservation,
            key="correction",
            description=f"{reservation.title}, correction: {reason}",
            startup=keep_startup - quote.startup,
            use=keep_use - quote.use,
            sources=give_back(reservation.slices, returned),
            at=instant,
        )


def bill_of(conn: Connection, run_id: str) -> Bill | None:
    """What a run has cost so far, from the ledger; None: it was not charged."""
    charges = entries_of(conn, run_cause(run_id))
    if not charges:
        return None
    quote = reservation_of(conn, run_id).quote
    lines = _LINES[quote.unit]

    def kept(account: str) -> int:
        return lines.sign * sum(
            posting.amount
            for charge in charges
            for posting in charge.postings
            if posting.ledger_account == account
        )

    startup, use = kept(lines.startup), kept(lines.use)
    return Bill(
        unit=quote.unit,
        startup=startup,
        use=use,
        li_minutes=_share(quote.startup_li_minutes, startup, quote.startup)
        + _share(quote.li_minutes - quote.startup_li_minutes, use, quote.use),
        policy=quote.policy,
        tariff_version=quote.tariff_version,
        corrected=len(charges) > 1,
    )


def _share(li_minutes: int, kept: int, charged: int) -> int:
    """The LI-minutes that a kept part of a line stands for."""
    return divide_half_up(li_minutes * kept, charged) if charged else 0


def _free_slices(conn: Connection, account_id: str, needed: int, at: datetime) -> tuple[Slice, ...]:
    """Slices of the account's lots that nobody holds, ``needed`` LI-minutes in all."""
    lots = open_lots(conn, account_id, at)
    available = sum(lot.available for lot in lots)
    if available < needed:
        raise InsufficientCreditsError(
            f"account {account_id}: the run needs {needed} LI-minutes, {available} are available",
            account=account_id,
            needed=needed,
            available=available,
        )
    return take(lots, needed)


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
) -> None:
    """Charge both lines, or with negative amounts return them, against lots or the receivable."""
    unit = reservation.quote.unit
    lines = _LINES[unit]
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
    post(
        conn,
        Transaction(
            account_id=reservation.account_id,
            natural_key=f"{cause}:{key}",
            cause=cause,
            description=description,
            effective_at=at,
            recorded_at=at,
            postings=tuple(Posting(name, unit, amount) for name, amount in amounts if amount),
        ),
    )
    check_bounds(conn, reservation.account_id, (s.lot_id for s in sources))


def _take(conn: Connection, run_id: str, now: datetime) -> tuple[Reservation, datetime]:
    """Lock the books of a run's account; its reservation, and the account's instant."""
    instant = catch_up(conn, reservation_of(conn, run_id).account_id, now)
    return reservation_of(conn, run_id), instant


def _check_same(reserved: Reservation, wanted: Reservation) -> None:
    """The reservation that the run has already is this one."""
    if replace(reserved, state=wanted.state, slices=wanted.slices) != wanted:
        raise NaturalKeyConflictError(
            f"run {wanted.run_id} has been reserved already, with another quote",
            natural_key=run_cause(wanted.run_id),
        )
