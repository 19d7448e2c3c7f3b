"""The command line answers at once: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLOUDS_AND_BOOKS = {
    *("boto3", "botocore", "azure", "moto", "sqlalchemy", "numpy", "locust", "httpx"),
    "jinja2",
}
HEAVY = CLOUDS_AND_BOOKS | {"pydantic", "rich"}
OF_SCRIPTS = {"xml", "subprocess", "ssl"}
"""What only a program's own script, or a file of authorities, takes to be read."""


def imported_by(*arguments: str) -> set[str]:
    """Top-level names of all that a command imports."""
    program = (
        "import sys\n"
        "from loadmuster.cli.main import main\n"
        "try:\n"
        f"    main({list(arguments)!r})\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print('\\nIMPORTED', *sorted(names))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    return set(answer.rpartition("IMPORTED")[2].split())


def test_help_imports_no_cloud_no_database_and_no_numbers() -> None:
    imported = imported_by("--help")
    assert "click" in imported
    assert not imported & HEAVY


@pytest.mark.parametrize("command", ["estimate", "run", "account", "tariff", "catalog", "ledger"])
def test_help_of_a_command_imports_no_more(command: str) -> None:
    assert not imported_by(command, "--help") & HEAVY


def test_an_estimate_imports_no_cloud_no_database_and_no_numpy() -> None:
    imported = imported_by("--json", "estimate", "examples/checkout.yaml")
    assert "pydantic" in imported
    assert not imported & CLOUDS_AND_BOOKS


def test_an_estimate_without_a_program_imports_no_reader_of_scripts() -> None:
    imported = imported_by("--json", "estimate", "examples/checkout.yaml")
    assert not imported & OF_SCRIPTS
