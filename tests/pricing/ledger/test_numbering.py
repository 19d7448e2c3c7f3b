"""Numbers of invoices have no gap, whoever issues at once and whoever dies in the middle."""

from __future__ import annotations

import multiprocessing
import os
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from engine.database import open_database, reading, transaction
from pricing.accounts.opening import open_account
from pricing.accounts.sweep import advance_all
from pricing.ledger.issuing import issue_credit_note
from pricing.ledger.ledger import Posting, Transaction
from pricing.ledger.numbering import last_places, own_number, place_in_own_series
from pricing.parties.party import Party
from pricing.parties.sellers import Seller, put_seller
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Unit
from pricing.tables import INVOICES
from tests.patience import PATIENCE_S

PROCESSES = 8
EACH = 4
DIED = 3


def issue(url: str, now: datetime, process: int, start: Barrier) -> None:
    """Open accounts, each with its first invoice; every other process dies before a commit."""
    db = open_database(url)
    plan = load_plans(BUNDLED_PLANS)["starter"]
    start.wait()
    for number in range(EACH):
        with transaction(db) as conn:
            open_account(
                conn,
                f"a-{process}-{number}",
                plan,
                timezone="UTC",
                now=now,
                gateway=REHEARSED_GATEWAY,
            )
            if process % 2 and number == EACH - 1:
                os._exit(DIED)
    db.dispose()


def test_eight_processes_of_which_four_die_leave_no_gap(
    db: Engine, database_url: str, now: datetime
) -> None:
    with transaction(db) as conn:
        put_seller(conn, Seller(Party("Load Ltd"), now), now=now)
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    start = forks.Barrier(PROCESSES, timeout=PATIENCE_S)
    workers = [
        forks.Process(target=issue, args=(database_url, now, process, start))
        for process in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE_S)
    assert [worker.exitcode for worker in workers] == [0, DIED] * (PROCESSES // 2)
    with reading(db) as conn:
        numbers = sorted(conn.execute(select(INVOICES.c.number)).scalars())
    issued = PROCESSES * EACH - PROCESSES // 2
    assert numbers == [f"INV-2027-{number:06d}" for number in range(1, issued + 1)]


def test_a_series_counts_for_each_year_and_an_account_without_a_seller_for_itself(
    db: Engine, now: datetime
) -> None:
    plan = load_plans(BUNDLED_PLANS)["starter"]
    later = now.replace(year=2028)
    with transaction(db) as conn:
        open_account(conn, "early", plan, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
        put_seller(conn, Seller(Party("Load Ltd"), now, series="LOAD"), now=now)
        for name, at in (("a", now), ("b", later), ("c", later)):
            open_account(conn, name, plan, timezone="UTC", now=at, gateway=REHEARSED_GATEWAY)
        issued = conn.execute(select(INVOICES.c.number).order_by(INVOICES.c.id)).scalars()
        assert list(issued) == [
            *("early-00001", "LOAD-2027-000001", "LOAD-2028-000001", "LOAD-2028-000002")
        ]


def test_an_early_credit_note_among_the_invoices_keeps_its_number(
    db: Engine, acme: str, globex: str, now: datetime
) -> None:
    early = {"number": "acme-00002", "cause": "heal:r1", "kind": "credit-note", "sequence": 2}
    with transaction(db) as conn:
        conn.execute(INVOICES.insert().values(account_id=acme, issued_at=now, **early))
        assert last_places(conn, [acme, globex]) == {acme: 2, globex: 0}
        assert last_places(conn, [acme], is_credit_note=True) == {acme: 0}
    every = advance_all(
        partial(transaction, db), now + timedelta(days=40), gateway=REHEARSED_GATEWAY
    )
    assert [each.failure for each in every] == [None, None]
    with reading(db) as conn:
        numbers = conn.execute(select(INVOICES.c.number).order_by(INVOICES.c.sequence)).scalars()
        assert list(numbers) == ["acme-00001", "acme-00002", "acme-00003"]


def test_no_account_id_makes_an_invoice_another_accounts_credit_note(
    db: Engine, acme: str, now: datetime
) -> None:
    def note(conn: Connection, account_id: str, cause: str) -> str:
        postings = (Posting("receivable", Unit.USD, -1), Posting("revenue:use", Unit.USD, 1))
        charge = Transaction(account_id, f"{cause}:back", cause, "back", now, now, postings)
        taken_back = (f"{account_id}-00001",)
        issued = issue_credit_note(conn, cause, now, corrects=taken_back, charges=(charge,))
        assert issued is not None
        return issued.number

    others = (f"{acme}-CN", f"{acme}-CN00001", f"CN-{acme}")
    plan = load_plans(BUNDLED_PLANS)["starter"]
    with transaction(db) as conn:
        for other in others:
            open_account(conn, other, plan, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
        assert note(conn, acme, "run:a") == "acme-CN00001"
        assert note(conn, f"{acme}-CN", "run:b") == "acme-CN-CN00001"
        assert note(conn, acme, "run:c") == "acme-CN00002"
        assert last_places(conn, [acme, *others]) == {acme: 1, **dict.fromkeys(others, 1)}
        assert last_places(conn, [acme, *others], is_credit_note=True) == {
            **dict.fromkeys(others, 0),
            acme: 2,
            f"{acme}-CN": 1,
        }
        issued = conn.execute(select(INVOICES.c.account_id, INVOICES.c.number)).all()
    places = {row.number: place_in_own_series(row.number, row.account_id) for row in issued}
    assert None not in places.values()
    assert places["acme-CN00002"] == ("acme-CN", 2)
    assert place_in_own_series("acme-CN-00001", acme) == ("acme-CN-", 1)
    assert place_in_own_series("globex-00001", acme) is None


def test_no_account_id_makes_its_number_one_of_a_sellers() -> None:
    assert own_number("INV-2027", 99_999) == "INV-2027-99999"
    assert own_number("INV-2027", 100_000) == "INV-2027-0100000"


def test_only_one_place_gives_numbers() -> None:
    product = Path(__file__).parents[3] / "pricing"
    writers = {
        file.name
        for file in product.rglob("*.py")
        if "INVOICE_SERIES" in file.read_text(encoding="utf-8")
    }
    assert writers == {"numbering.py", "__init__.py", "invoices.py"}
