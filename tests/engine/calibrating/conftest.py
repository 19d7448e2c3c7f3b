"""A target that answers at once, and the command line in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.quick_target import quick_target
from tests.command_line import Command, here


@pytest.fixture
def loadmuster(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command."""
    return here(capsys)


@pytest.fixture
def target() -> Iterator[str]:
    """The URL of a target that is never what holds users up."""
    with quick_target() as url:
        yield url
