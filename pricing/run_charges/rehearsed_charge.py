"""What one rehearsed run would be charged, as it is on record: beside the books, never in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from pricing.ledger.departments import Department
from pricing.ledger.reservations import ReservationStateError
from pricing.plans.quotes import Quote, quote_from_json, quote_to_json
from pricing.tables import DEPARTMENTS, REHEARSED_CHARGES

_CHARGE = (
    select(REHEARSED_CHARGES, DEPARTMENTS.c.name.label("department"))
    .outerjoin(DEPARTMENTS, DEPARTMENTS.c.id == REHEARSED_CHARGES.c.department_id)
    .where(REHEARSED_CHARGES.c.run_id == bindparam("of"))
)


class ChargeState(StrEnum):
    """Open until the run would be charged, or is given up."""

    OPEN = "open"
    CHARGED = "charged"
    VOID = "void"


class RehearsedCharge(Struct, frozen=True):
    """What a rehearsed run would be charged.

    Attributes:
        run_id: The run.
        account_id: Who would pay.
        quote: What it would be charged; its unit says in what.
        department: Name of the department that runs; None: the account itself.
        extra_li_minutes: How many extra credits it would buy.
        extra_usd_micros: What those would cost.
        state: Where it is in its life.
        kept_startup: How much of the start-up line stays charged, in the quote's unit; None: it
            would not have been charged yet.
        kept_use: The same of the use line.
        ended_at: When the run ended; None: it goes on.
    """

    run_id: str
    account_id: str
    quote: Quote
    department: str | None = None
    extra_li_minutes: int = 0
    extra_usd_micros: int = 0
    state: ChargeState = ChargeState.OPEN
    kept_startup: int | None = None
    kept_use: int | None = None
    ended_at: datetime | None = None

    def check_state(self, wanted: ChargeState, verb: str) -> None:
        """Refuse what the run is past, or not yet at.

        Raises:
            ReservationStateError: If its state is another one.
        """
        if self.state is not wanted:
            raise ReservationStateError(
                f"run {self.run_id} cannot be {verb}: its rehearsed charge is {self.state}",
                run=self.run_id,
                state=self.state,
            )


def insert_charge(
    conn: Connection, charge: RehearsedCharge, at: datetime, *, department: Department | None
) -> None:
    """Put an open charge on record; the run has none yet."""
    conn.execute(
        REHEARSED_CHARGES.insert().values(
            run_id=charge.run_id,
            account_id=charge.account_id,
            department_id=None if department is None else department.id,
            quote=quote_to_json(charge.quote),
            extra_li_minutes=charge.extra_li_minutes,
            extra_usd_micros=charge.extra_usd_micros,
            state=charge.state,
            reserved_at=at,
        )
    )


def change_charge(conn: Connection, run_id: str, **values: object) -> None:
    """Note where the run is by now: its state, what it keeps, instants."""
    conn.execute(
        REHEARSED_CHARGES.update().where(REHEARSED_CHARGES.c.run_id == run_id).values(**values)
    )


def find_charge(conn: Connection, run_id: str) -> RehearsedCharge | None:
    """What a run would be charged; None: it is no rehearsal, or one that was really charged."""
    row = conn.execute(_CHARGE, {"of": run_id}).one_or_none()
    if row is None:
        return None
    return RehearsedCharge(
        run_id=row.run_id,
        account_id=row.account_id,
        quote=quote_from_json(row.quote),
        department=row.department,
        extra_li_minutes=row.extra_li_minutes,
        extra_usd_micros=row.extra_usd_micros,
        state=ChargeState(row.state),
        kept_startup=row.kept_startup,
        kept_use=row.kept_use,
        ended_at=row.ended_at,
    )


def charge_of(conn: Connection, run_id: str) -> RehearsedCharge:
    """What a run would be charged that must be a rehearsal.

    Raises:
        ReservationStateError: If it is none.
    """
    charge = find_charge(conn, run_id)
    if charge is None:
        raise ReservationStateError(f"run {run_id} was never reserved", run=run_id, state=None)
    return charge
