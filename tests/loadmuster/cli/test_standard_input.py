"""``-`` in the place of a file is standard input, for every command that reads one."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd
import pyarrow as pa
import pytest

from tests.command_tree import commands

if TYPE_CHECKING:
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = Path("examples/checkout.yaml").read_bytes()
FRAME = pd.DataFrame({"users": [100, 2_000], "duration_s": [60.0, 600.0]})

SCENARIOS = {
    "estimate": (),
    "compare": (),
    "plot cost": (),
    "plot load": (),
    "run": ("--account", "acme", "--queue"),
    "calibrate": ("--set", "TARGET=http://127.0.0.1:9"),
}
TABLES = {"sweep", "plot sweep"}

Piped = Callable[..., "Answer"]


@pytest.fixture
def piped(acme: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Piped:
    """A command with something on its standard input."""

    def call(content: bytes, *line: str) -> Answer:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return acme.here(*line)

    return call


def test_every_command_that_reads_a_file_takes_a_dash_for_it() -> None:
    reading = {
        name
        for name, command in commands()
        for each in command.params
        if each.name == "source" and isinstance(each, click.Argument)
    }
    assert reading == {*SCENARIOS, *TABLES}


@pytest.mark.parametrize("command", SCENARIOS)
def test_a_scenario_may_be_piped_in(command: str, piped: Piped) -> None:
    answer = piped(CHECKOUT, *command.split(), "-", *SCENARIOS[command])
    if command == "calibrate":
        # Nothing listens where the test would put its load, which is found out after reading.
        assert (answer.code, "standard input" in answer.err) == (7, False)
    else:
        assert answer.code == 0, answer.err
    broken = piped(
        CHECKOUT.replace(b"over: 2m", b"over: 0s"), *command.split(), "-", *SCENARIOS[command]
    )
    assert broken.code == 2
    assert broken.err == (
        "loadmuster: standard input:16: load.users.stages[0].over: a ramp takes time; to go to a"
        " level at once, write {jump_to: ...}\n"
    )


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"x" * (5 << 20)], ids=["none", "no text", "much"]
)
def test_what_is_no_scenario_on_standard_input_is_one_line(content: bytes, piped: Piped) -> None:
    answer = piped(content, "estimate", "-")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith("loadmuster: standard input: ")


def written(kind: str) -> bytes:
    out = io.BytesIO()
    match kind:
        case "parquet":
            FRAME.to_parquet(out)
        case "arrow":
            table = pa.Table.from_pandas(FRAME)
            with pa.ipc.new_file(out, table.schema) as file:
                file.write_table(table)
        case _:
            separator = {"commas": ",", "semicolons": ";", "tabs": "\t"}[kind]
            FRAME.to_csv(out, sep=separator, index=False)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["parquet", "arrow", "commas", "semicolons", "tabs"])
def test_columns_may_be_piped_in_their_kind_told_by_the_content(
    kind: str, piped: Piped, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    swept = piped(written(kind), "sweep", "-", str(out))
    assert swept.code == 0, swept.err
    rows = pd.read_csv(out)
    assert rows["duration_s"].tolist() == [60, 600]
    assert rows["injectors"].tolist() == [1, 4]
    drawn = piped(out.read_bytes(), "plot", "sweep", "-")
    assert drawn.code == 0, drawn.err


def test_a_length_of_600_0_is_600_seconds_and_of_600_5_is_refused(piped: Piped) -> None:
    assert b"600.0" in written("commas")
    refused = piped(b"users,duration_s\n5,600.5\n", "sweep", "-", "--top", "1")
    assert (refused.code, refused.err) == (
        2,
        "loadmuster: standard input: duration_s, row 0: must be a whole number, not '600.5'\n",
    )
