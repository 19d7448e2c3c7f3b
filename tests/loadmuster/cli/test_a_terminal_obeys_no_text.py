"""No text of others is obeyed by a terminal: not of a file, not of a gateway, not of the books."""

from __future__ import annotations

import ast
import io
import os
import pty
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from loadmuster.cli.console import QuietConsole
from loadmuster.cli.layout import columns, facts, section
from tests.command_line import Answer
from tests.kernel.test_visible import HOSTILE, obeyed

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

EVIL = "evil\x1b[2J\x9b31m\u202e\r\nforged: 9.99 USD"
NOW = ("--now", "2027-01-25T09:00Z")
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
TEXTS = {
    "administrators": "name",
    "persons": "name",
    "departments": "name",
    "transactions": "description",
    "invoice_lines": "description",
    "payments": "reason",
}
"""Columns of the books whose texts are somebody's."""

READS = (
    *(
        "account show acme",
        "account log acme",
        "account administrators acme",
        "account history acme",
    ),
    *("account refunds acme", "account disputes acme", "account dunning acme", "account list"),
    *("department list acme", "ledger acme", "invoices acme", "usage acme", "usage acme --csv"),
    *("billing show acme", "db check", "books months", "history acme", "account offers acme"),
)


def poison(loadmuster: CommandLine, texts: Mapping[str, str]) -> None:
    """Write into each table's column what no command of ours would, as who holds the file can."""
    with sqlite3.connect(loadmuster.database) as db:
        for (name,) in db.execute(TRIGGERS).fetchall():
            db.execute(f"DROP TRIGGER {name}")
        for table, column in texts.items():
            write = f"UPDATE {table} SET {column} = {column} || ?"  # noqa: S608 - names of ours
            changed = db.execute(write, (EVIL,))
            assert changed.rowcount, table
    db.close()


def is_safe(answer: Answer) -> bool:
    """Whether nothing of it is obeyed, and no line of it was forged."""
    lines = (answer.out + answer.err).splitlines()
    return not obeyed(answer.out + answer.err, but="\n") and not any(
        line.startswith("forged") for line in lines
    )


def test_a_hostile_key_of_a_gateways_file_is_shown_and_not_obeyed(loadmuster: CommandLine) -> None:
    file = loadmuster.home / "moved.csv"
    row = '"{key}",{kind},199.00,USD,2027-01-25T09:15:00Z\n'
    file.write_text(
        "key,kind,amount,currency,at\n" + row.format(key=EVIL, kind="payment"), encoding="utf-8"
    )
    told = loadmuster.here("books", "reconcile", str(file))
    assert (told.code, is_safe(told)) == (5, True), told
    assert r"evil\x1b[2J\x9b31m\u202e\r\nforged" in told.out.replace("\n", "").replace(" ", "")
    document = loadmuster.here("books", "reconcile", str(file), "--json")
    assert is_safe(document)
    assert document.json["differences"][0]["gateway"]["key"] == EVIL
    for wrong in (row.format(key="k", kind=EVIL.partition("\r")[0]), row.format(key="k", kind='"')):
        file.write_text("key,kind,amount,currency,at\n" + wrong, encoding="utf-8")
        refused = loadmuster.here("books", "reconcile", str(file))
        assert (refused.code, refused.err.count("\n"), is_safe(refused)) == (2, 1, True), refused


def test_a_hostile_name_of_a_file_is_shown_and_not_obeyed(loadmuster: CommandLine) -> None:
    name = f"{loadmuster.home}/{EVIL}\udcff.yaml"
    for words in (("estimate", name), ("run", name, "--account", "acme"), ("books", "check", name)):
        for form in ((), ("--json",)):
            answer = loadmuster.here(*words, *form)
            assert (answer.code, is_safe(answer)) == (2, True), answer
            answer.out.encode()
            assert not form or "evil" in str(answer.json)


def test_hostile_rows_of_the_books_are_shown_and_not_obeyed(loadmuster: CommandLine) -> None:
    for words in (
        ("account", "open", "acme", "--plan", "starter", "--administrator", "Ann"),
        ("department", "add", "acme", "lab"),
        ("account", "adjust", "acme", "--credit", "20", "--reason", "goodwill"),
        ("account", "refund", "acme", "--invoice", "acme-00001", "--usd", "5", "--reason", "slow"),
    ):
        assert loadmuster.here(*NOW, *words).code == 0, words
    poison(loadmuster, TEXTS)
    shown = 0
    for read in READS:
        for form in ((), ("--json",)):
            if form and "--csv" in read:
                continue
            answer = loadmuster.here(*NOW, *read.split(), *form)
            assert is_safe(answer) or "--csv" in read, (read, answer)
            assert "Traceback" not in answer.err
            shown += "evil" in answer.out
    assert shown >= 10


def test_rows_of_a_csv_are_whole_in_a_file_and_harmless_on_a_terminal(
    loadmuster: CommandLine,
) -> None:
    assert loadmuster.here(*NOW, "account", "open", "acme", "--plan", "starter").code == 0
    poison(loadmuster, {"transactions": "description"})
    ours, theirs = pty.openpty()
    ended = subprocess.run(
        (*loadmuster.program, *NOW, "usage", "acme", "--focus"),
        stdout=theirs,
        env=loadmuster.environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    os.close(theirs)
    assert ended.returncode == 0
    assert not obeyed(os.read(ours, 65_536).decode(), but="\r\n")
    os.close(ours)


@pytest.mark.parametrize("width", [20, 200])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_whatever_is_drawn_the_console_lets_no_orders_through(
    width: int, *, is_terminal: bool
) -> None:
    out = io.StringIO()
    console = QuietConsole(file=out, force_terminal=is_terminal, width=width)
    console._color_system = None
    table = columns("what", f"name {HOSTILE}", right=("what",))
    table.add_row(HOSTILE, Text(HOSTILE))
    drawn: tuple[RenderableType, ...] = (
        *(HOSTILE, Text(HOSTILE), Padding(HOSTILE, 2), table, facts(("a", HOSTILE))),
    )
    for each in drawn:
        console.print(each)
    section(console, HOSTILE, *drawn)
    assert not obeyed(out.getvalue(), but="\n\t")
    assert r"\x1b" in out.getvalue()


def test_a_line_break_in_a_cell_forges_no_row() -> None:
    out = io.StringIO()
    table = columns("key", "USD")
    table.add_row("a\nforged", "1.00")
    QuietConsole(file=out, width=80).print(table)
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["key", "USD"],
        [r"a\nforged", "1.00"],
    ]


WRITERS = {"click.echo", "print", "sys.stdout.write", "sys.stderr.write", "click.secho"}
RIM = {"output.py", "streaming.py"}
"""Modules that write what a terminal may have, and nothing else."""

PAGES = {("invoices.py", "click.echo")}
"""A page for a browser, whose text is escaped by what makes it."""


def test_only_the_rim_writes_past_the_console() -> None:
    found = {
        (path.name, ast.unparse(node.func))
        for path in Path("loadmuster/cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITERS
    }
    assert {each for each in found if each[0] not in RIM} == PAGES
