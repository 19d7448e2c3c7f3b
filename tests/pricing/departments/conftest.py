"""An account with a department, and quotes of exact sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from engine.database import transaction
from pricing.departments.commands import add_department, department_view
from pricing.ledger.reservations import FundingSource
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote
from pricing.run_charges.charges import charge_start, correct, reserve

QuoteOf = Callable[[Plan, int, int], Quote]
SizedQuotes = Callable[..., "Quotes"]


class Quotes(NamedTuple):
    """One run on the account's plan, and in money."""

    credits: Quote
    money: Quote


@pytest.fixture
def quotes(starter: Plan, on_demand: Plan, quote_of: QuoteOf) -> SizedQuotes:
    """A run of so many LI-minutes that costs so many dollars on demand."""

    def sized(li_minutes: int, usd: int = 10) -> Quotes:
        in_credits = quote_of(starter, 1, 10)
        in_money = quote_of(on_demand, 1, 10)
        startup = min(5, li_minutes)
        return Quotes(
            replace(
                in_credits,
                li_minutes=li_minutes,
                startup_li_minutes=startup,
                startup=startup,
                use=li_minutes - startup,
            ),
            replace(
                in_money,
                li_minutes=li_minutes,
                startup_li_minutes=startup,
                startup=1_000_000,
                use=(usd - 1) * 1_000_000,
            ),
        )

    return sized


class Runs:
    """Runs of one account, by hand."""

    def __init__(self, conn: Connection, account_id: str) -> None:
        self.conn = conn
        self.account_id = account_id

    def accept(
        self, run_id: str, quotes: Quotes, now: datetime, department: str | None = "research"
    ) -> FundingSource:
        """Reserve a run; who pays it."""
        return reserve(
            self.conn,
            self.account_id,
            run_id,
            quotes.credits,
            department=department,
            on_demand=quotes.money,
            now=now,
            gateway=REHEARSED_GATEWAY,
        ).funding_source

    def start(
        self, run_id: str, quotes: Quotes, now: datetime, department: str | None = "research"
    ) -> FundingSource:
        """Reserve a run and launch it; who paid it."""
        funding_source = self.accept(run_id, quotes, now, department)
        charge_start(self.conn, run_id, now=now, gateway=REHEARSED_GATEWAY)
        return funding_source

    def cancel(self, run_id: str, quote: Quote, now: datetime) -> None:
        """Keep the start-up line only."""
        correct(
            self.conn,
            run_id,
            keep_startup=quote.startup,
            keep_use=0,
            reason="cancelled",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )

    def credits_left(self, now: datetime, department: str = "research") -> int:
        """The department's LI-minutes."""
        return department_view(
            self.conn, self.account_id, department, now, gateway=REHEARSED_GATEWAY
        ).balance_li_minutes

    def spent_usd(self, now: datetime, department: str = "research") -> int:
        """The department's money this month, in dollars."""
        wallet = department_view(
            self.conn, self.account_id, department, now, gateway=REHEARSED_GATEWAY
        ).wallet
        return wallet.spent_usd_micros // 1_000_000


@pytest.fixture
def runs() -> type[Runs]:
    """Runs of an account on a connection."""
    return Runs


@pytest.fixture
def research(db: Engine, acme: str, now: datetime) -> str:
    """The department ``research`` of acme, with nothing yet."""
    with transaction(db) as conn:
        return add_department(
            conn, acme, "research", now=now, gateway=REHEARSED_GATEWAY
        ).department.name
