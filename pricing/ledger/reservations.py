"""Reservations: what an accepted run will be charged, set aside until it starts.

LI-minutes are reserved as slices of particular lots: what was reserved in time stays good, even if
the lot expires before the run starts. Money is quoted, and set aside only in a department's wallet.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from kernel.errors import InvariantBrokenError
from pricing.ledger.departments import Department
from pricing.ledger.lots import Slice
from pricing.plans.quotes import Quote, Unit, quote_from_json, quote_to_json
from pricing.tables import DEPARTMENT_RUNS, DEPARTMENTS, EXTRA_PURCHASES, RESERVATIONS, SLICES

_RESERVATION = (
    select(
        RESERVATIONS,
        DEPARTMENTS.c.name.label("department"),
        func.coalesce(EXTRA_PURCHASES.c.usd_micros, 0).label("extra_usd_micros"),
        SLICES.c.lot_id,
        SLICES.c.amount,
    )
    .outerjoin(DEPARTMENT_RUNS, DEPARTMENT_RUNS.c.run_id == RESERVATIONS.c.run_id)
    .outerjoin(DEPARTMENTS, DEPARTMENTS.c.id == DEPARTMENT_RUNS.c.department_id)
    .outerjoin(EXTRA_PURCHASES, EXTRA_PURCHASES.c.run_id == RESERVATIONS.c.run_id)
    .outerjoin(SLICES, SLICES.c.run_id == RESERVATIONS.c.run_id)
    .where(RESERVATIONS.c.run_id == bindparam("of"))
    .order_by(SLICES.c.position)
)
_ACCOUNT = select(RESERVATIONS.c.account_id).where(RESERVATIONS.c.run_id == bindparam("of"))


class ReservationState(StrEnum):
    """Open until the run is charged, or given up."""

    OPEN = "open"
    POSTED = "posted"
    VOID = "void"


class FundingSource(StrEnum):
    """Which funding source a run is paid from; always one."""

    ACCOUNT_CREDITS = "account_credits"
    DEPARTMENT_CREDITS = "department_credits"
    WALLET = "wallet"
    ON_DEMAND = "on_demand"


class ReservationStateError(InvariantBrokenError):
    """The run's reservation is missing, or past what was asked; facts: ``run``, ``state``."""

    code = "reservation_state"


class Reservation(Struct, frozen=True):
    """A run's reservation.

    Attributes:
        run_id: The run.
        account_id: Who pays.
        quote: What it will be charged; never priced again.
        state: Where it is in its life.
        slices: The parts of lots that it holds, in burn order; none for money.
        department: Name of the department that runs; None: the account itself.
        rehearsal: Nothing real was launched, and an earlier version charged it all the same.
        extra_usd_micros: What the extra credits cost that it buys besides.
    """

    run_id: str
    account_id: str
    quote: Quote
    state: ReservationState = ReservationState.OPEN
    slices: tuple[Slice, ...] = ()
    department: str | None = None
    rehearsal: bool = False
    extra_usd_micros: int = 0

    @property
    def funding_source(self) -> FundingSource:
        """Which funding source it is paid from."""
        return funding_source_of(self.quote, self.department)

    @property
    def title(self) -> str:
        """The run, for people."""
        department = "" if self.department is None else f" of {self.department}"
        return f"{self.run_id}{department}{' (rehearsal)' if self.rehearsal else ''}"

    def check_state(self, wanted: ReservationState, verb: str) -> None:
        """Refuse what the run is past, or not yet at.

        Raises:
            ReservationStateError: If its state is another one.
        """
        if self.state is not wanted:
            raise ReservationStateError(
                f"run {self.run_id} cannot be {verb}: its reservation is {self.state}",
                run=self.run_id,
                state=self.state,
            )


