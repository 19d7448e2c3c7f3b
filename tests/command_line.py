"""The command line as tests call it: what a command answered, and a call in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from loadmuster.cli.main import main


class Answer(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever document the command prints
        """The one document on standard output."""
        return json.loads(self.out)


Command = Callable[..., Answer]


def here(capsys: pytest.CaptureFixture[str], *first: object) -> Command:
    """A command in this process, which is quick.

    Args:
        capsys: Keeps what it prints.
        first: Arguments that come before all others.
    """

    def call(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as left:
            main([str(each) for each in (*first, *arguments)])
        out, err = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Answer(left.value.code, out, err)

    return call
