"""Commands whose output cannot be read: closed pipes and terminals, full disks, few letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from providers.local.processes import processes_by_machine
from tests.loadmuster.cli.conftest import PROGRAM, ROOT
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
ON_ITS_TERMINAL = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"


def visits(shop: str, duration: str = "4s") -> tuple[str, ...]:
    return (
        *("run", CHECKOUT, "--account", "acme", "--users", "3"),
        *("--duration", duration, "--set", f"TARGET={shop}"),
    )


def ended(acme: CommandLine) -> dict[str, object]:
    """The only run, of which no process may be left."""
    assert processes_by_machine(acme.home) == {}
    (run,) = acme.here("--json", "runs").json["runs"]
    shown: dict[str, object] = acme.here("--json", "show", run["id"]).json
    assert shown["state"] == "ended"
    return shown


@pytest.mark.promise("display-ends-no-run", command="run", provider="local")
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "json"])
def test_a_run_whose_reader_leaves_goes_on_and_is_a_success(
    form: tuple[str, ...], acme: CommandLine, shop: str
) -> None:
    with acme.start(*visits(shop), *form) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close() if form else process.stdout.readline()
        process.stderr.close() if form else process.stdout.close()
        assert process.wait(PATIENCE_S) == 0
        assert form or "Traceback" not in process.stderr.read()

    shown = ended(acme)
    assert shown["outcome"] == "completed"
    assert shown["bill"]


@pytest.mark.promise("closed-terminal-releases", command="run", provider="local")
def test_a_run_whose_terminal_closes_is_cancelled_and_releases_its_machines(
    acme: CommandLine, shop: str
) -> None:
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_ITS_TERMINAL, *PROGRAM, *visits(shop, "10m"), "--yes"],
        cwd=ROOT,
        env=acme.environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        text=True,
    )
    os.close(slave)
    acme.until_state("running", process)

    os.close(master)

    assert process.wait(PATIENCE_S) == 8
    shown = ended(acme)
    assert shown["outcome"] == "cancelled"
    assert shown["bill"]


@pytest.mark.promise("display-ends-no-run", command="run", provider="local")
def test_a_run_whose_output_finds_a_full_disk_is_a_success_and_says_so(
    acme: CommandLine, shop: str
) -> None:
    with Path("/dev/full").open("w") as full:
        process = acme.printing_to(full, *visits(shop), "--json")

    assert process.returncode == 0
    assert process.stderr.splitlines()[-1] == (
        "loadmuster: output: cannot be written: No space left on device;"
        " what it would have shown is on record: look before it is asked for again"
    )
    assert ended(acme)["outcome"] == "completed"


READS = (("catalog", "list"), ("runs",), ("account", "show", "acme"), ("nothing",))


def read(
    acme: CommandLine, command: tuple[str, ...], out: IO[str] | int, **environment: str
) -> str:
    """What a command says on standard error; it must be no traceback, and the code as without."""
    process = acme.printing_to(out, *command, **environment)
    assert "Traceback" not in process.stderr
    assert "Exception ignored" not in process.stderr
    assert process.returncode == acme(*command).code, process.stderr
    return process.stderr


@pytest.mark.parametrize("command", READS, ids=" ".join)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "json"])
def test_a_pipe_that_is_closed_is_no_failure(
    form: tuple[str, ...], command: tuple[str, ...], acme: CommandLine
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        read(acme, (*form, *command), writer)
    finally:
        os.close(writer)


HELPS = (
    *(("--help",), ("--version",), ("tariff", "--help"), ("estimate", "-h")),
    ("account", "open", "--help"),
)


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_a_help_whose_reader_leaves_is_no_failure(
    command: tuple[str, ...], acme: CommandLine
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = acme.printing_to(writer, *command)
    finally:
        os.close(writer)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_a_terminal_of_few_letters_gets_those_it_has(
    command: tuple[str, ...], acme: CommandLine
) -> None:
    read(acme, command, subprocess.DEVNULL, PYTHONIOENCODING="ascii")


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_closed_standard_streams_are_no_failure_and_no_file_takes_their_place(
    command: tuple[str, ...], acme: CommandLine
) -> None:
    line = " ".join([*PROGRAM, *command])
    process = subprocess.run(
        ["/bin/sh", "-c", f"{line} <&- >&- 2>&-"],
        cwd=ROOT,
        env=acme.environment,
        timeout=PATIENCE_S,
        check=False,
    )
    assert process.returncode == acme(*command).code
    assert acme.database.read_bytes().startswith(b"SQLite format 3")
