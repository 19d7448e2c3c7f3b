"""What is said beside the total of an invoice in the list of all."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from engine.api import Engine
from kernel.clock import ManualClock
from loadmuster.cli.invoices_view import show_invoices_of_all


@pytest.mark.parametrize(
    ("lines", "said"),
    [(1, ""), (2, ", and 1 more line"), (4, ", and 3 more lines")],
)
def test_a_total_stands_beside_all_that_it_is_of(lines: int, said: str, tmp_path: Path) -> None:
    clock = ManualClock(datetime(2027, 1, 25, 9, tzinfo=UTC))
    with Engine(f"sqlite:///{tmp_path / 'books.db'}", clock=clock, environment={}) as engine:
        engine.accounts.open("acme", plan="starter")
        (invoice,) = engine.reports.invoices_of_all()
        account, as_of = engine.accounts.get("acme"), engine.accounts.as_of("acme")
    many = replace(invoice, lines=invoice.lines * lines)
    console = Console(file=io.StringIO(), width=200)

    assert show_invoices_of_all(console, [(account, as_of, [many])], nothing="")

    assert isinstance(console.file, io.StringIO)
    (row,) = (line for line in console.file.getvalue().splitlines() if invoice.number in line)
    assert f"{invoice.lines[0].description}{said} " in row
    assert ("more line" in row) == (lines > 1)
