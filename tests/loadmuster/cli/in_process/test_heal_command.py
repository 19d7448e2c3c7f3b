from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.database import open_database, transaction
from pricing.accounts.advance import advance
from pricing.payments.gateway import REHEARSED_GATEWAY
from tests.command_line import Command, here


@pytest.fixture
def books(migrated_copy: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """Commands on an account that somebody's clock has pushed two months ahead."""
    call = here(capsys, "--db", migrated_copy)
    assert call("account", "open", "acme", "--plan", "starter").code == 0
    db = open_database(migrated_copy)
    with transaction(db) as conn:
        ahead = datetime.now(UTC) + timedelta(days=70)
        advance(conn, "acme", ahead, gateway=REHEARSED_GATEWAY)
    db.dispose()
    return call


@pytest.fixture
def migrated_copy(migrated_file: Path, tmp_path: Path) -> str:
    (tmp_path / "books.db").write_bytes(migrated_file.read_bytes())
    return f"sqlite:///{tmp_path / 'books.db'}"


def test_heal_lists_first_and_does_it_with_yes_only(books: Command) -> None:
    assert books("account", "boost", "acme").code == 3
    listed = books("--json", "account", "heal", "acme").json
    assert (listed["needed"], listed["done"], listed["usd"]) == (True, False, "398.00")
    assert [len(listed[part]) for part in ("transactions", "invoices", "periods", "lots")] == [
        *(6, 2, 2, 2)
    ]
    assert books("account", "boost", "acme").code == 3

    done = books("--json", "account", "heal", "acme", "--yes", "--request-id", "r1").json

    assert (done["done"], done["credit_note"]) == (True, "acme-CN00001")
    assert done["transactions"] == listed["transactions"]
    assert books("account", "boost", "acme").code == 0
    again = books("--json", "account", "heal", "acme", "--yes", "--request-id", "r1").json
    assert again == done


def test_heal_tells_people_each_entry_with_its_date_and_amount(books: Command) -> None:
    answer = books("account", "heal", "acme")
    assert answer.code == 0
    assert "398.00 USD" in answer.out
    for heading in ("Would be undone", "Entries of the ledger", "Invoices", "Periods, lots"):
        assert heading in answer.out
    assert "loadmuster account heal acme --yes" in answer.out
    assert "Undone of account acme" in books("account", "heal", "acme", "--yes").out
    assert "Nothing to heal" in books("account", "heal", "acme").out


def test_heal_is_refused_in_one_line_under_a_test_clock(books: Command) -> None:
    answer = books("--now", "2031-01-01", "account", "heal", "acme", "--yes")
    assert answer.code == 3
    assert answer.err.count("\n") == 1
