"""Who did what: each command on an account is on record, with who sent it and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from engine.api import Engine
from engine.database import reading
from kernel.clock import ManualClock
from kernel.errors import LoadmusterError, RequestConflictError
from kernel.login import os_login
from pricing.accounts.cancellations import OwnRequestError
from pricing.accounts.owner import OWNER
from pricing.ledger.author import Via
from pricing.ledger.command_log import LoggedCommand, Outcome
from pricing.tables import COMMANDS, REQUESTS, TRANSACTIONS
from tests.loadmuster.api.test_one_instant import STORY

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
YEAR = timedelta(days=366)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    numbers = iter(range(1, 100))
    with Engine(
        database_url, clock=clock, new_id=lambda: f"run-{next(numbers)}", environment={}
    ) as opened:
        opened.accounts.open("acme", plan="starter", administrators=["ann"], agreed_with="rita")
        yield opened


def last(engine: Engine, account_id: str = "acme") -> LoggedCommand:
    (found,) = engine.accounts.log(account_id, last=1)
    return found


def test_a_command_is_on_record_with_all_that_it_was(engine: Engine) -> None:
    opened = last(engine)
    assert (opened.command, opened.outcome, opened.code) == ("open", Outcome.DONE, None)
    assert (opened.actor, opened.login, opened.via) == (OWNER, os_login(), Via.API)
    assert opened.content["plan"] == "starter"
    assert opened.content["administrators"] == ["ann"]
    assert opened.at == NOW
    assert opened.transactions == tuple(each.natural_key for each in engine.reports.ledger("acme"))


def test_who_agreed_and_who_verified_is_kept(engine: Engine) -> None:
    assert last(engine).content["agreed_with"] == "rita"
    engine.accounts.upgrade("acme", plan="professional", agreed_with="rudi")
    assert last(engine).content["agreed_with"] == "rudi"
    engine.accounts.cancel("acme", by="ann")
    assert last(engine).content["by"] == "ann"
    engine.accounts.confirm_cancel("acme", representative="rob")
    assert last(engine).content["representative"] == "rob"


def test_r58_without_a_name_the_engines_user_has_verified_the_request(engine: Engine) -> None:
    engine.accounts.cancel("acme", by="ann")
    engine.accounts.confirm_cancel("acme")
    with reading(engine._context.db) as conn:
        confirmed = conn.execute(text("SELECT confirmed_by FROM changes")).scalar_one()
    assert confirmed == OWNER


def test_r58_nobody_verifies_the_own_request(engine: Engine, database_url: str) -> None:
    with Engine(database_url, clock=engine.clock, environment={}, user="ann") as anns:
        anns.accounts.cancel("acme")
        assert last(anns).actor == "ann"
        for named in (None, "ann"):
            with pytest.raises(OwnRequestError):
                anns.accounts.confirm_cancel("acme", representative=named)
        assert (last(anns).command, last(anns).code) == ("confirm-cancel", "own_request")


def test_what_is_refused_is_on_record_though_it_was_undone(engine: Engine) -> None:
    engine.accounts.boost("acme", request_id="b1")
    before = engine.reports.ledger("acme")
    with pytest.raises(RequestConflictError):
        engine.accounts.set_card("acme", "visa", request_id="b1")
    refused = last(engine)
    assert (refused.command, refused.request_id) == ("card", "b1")
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "request_conflict")
    assert refused.content == {"card": "not kept"}
    assert refused.transactions == ()
    assert engine.reports.ledger("acme") == before


REFUSED: dict[str, Callable[[Engine], object]] = {
    "upgrade": lambda e: e.accounts.upgrade("acme", plan="starter"),
    "downgrade": lambda e: e.accounts.downgrade("acme", plan="professional"),
    "undo": lambda e: e.accounts.undo("acme"),
    "renew": lambda e: e.accounts.renew("acme"),
    "delete": lambda e: e.accounts.delete("acme"),
    "pay": lambda e: e.accounts.pay("acme"),
    "administrators": lambda e: e.accounts.change_administrators("acme", remove=["bob"]),
    "cancel": lambda e: e.accounts.cancel("acme", by="bob"),
    "confirm-cancel": lambda e: e.accounts.confirm_cancel("acme"),
    "extra-credits": lambda e: e.accounts.extra_credits("acme", -1),
    "department allocate": lambda e: e.departments.allocate("acme", "lab", 1),
    "department limit": lambda e: e.departments.limit("acme", "lab", 1),
    "forbid-target": lambda e: e.targets.forbid("acme", "shop.example.com"),
    "open": lambda e: e.accounts.open("acme", plan="professional", agreed_with="rita"),
}


def test_each_command_that_can_be_refused_names_itself(engine: Engine) -> None:
    for name, command in REFUSED.items():
        with pytest.raises(LoadmusterError) as refused:
            command(engine)
        assert (last(engine).command, last(engine).code) == (name, refused.value.code)


def test_the_same_request_again_is_on_record_as_repeated(engine: Engine) -> None:
    for _ in range(2):
        engine.accounts.boost("acme", request_id="b1")
    first, again = engine.accounts.log("acme")[-2:]
    assert (first.outcome, again.outcome) == (Outcome.DONE, Outcome.REPEATED)
    assert (len(first.transactions), again.transactions) == (3, ())


def test_what_falls_due_on_the_way_is_put_down_to_the_advance(
    engine: Engine, clock: ManualClock
) -> None:
    clock.move_to(NOW + timedelta(days=40))
    engine.accounts.boost("acme")
    due, boost = engine.accounts.log("acme")[-2:]
    assert (due.command, boost.command) == ("advance", "boost")
    assert all(":period:" in key for key in due.transactions)
    assert all(":boost:" in key for key in boost.transactions)


def test_the_databases_clock_is_kept_beside_the_callers(engine: Engine, clock: ManualClock) -> None:
    with reading(engine._context.db) as conn:
        by_database = conn.execute(
            text("SELECT CURRENT_TIMESTAMP")
            if conn.dialect.name == "sqlite"
            else text("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')")
        ).scalar_one()
    present = datetime.fromisoformat(by_database).replace(tzinfo=UTC)
    clock.move_to(NOW + YEAR)
    engine.accounts.set_card("acme", "visa")
    assert last(engine).at == NOW + YEAR
    assert abs(last(engine).recorded_at - present) < timedelta(minutes=1)


LETTERS = ("dunning_page", "dunning_pdf")
"""Of which this account has none."""


def test_every_transaction_of_a_long_story_names_the_command_that_wrote_it(
    engine: Engine, clock: ManualClock
) -> None:
    engine.accounts.open("overdue", plan="starter")
    engine.accounts.open("globex")
    for name, command in STORY.items():
        if name not in {"accounts.open", "accounts.pay"} and not name.endswith(LETTERS):
            command(engine)
    clock.move_to(NOW + YEAR)
    engine.accounts.advance()
    with reading(engine._context.db) as conn:
        written = conn.execute(select(func.count(), func.count(TRANSACTIONS.c.command_id))).one()
        requests = conn.execute(select(REQUESTS.c.account_id, REQUESTS.c.request_id)).all()
        sent = conn.execute(
            select(COMMANDS.c.account_id, COMMANDS.c.request_id).where(
                COMMANDS.c.outcome == Outcome.DONE
            )
        ).all()
    assert written[0] == written[1] > 20
    assert {*requests} <= {*sent}


def test_a_look_ahead_puts_nothing_down_to_anybody(engine: Engine, clock: ManualClock) -> None:
    before = engine.accounts.log("acme")
    clock.move_to(NOW + YEAR)
    ahead = engine.reports.ledger("acme")
    assert len(ahead) > len(engine.reports.writers("acme")) == 3
    assert engine.accounts.log("acme") == before


@pytest.mark.parametrize(
    "statement", ["UPDATE commands SET outcome = 'done'", "DELETE FROM commands"]
)
def test_the_log_is_history(engine: Engine, statement: str) -> None:
    with pytest.raises(IntegrityError, match="are history"), engine._context.db.begin() as conn:
        conn.execute(text(statement))


def test_a_name_is_forgotten_and_never_changed(engine: Engine) -> None:
    with pytest.raises(IntegrityError, match="are history"), engine._context.db.begin() as conn:
        conn.execute(text("UPDATE persons SET name = 'eve' WHERE name = 'rita'"))
    with engine._context.db.begin() as conn:
        conn.execute(text("UPDATE persons SET name = NULL WHERE name = 'rita'"))
    assert str(last(engine).content["agreed_with"]).startswith("person-")
