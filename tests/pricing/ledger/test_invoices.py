"""Invoices: numbered without a gap, issued once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from engine.database import open_database, transaction
from pricing.accounts.advance import advance
from pricing.ledger.invoices import list_invoices
from pricing.ledger.issuing import issue_for_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation
from pricing.tables import INVOICES

QuoteOf = Callable[[Plan, int, int], Quote]


def test_a_runs_invoice_has_start_up_use_and_correction(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    quote = quote_of(on_demand, 10, 10)
    later = now + timedelta(minutes=5)
    with transaction(db) as conn:
        reserve(conn, globex, "r1", quote, now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        correct(
            conn,
            "r1",
            keep_startup=quote.startup,
            keep_use=0,
            reason="cancelled",
            now=later,
            gateway=REHEARSED_GATEWAY,
        )
        invoice = issue_for_run(conn, "r1", later)
    assert invoice is not None
    assert (invoice.number, invoice.issued_at) == ("globex-00001", later)
    assert [(line.usd_micros, line.cause) for line in invoice.lines] == [
        (quote.startup, "run:r1:start"),
        (quote.use, "run:r1:start"),
        (-quote.use, "run:r1:correction"),
    ]
    assert [line.description.rpartition(": ")[2] for line in invoice.lines] == [
        "start-up",
        "use",
        "use",
    ]
    assert invoice.usd_micros == quote.startup


def test_an_invoice_is_issued_once_and_numbers_have_no_gap(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        for number in range(3):
            run_id = f"r{number}"
            reserve(
                conn, globex, run_id, quote_of(on_demand, 1, 5), now=now, gateway=REHEARSED_GATEWAY
            )
            charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)
            first = issue_for_run(conn, run_id, now)
            assert issue_for_run(conn, run_id, now + timedelta(days=1)) == first
    with db.connect() as conn:
        numbers = [invoice.number for invoice in list_invoices(conn, globex)]
        places = conn.execute(select(INVOICES.c.sequence).order_by(INVOICES.c.id)).scalars().all()
    assert numbers == ["globex-00001", "globex-00002", "globex-00003"]
    assert places == [1, 2, 3]


def test_a_rolled_back_invoice_leaves_no_gap(
    db: Engine, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        for run_id in ("r1", "r2"):
            reserve(
                conn, globex, run_id, quote_of(on_demand, 1, 5), now=now, gateway=REHEARSED_GATEWAY
            )
            charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)
    with db.connect() as conn:
        issue_for_run(conn, "r1", now)
        conn.rollback()
    with transaction(db) as conn:
        invoice = issue_for_run(conn, "r2", now)
    assert invoice is not None
    assert invoice.number == "globex-00001"


def test_a_run_that_cost_no_money_has_no_invoice(
    db: Engine,
    acme: str,
    globex: str,
    starter: Plan,
    on_demand: Plan,
    quote_of: QuoteOf,
    now: datetime,
) -> None:
    with transaction(db) as conn:
        reserve(conn, acme, "credits", quote_of(starter, 1, 5), now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "credits", now=now, gateway=REHEARSED_GATEWAY)
        reserve(
            conn,
            globex,
            "never-launched",
            quote_of(on_demand, 1, 5),
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        void_reservation(conn, "never-launched", now=now, gateway=REHEARSED_GATEWAY)
        assert issue_for_run(conn, "credits", now) is None
        assert issue_for_run(conn, "never-launched", now) is None
        assert issue_for_run(conn, "never-heard-of", now) is None


def test_each_period_of_a_subscription_has_an_invoice_of_its_first_day(
    db: Engine, acme: str, now: datetime
) -> None:
    with transaction(db) as conn:
        advance(conn, acme, now + timedelta(days=60), gateway=REHEARSED_GATEWAY)
        issued = list_invoices(conn, acme)
    assert [(i.number, i.usd_micros, [line.description for line in i.lines]) for i in issued] == [
        ("acme-00001", 199_000_000, ["starter, 2027-01-25 to 2027-02-24: subscription"]),
        ("acme-00002", 199_000_000, ["starter, 2027-02-25 to 2027-03-24: subscription"]),
        ("acme-00003", 199_000_000, ["starter, 2027-03-25 to 2027-04-24: subscription"]),
    ]


def test_invoices_that_are_issued_at_once_have_different_numbers(
    database_url: str, globex: str, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    engine = open_database(database_url)
    runs = [f"r{number}" for number in range(4)]
    with transaction(engine) as conn:
        for run_id in runs:
            reserve(
                conn, globex, run_id, quote_of(on_demand, 1, 5), now=now, gateway=REHEARSED_GATEWAY
            )
            charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)
    together = threading.Barrier(len(runs))

    def issue(run_id: str) -> None:
        together.wait()
        with transaction(engine) as conn:
            issue_for_run(conn, run_id, now)

    threads = [threading.Thread(target=issue, args=(run_id,)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as conn:
        numbers = [invoice.number for invoice in list_invoices(conn, globex)]
    assert numbers == [f"globex-0000{n}" for n in (1, 2, 3, 4)]
    engine.dispose()
