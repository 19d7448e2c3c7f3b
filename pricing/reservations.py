"""Reservations: what an accepted run will be charged, set aside until it starts.

LI-minutes are reserved as slices of particular lots: what was reserved in time stays good, even if
the lot expires before the run starts. Money is not set aside, only quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from kernel.errors import InvariantBrokenError
from pricing.lots import Slice
from pricing.quotes import Quote, quote_from_json, quote_to_json
from pricing.tables import RESERVATIONS, SLICES


class ReservationState(StrEnum):
    """Open until the run is charged, or given up."""

    OPEN = "open"
    POSTED = "posted"
    VOID = "void"


class ReservationStateError(InvariantBrokenError):
    """The run's reservation is missing, or past what was asked; facts: ``run``, ``state``."""

    code = "reservation_state"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A run's reservation.

    Attributes:
        run_id: The run.
        account_id: Who pays.
        quote: What it will be charged; never priced again.
        rehearsal: Whether nothing real is launched; said in the books.
        state: Where it is in its life.
        slices: The parts of lots that it holds, in burn order; none for money.
    """

    run_id: str
    account_id: str
    quote: Quote
    rehearsal: bool
    state: ReservationState = ReservationState.OPEN
    slices: tuple[Slice, ...] = ()

    @property
    def title(self) -> str:
        """The run, for people."""
        return f"run {self.run_id} (rehearsal)" if self.rehearsal else f"run {self.run_id}"

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


def insert_reservation(conn: Connection, reservation: Reservation, at: datetime) -> None:
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


def reservation_of(conn: Connection, run_id: str) -> Reservation:
    """The reservation of a run that must have one.

    Raises:
        ReservationStateError: If it has none.
    """
    reservation = find_reservation(conn, run_id)
    if reservation is None:
        raise ReservationStateError(f"run {run_id} was never reserved", run=run_id, state=None)
    return reservation


def find_reservation(conn: Connection, run_id: str) -> Reservation | None:
    """The reservation of a run, if it has one."""
    row = conn.execute(select(RESERVATIONS).where(RESERVATIONS.c.run_id == run_id)).one_or_none()
    if row is None:
        return None
    slices = conn.execute(
        select(SLICES.c.lot_id, SLICES.c.amount)
        .where(SLICES.c.run_id == run_id)
        .order_by(SLICES.c.position)
    )
    return Reservation(
        run_id=run_id,
        account_id=row.account_id,
        quote=quote_from_json(row.quote),
        rehearsal=row.rehearsal,
        state=ReservationState(row.state),
        slices=tuple(Slice(part.lot_id, part.amount) for part in slices),
    )


def end_reservation(conn: Connection, run_id: str, state: ReservationState, at: datetime) -> None:
    """Release what is set aside: it has been charged, or the run was given up."""
    conn.execute(
        RESERVATIONS.update()
        .where(RESERVATIONS.c.run_id == run_id)
        .values(state=state, ended_at=at)
    )
