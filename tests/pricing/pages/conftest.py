"""The command line as a person calls it, in this process."""

from __future__ import annotations

import pytest

from tests.command_line import Command, here


@pytest.fixture
def loadmuster(capsys: pytest.CaptureFixture[str]) -> Command:
    return here(capsys)
