"""Books that were written before runs were collected, brought up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, select

from engine.database import open_database
from engine.database.migrate import MIGRATIONS, VERSION_TABLE
from pricing.ledger.ledger import balance, entries_of
from pricing.plans.quotes import Unit
from pricing.tables import PAYMENTS, RESERVATIONS

BEFORE = "0004_departments"
USD = 1_000_000
THEN = datetime(2027, 1, 25, 9, tzinfo=UTC)
LATER = datetime(2027, 1, 25, 10, tzinfo=UTC)


@pytest.fixture
def old_books(blank_database_url: str) -> str:
    """A period that was paid, a run that was corrected, one that has not ended, one given up."""
    db = create_engine(blank_database_url)
    with db.begin() as conn:
        config = Config(attributes={"connection": conn, "version_table": VERSION_TABLE})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, BEFORE)
    with db.begin() as conn:
        Writer(conn, db).write()
    db.dispose()
    return blank_database_url


class Writer:
    """Writes rows into the tables of that time."""

    def __init__(self, conn: Connection, db: Engine) -> None:
        self.conn = conn
        self.tables = MetaData()
        self.tables.reflect(db)

    def row(self, table: str, **values: Any) -> int:  # noqa: ANN401 - columns differ
        columns: Table = self.tables.tables[table]
        written = self.conn.execute(columns.insert().values(**values))
        (key, *_) = written.inserted_primary_key or (0,)
        return int(key) if isinstance(key, int) else 0

    def write(self) -> None:
        self.row(
            "accounts",
            id="acme",
            timezone="UTC",
            activated_at=THEN,
            opened_at=THEN,
            opening_hash="",
            last_command_at=LATER,
        )
        self.row(
            "payments",
            cause="subscription:1:period:0",
            account_id="acme",
            usd_micros=199 * USD,
            channel="card",
            state="accepted",
            reason="",
            asked_at=THEN,
        )
        self.charge("subscription:1:period:0", "charge", 199, "revenue:subscription")
        for run_id, state, ended_at in (
            ("corrected", "posted", LATER),
            ("running", "posted", None),
            ("given-up", "void", None),
        ):
            self.run(run_id, state, ended_at)
        self.charge("run:corrected", "start", 10, "revenue:use")
        self.charge("run:corrected", "correction", -6, "revenue:use")
        self.charge("run:running", "start", 3, "revenue:use")

    def charge(self, cause: str, key: str, usd: int, revenue: str) -> None:
        transaction_id = self.row(
            "transactions",
            account_id="acme",
            natural_key=f"{cause}:{key}",
            cause=cause,
            description=key,
            effective_at=THEN,
            recorded_at=THEN,
        )
        for name, amount in (("receivable", usd), (revenue, -usd)):
            self.row(
                "postings",
                transaction_id=transaction_id,
                account_id="acme",
                ledger_account=name,
                unit=Unit.USD.value,
                amount=amount * USD,
            )

    def run(self, run_id: str, state: str, ended_at: datetime | None) -> None:
        self.row(
            "reservations",
            run_id=run_id,
            account_id="acme",
            quote={},
            rehearsal=False,
            state=state,
            reserved_at=THEN,
            ended_at=THEN,
        )
        self.row(
            "runs",
            id=run_id,
            account_id="acme",
            request_hash="",
            order_document={},
            accepted_at=THEN,
            state="ended" if ended_at else "running",
            reason="",
            attempt=1,
            machines=[],
            ended_at=ended_at,
        )


def test_runs_are_due_and_payments_stand_in_the_ledger(old_books: str) -> None:
    db = open_database(old_books)
    with db.connect() as conn:
        due = select(PAYMENTS.c.cause, PAYMENTS.c.usd_micros).where(PAYMENTS.c.state == "due")
        assert {row.cause: row.usd_micros for row in conn.execute(due)} == {
            "run:corrected": 4 * USD,
            "run:running": 3 * USD,
        }
        (charge, payment) = entries_of(conn, "subscription:1:period:0")
        assert balance(conn, "acme", "cash", Unit.USD) == 199 * USD
        assert balance(conn, "acme", "receivable", Unit.USD) == 7 * USD
        ended = {row.run_id: row.run_ended_at for row in conn.execute(select(RESERVATIONS))}
    db.dispose()
    assert (charge.natural_key, payment.natural_key, payment.effective_at) == (
        "subscription:1:period:0:charge",
        "subscription:1:period:0:payment",
        THEN,
    )
    assert ended == {"corrected": LATER, "running": None, "given-up": THEN}
