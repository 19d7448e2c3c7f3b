"""What is shown of an account at another time than its own says so, whatever is asked."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command_line import Command, here

LOOKS = [
    ("account", "show", "acme"),
    ("account", "offers", "acme"),
    ("history", "acme"),
    ("ledger", "acme"),
    ("invoices", "acme"),
    ("invoices", "--all"),
    ("usage", "acme"),
    ("usage", "acme", "--month", "2026-11"),
    ("usage", "--all"),
    ("advise", "acme", "--li-minutes", "60", "--runs", "3"),
    ("department", "show", "acme", "lab"),
    ("department", "list", "acme"),
]
"""Every document that is computed of an account's books."""


@pytest.fixture
def call(migrated_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Commands on an account of the real world, in Paris, with a department."""
    (tmp_path / "books.db").write_bytes(migrated_file.read_bytes())
    command = here(capsys, "--db", f"sqlite:///{tmp_path / 'books.db'}")
    opened = command("account", "open", "acme", "--plan", "starter", "--timezone", "Europe/Paris")
    assert opened.code == command("department", "add", "acme", "lab").code == 0
    return command


@pytest.mark.parametrize("look", LOOKS, ids=" ".join)
def test_every_document_says_what_instant_it_is_of_and_whether_that_is_hypothetical(
    call: Command, look: tuple[str, ...]
) -> None:
    now = datetime.now(UTC)
    own = _parts(call("--json", *look).json)
    assert own
    for as_of, hypothetical in own:
        assert not hypothetical
        assert abs(as_of - now) < timedelta(minutes=20)
    assert "Hypothetical" not in call(*look).out

    ahead = call("--now", "2031-01-25T09:00Z", "--json", *look)
    assert ahead.code == 0
    for as_of, hypothetical in _parts(ahead.json):
        assert hypothetical
        assert as_of - datetime(2031, 1, 25, 9, tzinfo=UTC) < timedelta(minutes=20)
    assert "hypothetical" in call("--now", "2031-01-25", *look).out.lower()


@pytest.mark.parametrize("form", ["--csv", "--focus"])
def test_files_say_it_in_columns(call: Command, form: str) -> None:
    printed = call("--now", "2031-01-25T09:00Z", "usage", "acme", form).out
    rows = list(csv.reader(io.StringIO(printed)))
    if form == "--csv":
        assert rows[0][-2:] == ["as_of", "hypothetical"]
    else:
        assert rows[0][-2:] == ["x_AsOf", "x_Hypothetical"]
        assert {row[-1] for row in rows[1:]} == {"true"}
        assert {row[-2][:10] for row in rows[1:]} == {"2031-01-25"}


def test_a_page_of_an_invoice_that_is_not_issued_says_it_beside_the_page(call: Command) -> None:
    answer = call("--now", "2031-01-25", "invoices", "acme", "--html", "acme-00020")
    assert answer.code == 0
    assert answer.err.startswith("Hypothetical: ")
    assert not call("invoices", "acme", "--html", "acme-00001").err


def _parts(document: object) -> list[tuple[datetime, bool]]:
    """Each ``as_of`` with its ``hypothetical``, wherever in a document."""
    if isinstance(document, list):
        return [part for each in document for part in _parts(each)]
    if not isinstance(document, dict):
        return []
    own = []
    if "hypothetical" in document:
        own.append((datetime.fromisoformat(document["as_of"]), document["hypothetical"]))
    return own + [part for each in document.values() for part in _parts(each)]
