"""The ledger as a file: every posting once, and sums that any program finds again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import text

from engine.api import Engine
from engine.commands.books import NotTheseBooksError
from engine.sweeping.table_files import TableFileError
from kernel.clock import ManualClock
from pricing.accounts.account import UnknownAccountError
from pricing.accounts.owner import NotOwnerError

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
KINDS = ("csv", "parquet")


def asked(query: str) -> list[Any]:
    """What a program that is not ours finds in a file."""
    found = duckdb.sql(query)
    assert found is not None
    return found.fetchall()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    with Engine(database_url, clock=clock, environment={}) as opened:
        opened.accounts.open("acme", plan="starter", administrators=["ann"])
        opened.accounts.boost("acme", request_id="b1")
        opened.accounts.open("globex", plan="professional")
        clock.move_to(NOW + timedelta(days=40))
        opened.accounts.advance()
        yield opened


@pytest.mark.parametrize("kind", KINDS)
def test_another_program_finds_the_balances_of_the_ledger(
    engine: Engine, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"books.{kind}"
    done = engine.books.export(file)
    sums = asked(
        f"SELECT account, ledger_account, unit, SUM(amount)::BIGINT FROM '{file}'"  # noqa: S608
        " GROUP BY ALL HAVING SUM(amount) <> 0"
    )
    known: dict[tuple[str, str, str], int] = {}
    for account in ("acme", "globex"):
        for transaction in engine.reports.ledger(account):
            for each in transaction.postings:
                key = (account, each.ledger_account, each.unit.value)
                known[key] = known.get(key, 0) + each.amount
    assert {tuple(row[:3]): row[3] for row in sums} == {k: v for k, v in known.items() if v}
    by_unit = asked(f"SELECT unit, SUM(amount) FROM '{file}' GROUP BY unit")  # noqa: S608
    assert sorted(by_unit) == [("li_minutes", 0), ("usd_micros", 0)]
    rows = asked(f"SELECT count(*) FROM '{file}'")  # noqa: S608
    assert rows == [(done.postings,)]
    assert done.trial_balance == {"li_minutes": 0, "usd_micros": 0}
    assert engine.books.check(file).postings == done.postings


def test_a_row_says_who_had_it_written_and_under_which_request(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "books.parquet"
    engine.books.export(file, account_id="acme")
    boosts = asked(
        "SELECT DISTINCT command_name, actor, via, request_id, effective_at = recorded_at,"  # noqa: S608
        f" posting_at = effective_at, written_at IS NOT NULL FROM '{file}'"
        " WHERE contains(natural_key, ':boost:')"
    )
    assert boosts == [("boost", "owner", "api", "b1", True, True, True)]
    money = asked(
        f"SELECT DISTINCT unit, currency FROM '{file}' ORDER BY unit"  # noqa: S608
    )
    assert money == [("li_minutes", ""), ("usd_micros", "USD")]
    assert asked(f"SELECT DISTINCT account FROM '{file}'") == [("acme",)]  # noqa: S608


def test_a_month_is_what_is_posted_in_it(engine: Engine, tmp_path: Path) -> None:
    rows = {
        month: engine.books.export(tmp_path / f"{month}.csv", month=month).postings
        for month in ("2027-01", "2027-02", "2027-03")
    }
    assert rows["2027-03"] == 0
    assert sum(rows.values()) == engine.books.export(tmp_path / "all.csv").postings


def test_what_was_written_since_is_no_difference_and_what_was_changed_is(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "books.csv"
    engine.books.export(file)
    engine.accounts.boost("acme")
    engine.books.check(file)
    file.write_text(file.read_text().replace("199000000", "198000000", 1))
    with pytest.raises(NotTheseBooksError, match="comes to") as told:
        engine.books.check(file)
    assert told.value.exit_code == 5


@pytest.mark.parametrize(
    "content",
    ["", "a,b\n1,2\n", "posting,account,ledger_account,unit,amount\n1,acme,cash,usd_micros,x\n"],
)
def test_a_file_that_is_no_ledger_is_refused_in_a_line(
    engine: Engine, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "other.csv"
    file.write_text(content)
    with pytest.raises(TableFileError):
        engine.books.check(file)


def test_empty_books_are_a_file_of_names(database_url: str, tmp_path: Path) -> None:
    with Engine(database_url, clock=ManualClock(NOW), environment={}) as nobodys:
        done = nobodys.books.export(tmp_path / "empty.csv")
        assert (done.postings, done.last_posting) == (0, 0)
        assert nobodys.books.check(tmp_path / "empty.csv").postings == 0


def test_exporting_is_for_the_owner_and_of_accounts_that_there_are(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "books.csv"
    with pytest.raises(UnknownAccountError):
        engine.books.export(file, account_id="nobody")
    with (
        Engine(database_url, clock=engine.clock, environment={}, user="ann") as anns,
        pytest.raises(NotOwnerError),
    ):
        anns.books.export(file)
    assert not file.exists()


def test_books_that_do_not_balance_are_not_exported(engine: Engine, tmp_path: Path) -> None:
    from engine.commands.books import TrialBalanceError

    with engine._context.db.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO postings (transaction_id, account_id, ledger_account, unit, amount)"
                " SELECT min(id), 'acme', 'cash', 'usd_micros', 1 FROM transactions"
            )
        )
    with pytest.raises(TrialBalanceError, match="come to 1 usd_micros"):
        engine.books.export(tmp_path / "books.csv")
    assert list(tmp_path.glob("*.csv")) == []
