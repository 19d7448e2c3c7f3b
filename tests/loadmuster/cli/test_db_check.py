"""``db check`` names what is damaged, ends with 5, and says so where nothing is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.command_line import Command, here

NOW = "2027-01-25T09:00+00:00"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return tmp_path / "books.db"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], books: Path) -> Command:
    call = here(capsys, "--db", f"sqlite:///{books}", "--now", NOW)
    for account in ("acme", "globex"):
        assert call("account", "open", account, "--plan", "starter").code == 0
    return call


def _damage(books: Path, *statements: str) -> None:
    with closing(sqlite3.connect(books)) as conn:
        triggers = conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            conn.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            conn.execute(statement)
        conn.commit()


def test_whole_books_are_said_to_be_whole(command: Command) -> None:
    answer = command("db", "check")
    assert answer.code == 0
    assert "no row is damaged" in answer.out
    assert command("db", "check", "--json").json == {"damaged": []}


def test_a_damaged_posting_is_named_with_its_account(command: Command, books: Path) -> None:
    _damage(
        books, "UPDATE postings SET amount = amount + 7 WHERE account_id = 'acme' AND amount > 0"
    )
    answer = command("db", "check", "--json")
    assert answer.code == 5
    found = answer.json["damaged"]
    assert {each["account"] for each in found} == {"acme"}
    assert {"transactions", "lots", "payments"} <= {each["table"] for each in found}
    assert "its postings sum to 7 usd_micros, not to 0" in {each["what"] for each in found}
    told = command("db", "check")
    assert told.code == 5
    assert "lots 1, account acme: it holds 1807 of 1800 LI-minutes" in told.out
    assert "Traceback" not in told.out + told.err


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE lots SET amount = 'many', created_at = 'once' WHERE account_id = 'acme'",
        "UPDATE terms SET document = 'no JSON' WHERE account_id = 'acme'",
        "UPDATE accounts SET last_command_at = 'lately' WHERE id = 'acme'",
        "UPDATE periods SET starts_at = 'soon' WHERE subscription_id = 1",
    ],
)
def test_what_cannot_be_read_is_named_and_stops_its_account_alone(
    command: Command, books: Path, damage: str
) -> None:
    _damage(books, "PRAGMA ignore_check_constraints = ON", damage)
    answer = command("db", "check", "--json")
    assert answer.code == 5
    assert {each["account"] for each in answer.json["damaged"]} <= {"acme", None}
    assert any(each["account"] == "acme" for each in answer.json["damaged"])
    assert command("account", "boost", "globex").code == 0
    assert command("account", "show", "globex").code == 0
    stopped = command("account", "boost", "acme")
    assert stopped.code in {0, 5}
    assert "Traceback" not in stopped.out + stopped.err
    later = command("--now", "2027-03-01T09:00+00:00", "account", "advance", "--all")
    assert later.code in {0, 5}, later.err
    assert "Traceback" not in later.out + later.err
    shown = command("--now", "2027-03-01T09:00+00:00", "account", "show", "globex", "--json")
    assert shown.json["due_usd"] == "0.00"
