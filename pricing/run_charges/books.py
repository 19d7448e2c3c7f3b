"""Which books a run is charged in: a real run in the account's, a rehearsal in none of them.

It is decided once, when a run is accepted; from then on the record says it. So a rehearsal that an
earlier version charged for real goes on in the books in which it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from pricing.ledger.invoices import Invoice
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote
from pricing.run_charges import charges, rehearsed
from pricing.run_charges.bill import Bill
from pricing.run_charges.rehearsed_charge import find_charge


class Reserved(Protocol):
    """What is on record of a run that was accepted."""

    @property
    def quote(self) -> Quote:
        """What it will be charged, on whichever funding source pays."""
        ...

    @property
    def extra_usd_micros(self) -> int:
        """What the extra credits cost that it buys besides."""
        ...

    @property
    def department(self) -> str | None:
        """Name of the department that runs; None: the account itself."""
        ...


class RunBooks(Protocol):
    """Where runs meet money: the functions of ``charges``, which says what each takes and raises.

    All take the caller's open write transaction; ``bill_of`` only reads.

    Attributes:
        CHARGE_WORDS: What a run's timeline says of its charge.
    """

    CHARGE_WORDS: str

    def plan_of(
        self, conn: Connection, account_id: str, *, now: datetime, gateway: PaymentGateway
    ) -> Plan:
        """The plan that a run is quoted on now."""
        ...

    def reserve(  # noqa: PLR0913 - a run, its quotes and who runs it
        self,
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
    ) -> Reserved:
        """Take note of what a run will be charged, or refuse it."""
        ...

    def void_reservation(
        self, conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway
    ) -> None:
        """The run is over before it was launched: it costs nothing."""
        ...

    def charge_start(
        self, conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway
    ) -> None:
        """Charge the whole quote, as the run is about to be launched."""
        ...

    def collect_due(
        self, conn: Connection, run_id: str, *, now: datetime, gateway: PaymentGateway
    ) -> None:
        """Ask for what the run owes, its charge having been committed."""
        ...

    def correct(
        self,
        conn: Connection,
        run_id: str,
        *,
        keep_startup: int,
        keep_use: int,
        reason: str,
        now: datetime,
        gateway: PaymentGateway,
    ) -> None:
        """The run is over: return what is not kept."""
        ...

    def issue_invoice(self, conn: Connection, run_id: str, *, now: datetime) -> Invoice | None:
        """Issue the invoice of a run that has ended."""
        ...

    def bill_of(self, conn: Connection, run_id: str) -> Bill | None:
        """What the run has cost so far; None: it was not charged."""
        ...


REAL: RunBooks = charges
"""The account's own: ledger, lots, wallets, invoices, payments."""

REHEARSED: RunBooks = rehearsed
"""Beside them: what it would cost is worked out and shown."""


def books_for(*, rehearsal: bool) -> RunBooks:
    """The books that a run is going to be charged in."""
    return REHEARSED if rehearsal else REAL


def books_of(conn: Connection, run_id: str) -> RunBooks:
    """The books that a run is charged in which was accepted."""
    return REAL if find_charge(conn, run_id) is None else REHEARSED
