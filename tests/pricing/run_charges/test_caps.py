"""How many runs a plan allows at once: all that were accepted and have not ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from engine.database import open_database, transaction
from pricing.accounts.deletions import RunsOpenError, delete
from pricing.accounts.opening import open_account
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Caps, Plan
from pricing.plans.quotes import Quote
from pricing.run_charges.caps import PlanCapError
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation

QuoteOf = Callable[[Plan, int, int], Quote]
AT_ONCE = 2


@pytest.fixture
def capped(db: Engine, on_demand: Plan, now: datetime) -> Plan:
    """The plan of the account ``umbrella``: two runs at once."""
    plan = replace(on_demand, caps=Caps(concurrent_runs=AT_ONCE))
    with transaction(db) as conn:
        open_account(conn, "umbrella", plan, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
    return plan


def is_refused(conn: Connection, run_id: str, quote: Quote, now: datetime) -> bool:
    try:
        with conn.begin_nested():
            reserve(conn, "umbrella", run_id, quote, now=now, gateway=REHEARSED_GATEWAY)
    except PlanCapError:
        return True
    return False


def test_a_run_counts_from_its_acceptance_to_its_end(
    db: Engine, capped: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(capped, 1, 5)
    with transaction(db) as conn:
        reserve(conn, "umbrella", "r1", quote, now=now, gateway=REHEARSED_GATEWAY)
        reserve(conn, "umbrella", "r2", quote, now=now, gateway=REHEARSED_GATEWAY)
        with pytest.raises(
            PlanCapError, match="3 runs at once; plan on-demand allows 2"
        ) as refused:
            reserve(conn, "umbrella", "r3", quote, now=now, gateway=REHEARSED_GATEWAY)
        assert refused.value.facts == {
            "account": "umbrella",
            "plan": "on-demand",
            "cap": "runs at once",
            "wanted": 3,
            "allowed": 2,
        }
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert is_refused(conn, "r3", quote, now), "launched is not ended"
        correct(
            conn,
            "r1",
            keep_startup=quote.startup,
            keep_use=quote.use,
            reason="completed",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        assert not is_refused(conn, "r3", quote, now)
        assert is_refused(conn, "r4", quote, now)
        void_reservation(conn, "r2", now=now, gateway=REHEARSED_GATEWAY)
        assert not is_refused(conn, "r4", quote, now)


def test_of_many_that_want_the_last_place_one_gets_it(
    database_url: str, db: Engine, capped: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(capped, 1, 5)
    with transaction(db) as conn:
        reserve(conn, "umbrella", "r0", quote, now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r0", now=now, gateway=REHEARSED_GATEWAY)
    together = threading.Barrier(4)
    refusals = []

    def want(number: int) -> None:
        engine = open_database(database_url)
        together.wait()
        with transaction(engine) as conn:
            refusals.append(is_refused(conn, f"r{number}", quote, now))
        engine.dispose()

    threads = [threading.Thread(target=want, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refusals) == [False, True, True, True]


def test_an_account_is_not_deleted_while_a_run_has_not_ended(
    db: Engine, capped: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(capped, 1, 5)
    with transaction(db) as conn:
        reserve(conn, "umbrella", "r1", quote, now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
    with pytest.raises(RunsOpenError, match="1 open run;"), transaction(db) as conn:
        delete(conn, "umbrella", now=now, request_id="d", gateway=REHEARSED_GATEWAY)
