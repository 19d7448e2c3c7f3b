"""``account reconcile``: what is unfinished is told, a payment in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadmuster.documents.reconciled import reconciled_document, reconciled_line
from pricing.accounts.reconciling import Became, Reconciled
from tests.command_line import Command, here

PERIOD = Reconciled("acme", "4f0c:p:1", "subscription:1:period:3", 199_000_000, Became.BOOKED)


@pytest.fixture
def loadmuster(migrated_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Commands on empty books."""
    (tmp_path / "books.db").write_bytes(migrated_file.read_bytes())
    return here(capsys, "--db", f"sqlite:///{tmp_path / 'books.db'}")


@pytest.mark.parametrize("which", [("acme",), ("--all",)])
def test_where_nothing_is_unfinished_that_is_said(
    which: tuple[str, ...], loadmuster: Command
) -> None:
    loadmuster("account", "open", "acme", "--plan", "starter")
    told = loadmuster("account", "reconcile", *which)
    assert (told.code, told.out.strip()) == (0, "0 payments unfinished")
    assert loadmuster("--json", "account", "reconcile", *which).json == {"payments": []}


@pytest.mark.parametrize("which", [(), ("acme", "--all")])
def test_it_is_one_account_or_all(which: tuple[str, ...], loadmuster: Command) -> None:
    refused = loadmuster("account", "reconcile", *which)
    assert refused.code == 2
    assert "an ID, or --all, would be right" in refused.err


@pytest.mark.parametrize("became", list(Became))
def test_every_end_of_a_payment_has_words(became: Became) -> None:
    payment = Reconciled("acme", "k", "run:r1", 1_000_000, became, "why")
    line = reconciled_line(payment)
    assert line.startswith("acme: 1.00 USD for run:r1: ")
    assert line.endswith(" (why)")
    (shown,) = reconciled_document([PERIOD, payment])["payments"][1:]
    assert (shown["usd"], shown["became"]) == ("1.00", became)


def test_a_booked_payment_is_told_in_a_line() -> None:
    told = "acme: 199.00 USD for subscription:1:period:3: collected, and booked"
    assert reconciled_line(PERIOD) == told
