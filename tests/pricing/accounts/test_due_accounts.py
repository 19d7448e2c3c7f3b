"""What falls due for an account is found by an index, and never too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, Engine, select, update

from engine.database import transaction
from kernel.clock import ManualClock
from loadmuster import Engine as Loadmuster
from pricing.accounts.advance import advance
from pricing.accounts.due import AT_ONCE, NEVER, Overlooked, overlooked
from pricing.accounts.sweep import Advanced, advance_all
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.reports.damage.finding import find_damage
from pricing.tables import ACCOUNTS
from tests.pricing.accounts.lives import Lives, books

SECOND = timedelta(seconds=1)
NOTED = frozenset({"last_command_at", "next_due_at"})


def sweep(db: Engine, now: datetime) -> list[str]:
    """The accounts that a sweep looked at."""
    looked_at = advance_all(partial(transaction, db), now, gateway=REHEARSED_GATEWAY)
    return [each.account_id for each in looked_at if each.failure is None]


def noted(conn: Connection) -> dict[str, datetime | None]:
    return {row.id: row.next_due_at for row in conn.execute(select(ACCOUNTS))}


@pytest.mark.parametrize("seed", range(2))
def test_nothing_falls_due_before_it_is_noted_and_something_does_then(
    quick_db: Engine, seed: int
) -> None:
    lives = Lives(quick_db, seed)
    lives.open(8)
    moments = 0
    for _ in range(6):
        lives.do(12)
        sweep(quick_db, lives.now)
        with quick_db.connect() as conn:
            assert list(overlooked(conn)) == []
            due = noted(conn)
        for account_id, at in due.items():
            assert at is not None
            ends_at = min(at, lives.now + timedelta(days=400))
            with quick_db.connect() as conn:
                before = books(conn, without=NOTED)
                for instant, changes in ((ends_at - SECOND, False), (ends_at, at != NEVER)):
                    if instant > lives.now:
                        advance(conn, account_id, instant, gateway=REHEARSED_GATEWAY)
                        assert (books(conn, without=NOTED) != before) == changes, (
                            account_id,
                            instant,
                        )
                        moments += 1
                conn.rollback()
    assert moments > 50


@pytest.mark.parametrize("seed", range(3, 5))
def test_whatever_is_done_between_sweeps_nothing_is_overlooked(quick_db: Engine, seed: int) -> None:
    lives = Lives(quick_db, seed)
    lives.open(6)
    for number in range(60):
        lives.do(1)
        if number % 5 == 0:
            sweep(quick_db, lives.now)
        with quick_db.connect() as conn:
            assert list(overlooked(conn)) == [], number


def test_a_sweep_looks_at_what_is_due_alone_and_counts_all(db: Engine) -> None:
    lives = Lives(db, 11)
    lives.open(12)
    now = lives.now + SECOND
    assert sorted(sweep(db, now)) == lives.accounts
    assert sweep(db, now) == []
    with db.connect() as conn:
        due = {of: at for of, at in noted(conn).items() if at is not None}
    later = sorted(due.values())[5]
    first = [of for _, of in sorted((at, of) for of, at in due.items() if at <= later)]
    assert sweep(db, later) == first
    with transaction(db) as conn:
        advance(conn, "a003", later, gateway=REHEARSED_GATEWAY)
    assert sweep(db, later) == ["a003"]


def test_pages_miss_none_and_take_none_twice(db: Engine) -> None:
    lives = Lives(db, 12)
    lives.open(9)
    for now in (lives.now, lives.now + timedelta(days=70)):
        looked_at = [
            each.account_id
            for each in advance_all(
                partial(transaction, db), now, page=2, gateway=REHEARSED_GATEWAY
            )
        ]
        assert len(looked_at) == len(set(looked_at)) > 2


def test_an_account_that_was_looked_at_under_a_later_clock_fails_as_before(
    database_url: str,
) -> None:
    opened = datetime(2027, 1, 25, 9, tzinfo=UTC)
    clock = ManualClock(opened)
    engine = Loadmuster(database_url, clock=clock)
    for account_id in ("acme", "globex"):
        engine.accounts.open(account_id, plan="starter")
    clock.sleep(40 * 86_400)
    assert engine.accounts.advance().failed == 0
    failures: list[Advanced] = []
    early = Loadmuster(database_url, clock=ManualClock(opened + timedelta(days=2)))
    count = early.accounts.advance(watch=failures.append)
    assert (count.accounts, count.failed) == (2, 2)
    assert {each.failure.code for each in failures if each.failure} == {"clock_backwards"}
    engine.close()
    early.close()


def test_a_note_that_is_too_late_is_found(quick_db: Engine) -> None:
    lives = Lives(quick_db, 13)
    lives.open(10)
    sweep(quick_db, lives.now)
    with transaction(quick_db) as conn:
        due = noted(conn)
        of, at = next((of, at) for of, at in due.items() if at not in {None, NEVER, AT_ONCE})
        assert at is not None
        conn.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == of).values(next_due_at=at + SECOND))
        assert list(overlooked(conn, page=3)) == [Overlooked(of, at + SECOND, at)]
        (told,) = find_damage(conn)
        assert told.line == (
            f"accounts {of}, something falls due at {at.isoformat()}, and next_due_at is"
            f" {(at + SECOND).isoformat()}"
        )
