"""A department's limit is not to be had anew by going on demand and back (C8, C13, C48)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.departments.commands import department_view, limit_wallet
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.run_charges.charges import WalletExceededError

Quotes = Callable[..., Any]
Runs = Callable[..., Any]
USD = 1_000_000


def spent(db: Engine, account: str, at: datetime) -> tuple[int, str]:
    """Dollars that are spent in the wallet's month, and the month's first and last day."""
    with transaction(db) as conn:
        wallet = department_view(conn, account, "research", at, gateway=REHEARSED_GATEWAY).wallet
    days = f"{wallet.period.first_day} to {wallet.period.last_day}"
    return wallet.spent_usd_micros // USD, days


def test_c48_there_and_back_keeps_what_was_spent(
    db: Engine,
    acme: str,
    research: str,
    on_demand: Plan,
    quotes: Quotes,
    runs: Runs,
    now: datetime,
) -> None:
    cycle = "2027-01-25 to 2027-02-24"
    switched = datetime(2027, 2, 10, tzinfo=UTC)
    with transaction(db) as conn:
        limit_wallet(conn, acme, research, 50 * USD, now=now, gateway=REHEARSED_GATEWAY)
        runs(conn, acme).start("r1", quotes(60, usd=45), now)
    assert spent(db, acme, switched) == (45, cycle)

    on = {"gateway": REHEARSED_GATEWAY, "request_id": "a"}
    with transaction(db) as conn:
        to_on_demand(conn, acme, on_demand, now=switched, **on)  # type: ignore[arg-type]
    assert spent(db, acme, switched) == (45, cycle)
    in_money = quotes(60, usd=10).money
    with pytest.raises(WalletExceededError), transaction(db) as conn:
        runs(conn, acme).start("r2", Both(in_money, in_money), switched)
    small = quotes(60, usd=5).money
    with transaction(db) as conn:
        runs(conn, acme).start("r3", Both(small, small), switched)
        undo(conn, acme, now=switched, gateway=REHEARSED_GATEWAY, request_id="b")
    assert spent(db, acme, switched) == (50, cycle)
    assert spent(db, acme, datetime(2027, 2, 26, tzinfo=UTC)) == (0, "2027-02-25 to 2027-03-24")


def test_c8_after_the_boundary_the_calendar_month_counts(
    db: Engine, acme: str, research: str, on_demand: Plan, now: datetime
) -> None:
    assert research == "research"
    with transaction(db) as conn:
        at = now + timedelta(days=1)
        to_on_demand(conn, acme, on_demand, now=at, gateway=REHEARSED_GATEWAY, request_id="a")
    for instant, days in (
        (datetime(2027, 2, 24, 12, tzinfo=UTC), "2027-01-25 to 2027-02-24"),
        (datetime(2027, 2, 25, 12, tzinfo=UTC), "2027-02-01 to 2027-02-28"),
        (datetime(2027, 3, 25, 12, tzinfo=UTC), "2027-03-01 to 2027-03-31"),
    ):
        assert spent(db, acme, instant) == (0, days)


class Both:
    """A run of an account that is on demand: in money, whatever it is asked for."""

    def __init__(self, in_credits: Any, in_money: Any) -> None:  # noqa: ANN401 - quotes
        self.credits, self.money = in_credits, in_money
