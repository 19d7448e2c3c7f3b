"""A closed month takes no posting: what counts in it afterwards is posted in the open one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from engine.api import Engine
from engine.database import reading
from kernel.clock import ManualClock
from pricing.accounts.month_end import (
    MonthClosedAlreadyError,
    MonthNotOverError,
    MonthPendingError,
)
from pricing.accounts.owner import NotOwnerError
from pricing.ledger.command_log import commands_by_number
from pricing.payments.gateway import DELAYS
from pricing.tables import CLOSED_MONTHS, TRANSACTIONS
from tests.loadmuster.api.test_one_instant import CHECKOUT, REQUEST

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
IN_MARCH = datetime(2027, 3, 3, 12, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    with Engine(database_url, clock=clock, new_id=lambda: "run-1", environment={}) as opened:
        opened.accounts.open("acme", plan="starter")
        yield opened


def posted(engine: Engine) -> list[tuple[str, datetime, datetime | None]]:
    rows = select(
        TRANSACTIONS.c.natural_key, TRANSACTIONS.c.effective_at, TRANSACTIONS.c.posting_at
    ).order_by(TRANSACTIONS.c.id)
    with reading(engine._context.db) as conn:
        return [(row[0], row[1], row[2]) for row in conn.execute(rows)]


def test_c61_a_month_is_closed_with_all_before_it_and_by_whom_is_on_record(
    engine: Engine, clock: ManualClock
) -> None:
    clock.move_to(IN_MARCH)
    engine.accounts.advance()
    closed = engine.books.close("2027-02")
    assert (closed.ends_at, closed.closed_at) == (MARCH, IN_MARCH)
    assert engine.books.months() == (closed,)
    assert closed.command is not None
    with reading(engine._context.db) as conn:
        command = commands_by_number(conn, [closed.command])[closed.command]
    assert (command.command, command.content, command.actor) == (
        "books close",
        {"month": "2027-02"},
        "owner",
    )
    assert engine.books.close("2027-02").closed_at == IN_MARCH
    with pytest.raises(MonthClosedAlreadyError):
        engine.books.close("2027-01")
    assert len(engine.books.months()) == 1


def close_february_unasked(engine: Engine) -> None:
    """As if the month had been closed while a renewal of it was not written."""
    with engine._context.transaction() as conn:
        conn.execute(
            CLOSED_MONTHS.insert().values(month="2027-02", ends_at=MARCH, closed_at=IN_MARCH)
        )


def test_c61_what_counts_in_a_closed_month_is_posted_when_it_is_written(
    engine: Engine, clock: ManualClock
) -> None:
    clock.move_to(IN_MARCH)
    close_february_unasked(engine)
    before = len(posted(engine))
    engine.accounts.boost("acme")
    late = posted(engine)[before:]
    renewed = {(at, posting_at) for key, at, posting_at in late if ":period:" in key}
    assert renewed == {(datetime(2027, 2, 25, tzinfo=UTC), IN_MARCH)}
    assert {posting_at for key, _, posting_at in late if ":boost:" in key} == {None}


def test_c61_the_sweep_posts_in_the_open_month_too(engine: Engine, clock: ManualClock) -> None:
    clock.move_to(IN_MARCH)
    close_february_unasked(engine)
    before = len(posted(engine))
    engine.accounts.advance()
    renewed = posted(engine)[before:]
    assert renewed
    assert {at for _, _, at in renewed} == {IN_MARCH}
    assert {effective_at for _, effective_at, _ in renewed} == {datetime(2027, 2, 25, tzinfo=UTC)}


def test_c61_a_lagging_clock_posts_at_the_open_months_first_instant(
    engine: Engine, clock: ManualClock
) -> None:
    close_february_unasked(engine)
    clock.move_to(NOW + timedelta(days=1))
    engine.accounts.boost("acme")
    assert {at for key, _, at in posted(engine) if ":boost:" in key} == {MARCH}


def test_c61_the_database_refuses_a_posting_in_a_closed_month(
    engine: Engine, clock: ManualClock
) -> None:
    clock.move_to(IN_MARCH)
    engine.accounts.advance()
    engine.books.close("2027-02")
    row = {
        "account_id": "acme",
        "natural_key": "by hand",
        "cause": "by hand",
        "description": "by hand",
        "effective_at": MARCH - timedelta(seconds=1),
        "recorded_at": IN_MARCH,
    }
    with (
        pytest.raises(DBAPIError, match="the month is closed"),
        engine._context.db.begin() as conn,
    ):
        conn.execute(TRANSACTIONS.insert().values(row))
    for statement in ("DELETE FROM closed_months", "UPDATE closed_months SET month = month"):
        with (
            pytest.raises(DBAPIError, match="are history"),
            engine._context.db.begin() as conn,
        ):
            conn.execute(text(statement))


def test_c61_nothing_of_the_month_may_be_pending_and_it_is_said_what_is(
    engine: Engine, clock: ManualClock
) -> None:
    with pytest.raises(MonthNotOverError):
        engine.books.close("2027-01")
    engine.runs.accept(CHECKOUT, **REQUEST)
    with engine._context.transaction() as conn:
        from pricing.run_charges.charges import charge_start

        charge_start(conn, "run-1", now=NOW, gateway=engine._context.gateway)
    engine.accounts.open("slow", card=DELAYS)
    clock.move_to(IN_MARCH)
    with pytest.raises(MonthPendingError) as refused:
        engine.books.close("2027-02")
    assert "account advance --all" in refused.value.line
    assert refused.value.facts["accounts"] == 2
    assert refused.value.facts["runs"] == 1

    engine.accounts.set_card("acme", DELAYS)
    engine.accounts.advance()
    with pytest.raises(MonthPendingError) as refused:
        engine.books.close("2027-02")
    assert (refused.value.facts["accounts"], refused.value.facts["runs"]) == (0, 1)
    with engine._context.transaction() as conn:
        conn.execute(text("UPDATE reservations SET run_ended_at = ended_at"))
    assert engine.books.close("2027-02").month == "2027-02"


def test_closing_is_for_the_owner(database_url: str, clock: ManualClock) -> None:
    with (
        Engine(database_url, clock=clock, environment={}, user="ann") as anns,
        pytest.raises(NotOwnerError),
    ):
        anns.books.close("2027-01")