def funding_source_of(quote: Quote, department: str | None) -> FundingSource:
    """Which funding source a quote is paid from: its unit says how, the department whose."""
    if quote.unit is Unit.USD:
        return FundingSource.ON_DEMAND if department is None else FundingSource.WALLET
    return FundingSource.ACCOUNT_CREDITS if department is None else FundingSource.DEPARTMENT_CREDITS


def insert_reservation(
    conn: Connection,
    reservation: Reservation,
    at: datetime,
    *,
    department: Department | None = None,
) -> None:
    """Write an open reservation with its slices; the run has none yet."""
    conn.execute(
        RESERVATIONS.insert().values(
            run_id=reservation.run_id,
            account_id=reservation.account_id,
            quote=quote_to_json(reservation.quote),
            rehearsal=reservation.rehearsal,
            state=reservation.state,
            reserved_at=at,
        )
    )
    if reservation.slices:
        conn.execute(
            SLICES.insert(),
            [
                {
                    "run_id": reservation.run_id,
                    "position": position,
                    "lot_id": part.lot_id,
                    "amount": part.amount,
                }
                for position, part in enumerate(reservation.slices)
            ],
        )
    if department is not None:
        is_money = reservation.quote.unit is Unit.USD
        conn.execute(
            DEPARTMENT_RUNS.insert().values(
                run_id=reservation.run_id,
                department_id=department.id,
                wallet_usd_micros=reservation.quote.total if is_money else 0,
            )
        )


def reservation_of(conn: Connection, run_id: str) -> Reservation:
    """The reservation of a run that must have one.

    Raises:
        ReservationStateError: If it has none.
    """
    reservation = find_reservation(conn, run_id)
    if reservation is None:
        raise ReservationStateError(f"run {run_id} was never reserved", run=run_id, state=None)
    return reservation


def account_of_run(conn: Connection, run_id: str) -> str:
    """Whose books a run is charged to.

    Raises:
        ReservationStateError: If it was never reserved.
    """
    account_id: str | None = conn.execute(_ACCOUNT, {"of": run_id}).scalar_one_or_none()
    if account_id is None:
        raise ReservationStateError(f"run {run_id} was never reserved", run=run_id, state=None)
    return account_id


def find_reservation(conn: Connection, run_id: str) -> Reservation | None:
    """The reservation of a run, if it has one."""
    rows = conn.execute(_RESERVATION, {"of": run_id}).all()
    if not rows:
        return None
    # One row a slice; one with no lot, where there is none.
    row = rows[0]
    return Reservation(
        run_id=run_id,
        account_id=row.account_id,
        quote=quote_from_json(row.quote),
        rehearsal=row.rehearsal,
        state=ReservationState(row.state),
        slices=tuple(Slice(part.lot_id, part.amount) for part in rows if part.lot_id is not None),
        department=row.department,
        extra_usd_micros=row.extra_usd_micros,
    )


def runs_at_once(conn: Connection, account_id: str) -> tuple[str, ...]:
    """The ids of an account's runs that were accepted and have not ended, oldest first."""
    rows = conn.execute(
        select(RESERVATIONS.c.run_id)
        .where(RESERVATIONS.c.account_id == account_id, RESERVATIONS.c.run_ended_at.is_(None))
        .order_by(RESERVATIONS.c.reserved_at, RESERVATIONS.c.run_id)
    )
    return tuple(rows.scalars())


def end_run(conn: Connection, run_id: str, at: datetime) -> None:
    """The run itself is over, once; it is no longer at once with others."""
    conn.execute(
        RESERVATIONS.update()
        .where(RESERVATIONS.c.run_id == run_id, RESERVATIONS.c.run_ended_at.is_(None))
        .values(run_ended_at=at)
    )


def end_reservation(conn: Connection, run_id: str, state: ReservationState, at: datetime) -> None:
    """Release what is set aside: it has been charged, or the run was given up."""
    conn.execute(
        RESERVATIONS.update()
        .where(RESERVATIONS.c.run_id == run_id)
        .values(state=state, ended_at=at)
    )
