"""A database that nobody has made yet is read as an empty one, and made by the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.database import open_database, reading, transaction, undone
from pricing.accounts.account import UnknownAccountError
from pricing.tables import ACCOUNTS
from tests.command_tree import commands

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
    "account log acme": 2,
    "account dunning acme": 2,
    "account disputes acme": 2,
    "account refunds acme": 2,
    "department list acme": 2,
    "department show acme lab": 2,
    "history acme": 2,
    "ledger acme": 2,
    "invoices acme": 2,
    "invoices --all": 0,
    "usage acme": 2,
    "usage --all": 0,
    "advise --li-minutes 60 --runs 3": 0,
    "advise acme": 2,
    "billing show acme": 2,
    "billing seller": 0,
    "billing retention": 0,
    "books months": 0,
    "runs": 0,
    "show run-1": 2,
    "watch run-1": 2,
    "logs run-1": 2,
    "plot run run-1": 2,
    "reap": 0,
    "reap --provider local": 0,
    f"estimate {CHECKOUT}": 0,
    f"estimate {CHECKOUT} --account acme": 2,
    f"compare {CHECKOUT}": 0,
    "tariff list": 0,
    "catalog versions": 0,
}
VOUCHES = (
    *("db check", "books reconcile", "books reconcile --month 2026-10", "reap --check"),
    *("books check FILE", "books export FILE", "books close 2026-10"),
    *("account advance --all", "account reconcile --all"),
)
"""Commands whose word is that all is well, or all that there is."""

CHANGES = (
    *("account adjust acme --credit 5 --reason r", "account boost acme"),
    *("account allow-target acme shop.example.com", "account forbid-target acme shop.example.com"),
    *("account cancel acme --by Ann", "account confirm-cancel acme", "account card acme tok_1"),
    *("account delete acme", "account downgrade acme --plan starter", "account heal acme"),
    *("account extra-credits acme --limit 5", "account heal acme --yes", "account pay acme"),
    *("account reconcile acme", "account refund acme --invoice acme-00001 --reason r"),
    *("account renew acme", "account to-on-demand acme", "account undo acme", "cancel run-1"),
    *("account upgrade acme --plan starter", "department add acme lab"),
    *("department allocate acme lab 5", "department limit acme lab 5"),
    *("billing set acme --name Acme", "account administrators acme --add Ann"),
)
"""Commands on what cannot be there."""

ELSEWHERE = {
    *("account notice", "account open", "billing set-seller", "calibrate", "run", "serve"),
    *("sweep", "plot cost", "plot load", "plot plans", "plot sweep", "schema", "doctor"),
    *("tariff price", "tariff set", "tariff show", "tariff unset"),
    *("catalog list", "catalog refresh", "catalog show", "catalog use"),
}
"""Commands that make a database, and that need none."""


def test_every_command_is_known_to_make_a_database_or_is_walked() -> None:
    walked = (*READS, *VOUCHES, *CHANGES)
    missing = {
        name
        for name, _ in commands()
        if name not in ELSEWHERE and not any(f"{each} ".startswith(f"{name} ") for each in walked)
    }
    assert missing == set()


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


def test_nothing_is_vouched_for_of_a_database_that_is_not_there(loadmuster: CommandLine) -> None:
    new, file = loadmuster.home / "new", loadmuster.home / "ledger.csv"
    url = f"sqlite:///{new / 'books.db'}"
    assert loadmuster.here("account", "open", "acme").code == 0
    assert loadmuster.here("books", "export", str(file)).code == 0
    exported = file.read_bytes()
    for command in VOUCHES:
        words = command.replace("FILE", str(file)).split()
        answer = loadmuster.here("--db", url, "--json", *words)
        assert (answer.code, answer.json["error"]["code"]) == (2, "database_not_there"), command
        assert answer.err.startswith(f"loadmuster: database {url}: is not there"), command
        assert not new.exists(), command
    assert file.read_bytes() == exported
    # One that is there, with nothing in it yet, is well.
    for command in ("db check", "reap --check", "books reconcile", f"books check {file}"):
        assert loadmuster.here(*command.split()).code == 0, command


def test_no_change_of_what_cannot_be_there_makes_a_database(loadmuster: CommandLine) -> None:
    new = loadmuster.home / "new"
    url = f"sqlite:///{new / 'books.db'}"
    for command in CHANGES:
        answer = loadmuster.here("--db", url, "--json", *command.split())
        assert (answer.code, answer.json["error"]["code"][:8]) == (2, "unknown_"), (command, answer)
        assert f"there is no database {url} yet" in answer.err
        assert not new.exists(), command


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
