"""The target that loads are put on: the example shop, as a program of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

SHOP = Path(__file__).parents[3] / "examples" / "shop.py"


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The URL of a running shop."""
    with subprocess.Popen(
        [sys.executable, str(SHOP), "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        process.wait(timeout=PATIENCE_S)
