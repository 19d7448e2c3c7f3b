"""Accounts on both plans, and quotes of a wanted size."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Engine

from engine.database import transaction
from kernel.clock import ManualClock
from pricing.accounts.opening import open_account
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Quote, quote_run
from pricing.tariffs import LoadSize

QuoteOf = Callable[[Plan, int, int], Quote]


@pytest.fixture(scope="session")
def starter() -> Plan:
    """199 USD and 1,800 LI-minutes a month."""
    return load_plans(BUNDLED_PLANS)["starter"]


@pytest.fixture(scope="session")
def on_demand() -> Plan:
    """Paid run by run."""
    return load_plans(BUNDLED_PLANS)["on-demand"]


@pytest.fixture(scope="session")
def quote_of() -> QuoteOf:
    """A quote of a plan, for so many injectors (100 users each) and minutes."""

    def quote(plan: Plan, injectors: int, minutes: int) -> Quote:
        return quote_run(
            plan,
            LoadSize(injectors=injectors, users=100 * injectors, duration_s=60 * minutes),
        )

    return quote


@pytest.fixture
def clock(now: datetime) -> ManualClock:
    """Stands still at now, until it is moved."""
    return ManualClock(now)


@pytest.fixture
def acme(db: Engine, starter: Plan, now: datetime) -> str:
    """An account on Starter, in Paris, activated now."""
    with transaction(db) as conn:
        return open_account(
            conn, "acme", starter, timezone="Europe/Paris", now=now, gateway=REHEARSED_GATEWAY
        ).id


@pytest.fixture
def globex(db: Engine, on_demand: Plan, now: datetime) -> str:
    """An account on demand."""
    with transaction(db) as conn:
        return open_account(
            conn, "globex", on_demand, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY
        ).id
