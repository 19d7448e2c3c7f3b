"""What happens outside of a command's transactions, for tests that call no engine."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine

from engine.database import transaction
from pricing.accounts.advance import advance
from pricing.accounts.settling import Rim, Work, settled
from pricing.payments.gateway import PaymentGateway

T = TypeVar("T")


def never(_duration_s: float) -> None:
    raise AssertionError("nobody waits here")


def rim_of(db: Engine, now: datetime, *, gateway: PaymentGateway) -> Rim:
    return Rim(partial(transaction, db), gateway, now, never)


def settle(db: Engine, account: str, work: Work[T], *, now: datetime, gateway: PaymentGateway) -> T:
    """Do it with the gateway being asked in between."""
    return settled(rim_of(db, now, gateway=gateway), account, work)


def advanced(db: Engine, account: str, now: datetime, *, gateway: PaymentGateway) -> None:
    """Bring an account's books up to date."""

    def work(conn: Connection, *, gateway: PaymentGateway) -> None:
        advance(conn, account, now, gateway=gateway)

    settle(db, account, work, now=now, gateway=gateway)
