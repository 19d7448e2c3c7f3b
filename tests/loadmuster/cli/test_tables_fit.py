"""No table takes a letter away from money, a quantity or a name, however narrow the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadmuster.cli.fitting import FittingTable
from loadmuster.cli.layout import columns
from tests.command_tree import commands

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
TABLES: dict[str, tuple[str, ...]] = {
    "estimate": (CHECKOUT, "--explain", "--staged", "--account", "globex"),
    "compare": (CHECKOUT,),
    "runs": (),
    "show": ("RUN",),
    "reap": ("--check",),
    "account show": ("globex",),
    "account list": (),
    "account offers": ("globex",),
    "account history": ("globex",),
    "account targets": ("globex",),
    "account log": ("globex",),
    "account refunds": ("globex",),
    "history": ("globex",),
    "ledger": ("acme",),
    "books months": (),
    "invoices": ("globex",),
    "billing show": ("globex",),
    "billing seller": (),
    "usage": ("acme",),
    "advise": ("globex", "--li-minutes", "60", "--runs", "3"),
    "department list": ("globex",),
    "department show": ("globex", "quality-assurance"),
    "tariff list": (),
    "tariff show": ("gatling",),
    "tariff price": ("loadview", "--injectors", "2000", "--duration", "3h"),
    "catalog list": ("--provider", "aws", "--region", "us-east-1", "--family", "c7i"),
    "catalog show": ("aws", "us-east-1", "c7i.large"),
    "catalog versions": (),
    "doctor": (),
}
NO_TABLES = {
    *("plot cost", "plot load", "plot plans", "plot run", "plot sweep"),  # drawings
    *("logs", "tariff set", "tariff unset", "db check"),  # lines
    *("schema", "catalog use", "serve"),
    *("books close", "books export", "books check"),
    # They show what another command of the list shows, once they have done what they do.
    *("run", "cancel", "watch", "sweep", "calibrate", "catalog refresh", "account advance"),
    *("billing set", "billing set-seller"),
}
CHANGES = {"account", "department"}
"""Groups whose other commands show the account or the department that they changed."""

ONLY_MONEY = {"compare", "usage"}
"""The one leaves out the services' titles, the other dates on the axis of its drawing."""


def test_every_command_that_prints_a_table_is_walked() -> None:
    left = {name for name, _ in commands()} - {*TABLES} - NO_TABLES
    assert {each for each in left if each.split()[0] not in CHANGES} == set()


def test_no_command_makes_a_table_that_cuts() -> None:
    cutting = [
        file.name
        for file in Path("loadmuster/cli").glob("*.py")
        if re.search(r"(?<!Fitting)\bTable(\.grid)?\(", file.read_text(encoding="utf-8"))
    ]
    assert set(cutting) <= {"fitting.py"}


@pytest.fixture
def books(acme: CommandLine, shop: str) -> CommandLine:
    """An account with a bill, and a subscriber with departments."""
    for words in (
        ("account", "open", "globex", "--plan", "advanced", "--timezone", "America/New_York"),
        ("account", "allow-target", "globex", "a-long-name.of-a-shop.example.com"),
        ("billing", "set", "globex", "--name", "Globex & Sons", "--country", "US"),
        ("billing", "set-seller", "--name", "Load Ltd", "--address", "Street 1; Town"),
        ("department", "add", "globex", "quality-assurance"),
        (
            *("account", "refund", "globex", "--invoice", "globex-00001", "--usd", "12.34"),
            *("--reason", "the load was not what had been asked for"),
        ),
        ("department", "limit", "globex", "quality-assurance", "1234567.89"),
    ):
        answer = acme.here(*words)
        assert answer.code == 0, answer.err
    ran = acme.here(
        *("run", CHECKOUT, "--account", "acme", "--users", "3", "--duration", "1s"),
        *("--set", f"TARGET={shop}", "--json"),
    )
    assert ran.json["bill"], ran.err
    return acme


def test_tables_of_every_command_are_whole_at_every_width(
    books: CommandLine,
) -> None:
    (run,) = books.here("--json", "runs").json["runs"]
    cut: dict[tuple[str, int], set[str]] = {}
    for command, arguments in TABLES.items():
        line = (*command.split(), *(run["id"] if each == "RUN" else each for each in arguments))
        wide = printed(books, 200, *line)
        money = {each for each in money_of(books.here("--json", *line).json) if each in wide}
        for width in (40, 60, 80):
            narrow = printed(books, width, *line)
            lost = (money if command in ONLY_MONEY else money | numbers(wide)) - narrow
            if lost or any("…" in each for each in narrow):
                cut[command, width] = lost
    assert cut == {}


def printed(loadmuster: CommandLine, width: int, *line: str) -> set[str]:
    """The words that the command prints on a terminal so wide, without what it draws."""
    answer = loadmuster.here(*line, COLUMNS=str(width))
    assert answer.code in (0, 2, 3), answer.err
    return set(re.sub(r"[│┃━─┏┓┗┛]", " ", answer.out).split())


def numbers(words: set[str]) -> set[str]:
    """Amounts and quantities, and the names of things that they are of."""
    return {each for each in words if re.fullmatch(r"\(?[\d,]*\d(\.\d+)?[,;:)]*", each)}


def money_of(document: Any) -> Iterator[str]:  # noqa: ANN401 - any document
    """Every amount of dollars in a document, as tables print it."""
    match document:
        case dict():
            for name, value in document.items():
                if "usd" in name and isinstance(value, str):
                    yield f"{Decimal(value):,.2f}"
                else:
                    yield from money_of(value)
        case list():
            for each in document:
                yield from money_of(each)


WIDE = ("professional-with-a-long-name", "1,234,567.89", "12 LI-minutes of a long kind")


@pytest.mark.parametrize("width", [24, 40, 60])
@pytest.mark.parametrize("boxed", [True, False])
def test_a_row_without_room_is_a_list_of_its_cells(width: int, *, boxed: bool) -> None:
    table = FittingTable("plan", "USD", "takes") if boxed else columns("plan", "USD", "takes")
    for _ in range(2):
        table.add_row(*WIDE)
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    words = re.sub(r"[│┃]", " ", out.getvalue()).split()
    assert words.count(WIDE[1]) == 2
    assert "…" not in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= max(width, len(f"plan: {WIDE[0]}"))


def test_a_table_that_fits_looks_as_it_always_did() -> None:
    drawn = []
    for kind in (Table, FittingTable):
        table = kind("plan", "USD", title="Offers", show_footer=True)
        table.add_row("starter", Text("199.00", style="bold"))
        out = io.StringIO()
        Console(file=out, width=60).print(table)
        drawn.append(out.getvalue())
    assert drawn[0] == drawn[1]
