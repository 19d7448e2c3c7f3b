"""A command that needs an extra says which, in one line, and ends with 2."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.loadmuster.cli.conftest import ROOT
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

WITHOUT = """
import importlib.abc, sys
hidden = sys.argv[1].split(",")
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in hidden):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from loadmuster.cli.main import main
main(sys.argv[2:])
"""
CHECKOUT = "examples/checkout.yaml"
RUN = ("run", CHECKOUT, "--account", "acme", "--yes", "--provider")
NOT_EVERYBODYS = {"docs", "demo", "dev", "all"}
"""For who works on loadmuster, or made of the others."""

NEEDED: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "aws": (
        "boto3,botocore",
        (
            (*RUN, "aws"),
            ("reap", "--provider", "aws", "--region", "us-east-1"),
            ("catalog", "refresh", "--provider", "aws", "--region", "us-east-1"),
        ),
    ),
    "azure": (
        "azure",
        (
            (*RUN, "azure"),
            (*RUN, "azure", "--dry-run"),
            ("reap", "--provider", "azure", "--region", "eastus"),
        ),
    ),
    "locust": ("locust", ((*RUN, "local"), ("calibrate", CHECKOUT))),
    "postgres": ("psycopg", (("--db", "postgresql://ann@host/books", "runs"),)),
    "rehearsal": ("moto", ((*RUN, "aws", "--dry-run"),)),
    "pdf": ("typst", (("invoices", "acme", "--pdf", "acme-00001", "--out", "acme.pdf"),)),
    "plots": ("matplotlib", (("plot", "cost", CHECKOUT, "--out", "cost.png"),)),
    "catalog": ("httpx", (("catalog", "refresh", "--provider", "azure", "--region", "eastus"),)),
    "sweep": (
        "pyarrow",
        (
            ("sweep", "in.csv", "out.csv"),
            ("sweep", "--grid", "users=1", "--grid", "duration=60", "out.csv"),
            ("plot", "sweep", "in.csv"),
        ),
    ),
    "spread": ("distributed", (("sweep", "examples", "out", "--workers", "2"),)),
}


def test_every_extra_is_left_out_once() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {*project["optional-dependencies"]} - NOT_EVERYBODYS == set(NEEDED)


@pytest.mark.parametrize("extra", NEEDED)
def test_a_missing_extra_is_one_line_that_says_how_to_install_it(
    extra: str, acme: CommandLine
) -> None:
    hidden, commands = NEEDED[extra]
    for command in commands:
        ended = subprocess.run(
            [sys.executable, "-c", WITHOUT, hidden, *command],
            cwd=ROOT,
            env=acme.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ended.returncode == 2, (command, ended.stderr)
        assert ended.stderr.count("\n") == 1, (command, ended.stderr)
        assert "pip install 'loadmuster[" in ended.stderr, command
    assert acme.here("--json", "runs").json == {"runs": []}
