"""A target that answers at once, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.quick_target import quick_target
from engine.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any document
        """The document on standard output."""
        return json.loads(self.out)


CommandLine = Callable[..., Answer]


@pytest.fixture
def loadmuster(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Run a command."""

    def run(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Answer(left.value.code, out, err)

    return run


@pytest.fixture
def target() -> Iterator[str]:
    """The URL of a target that is never what holds users up."""
    with quick_target() as url:
        yield url
