"""The command line on the books of a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from loadmuster.cli.main import main


@pytest.fixture
def run_json(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Run a command that succeeds; its JSON document."""

    def call(*arguments: str) -> dict[str, Any]:
        with pytest.raises(SystemExit) as ended:
            main(["--db", database_url, "--json", *arguments])
        said = capsys.readouterr()
        assert (ended.value.code, said.err) == (0, "")
        document: dict[str, Any] = json.loads(said.out)
        return document

    return call
