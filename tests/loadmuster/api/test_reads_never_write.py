"""Looking changes nothing: reads tell what is due by now, and leave it to the next command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.api import Engine
from engine.database import reading
from kernel.clock import ManualClock
from pricing.tables.columns import METADATA
from tests.loadmuster.api.test_one_instant import CHECKOUT, REQUEST, STORY

NOW = datetime(2027, 1, 25, 9, 0, tzinfo=UTC)
TWO_YEARS = timedelta(days=2 * 365)
WRITES = {
    *("accounts.open", "accounts.boost", "accounts.upgrade", "accounts.downgrade"),
    *("accounts.undo", "accounts.extra_credits", "accounts.cancel", "accounts.confirm_cancel"),
    *("accounts.renew", "accounts.to_on_demand", "accounts.set_card", "accounts.pay"),
    *("accounts.advance", "accounts.heal", "accounts.delete", "books.close"),
    *("accounts.reconcile", "accounts.payment_heard", "accounts.refund"),
    *("billing.set_details", "billing.set_seller", "billing.refresh_taxes"),
    *("accounts.change_administrators", "accounts.notice"),
    *("departments.add", "departments.allocate", "departments.limit"),
    *("targets.allow", "targets.forbid", "runs.accept"),
}
READS = [name for name in STORY if name not in WRITES]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    with Engine(database_url, clock=clock, new_id=lambda: "run-1", environment={}) as engine:
        for account in ("acme", "overdue"):
            engine.accounts.open(account, plan="starter", administrators=["ann"])
        engine.departments.add("overdue", "lab")
        engine.targets.allow("acme", "shop.example.com")
        engine.runs.accept(CHECKOUT, **REQUEST)
        yield engine


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    with reading(engine._context.db) as conn:
        return {
            table.name: sorted(map(str, conn.execute(select(table)).all()))
            for table in METADATA.sorted_tables
        }


@pytest.mark.promise(
    "reads-never-post",
    command=(
        "account show",
        "account list",
        "account offers",
        "account history",
        "account targets",
        "account log",
        "account refunds",
        "billing show",
        "billing seller",
        "department show",
        "department list",
        "ledger",
        "invoices",
        "usage",
        "advise",
        "runs",
        "show",
    ),
)
@pytest.mark.parametrize("name", READS)
def test_a_read_two_years_ahead_leaves_every_row_as_it_was(
    name: str, engine: Engine, clock: ManualClock
) -> None:
    before = everything(engine)
    clock.move_to(NOW + TWO_YEARS)

    STORY[name](engine)

    assert everything(engine) == before


READERS: dict[str, Callable[[Engine], object]] = {
    name: STORY[name]
    for name in READS
    if name.startswith(("accounts.", "departments.", "reports."))
}


def test_after_reads_two_years_ahead_the_account_goes_on_as_if_nobody_had_looked(
    engine: Engine, clock: ManualClock, database_url: str
) -> None:
    clock.move_to(NOW + TWO_YEARS)
    for read in READERS.values():
        read(engine)
    ahead = engine.accounts.show("acme")
    assert ahead.charged_usd_micros == 24 * 199_000_000
    assert ahead.due_usd_micros == 23 * 199_000_000

    with Engine(database_url, clock=ManualClock(NOW + timedelta(days=1))) as next_day:
        assert next_day.accounts.boost("acme").charged_usd_micros == 2 * 199_000_000
        assert len(next_day.reports.invoices("acme")) == 2
