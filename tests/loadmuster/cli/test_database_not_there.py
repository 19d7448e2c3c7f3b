"""A database that nobody has made yet is read as an empty one, and made by the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.database import open_database, reading, transaction, undone
from pricing.accounts.account import UnknownAccountError
from pricing.tables import ACCOUNTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
READS = {
    "account list": 0,
    "account show acme": 2,
    "account offers acme": 2,
    "account history acme": 2,
    "account administrators acme": 2,
    "account targets acme": 2,
    "department list acme": 2,
    "department show acme lab": 2,
    "history acme": 2,
    "ledger acme": 2,
    "invoices acme": 2,
    "usage acme": 2,
    "advise --li-minutes 60 --runs 3": 0,
    "advise acme": 2,
    "runs": 0,
    "show run-1": 2,
    "watch run-1": 2,
    "reap": 0,
    "reap --check": 0,
    f"estimate {CHECKOUT}": 0,
    f"estimate {CHECKOUT} --account acme": 2,
    f"compare {CHECKOUT}": 0,
    "tariff list": 0,
    "catalog versions": 0,
}


def test_no_read_makes_a_database_or_its_folder(loadmuster: CommandLine) -> None:
    new = loadmuster.home / "new"
    url = f"sqlite:///{new / 'books.db'}"
    for command, code in READS.items():
        answer = loadmuster.here(*command.split(), LOADMUSTER_DB=url)
        assert answer.code == code, (command, answer.err)
        assert not new.exists(), command
        lines = answer.err.splitlines()
        assert len(lines) <= 2, command
    answer = loadmuster.here("--db", url, "--json", "runs")
    assert answer.json == {"runs": []}
    assert answer.err == (
        f"loadmuster: there is no database {url} yet, which is read as an empty one; the first"
        " command that writes makes it\n"
    )


def test_the_first_write_makes_it_and_reads_of_before_see_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "books.db"
    with Engine(f"sqlite:///{file}") as engine, Engine(f"sqlite:///{file}") as other:
        assert (list(engine.accounts.list()), list(other.accounts.list())) == ([], [])
        with pytest.raises(UnknownAccountError):
            other.accounts.show("acme")
        assert not file.parent.exists()
        engine.accounts.open("acme")
        for each in (engine, other):
            assert [account.id for account in each.accounts.list()] == ["acme"]
        other.accounts.open("globex")
        assert [account.id for account in engine.accounts.list()] == ["acme", "globex"]


def test_what_shows_what_would_be_makes_nothing_either(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    db = open_database(f"sqlite:///{file}", at_first_write=True)
    for looking in (reading, undone):
        with looking(db) as conn:
            assert conn.execute(ACCOUNTS.select()).all() == []
    assert not file.exists()
    with transaction(db) as conn:
        assert conn.execute(ACCOUNTS.select()).all() == []
    assert file.exists()
    db.dispose()
