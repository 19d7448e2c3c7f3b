"""Changes that waited when boundaries became numbers, and what a switch had withdrawn by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine

from engine.database import open_database
from engine.database.migrate import MIGRATIONS, VERSION_TABLE
from pricing.subscriptions.changes import ChangeKind, ChangeState, open_changes

BEFORE = "0013_sightings"
SWITCHED = datetime(2027, 2, 3, 9, tzinfo=UTC)
BOUNDARY = datetime(2027, 2, 25, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_a_switch_withdrew_waits_beneath_it_and_nothing_else_comes_back(
    blank_database_url: str,
) -> None:
    withdrawn = [
        ("downgrade", BOUNDARY, SWITCHED - HOUR),
        ("downgrade", BOUNDARY, SWITCHED),
        ("cancellation", None, SWITCHED),
        ("trial_end", BOUNDARY, SWITCHED + HOUR),
    ]
    db = create_engine(blank_database_url)
    with db.begin() as conn:
        config = Config(attributes={"connection": conn, "version_table": VERSION_TABLE})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, BEFORE)
    tables = MetaData()
    tables.reflect(db)
    for name, switch_ended in (("open", None), ("over", BOUNDARY)):
        with db.begin() as conn:
            accounts, subscriptions, changes = (
                tables.tables[table] for table in ("accounts", "subscriptions", "changes")
            )
            instants = dict.fromkeys(("activated_at", "opened_at", "last_command_at"), SWITCHED)
            conn.execute(
                accounts.insert().values(id=name, timezone="UTC", opening_hash="", **instants)
            )
            subscription_id = conn.execute(
                subscriptions.insert()
                .values(
                    account_id=name,
                    anchor_day=datetime(2027, 1, 25, tzinfo=UTC).date(),
                    timezone="UTC",
                    first_period=0,
                    started_at=SWITCHED,
                )
                .returning(subscriptions.c.id)
            ).scalar_one()
            of = {"account_id": name, "subscription_id": subscription_id}
            for kind, effective_at, ended_at in withdrawn:
                conn.execute(
                    changes.insert().values(
                        **of,
                        kind=kind,
                        state="withdrawn",
                        requested_at=SWITCHED - 2 * HOUR,
                        effective_at=effective_at,
                        ended_at=ended_at,
                    )
                )
            conn.execute(
                changes.insert().values(
                    **of,
                    kind="on_demand",
                    state="pending" if switch_ended is None else "applied",
                    requested_at=SWITCHED,
                    effective_at=BOUNDARY,
                    ended_at=switch_ended,
                )
            )
    db.dispose()
    database = open_database(blank_database_url)
    with database.connect() as conn:
        waiting = open_changes(conn, 1)
        assert {kind: each.state for kind, each in waiting.items()} == {
            ChangeKind.ON_DEMAND: ChangeState.PENDING,
            ChangeKind.DOWNGRADE: ChangeState.PENDING,
            ChangeKind.CANCELLATION: ChangeState.REQUESTED,
        }
        assert waiting[ChangeKind.DOWNGRADE].effective_at == BOUNDARY
        assert waiting[ChangeKind.DOWNGRADE].id == 2
        assert open_changes(conn, 2) == {}
    database.dispose()
