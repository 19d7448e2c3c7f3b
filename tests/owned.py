"""Programs that belong to this process, such as a shop to put load on: none of them outlives it.

A session that is interrupted or killed takes no fixture down, and what it started would run on.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE_S

SHOP = Path(__file__).parents[1] / "examples" / "shop.py"


@contextmanager
def ends_with_us(pid: int) -> Iterator[None]:
    """Whatever becomes of this process: as soon as it is gone, that one is told to end.

    A shell waits for the end of a pipe that only this process holds open.
    """
    with subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill "$0"', str(pid)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as guard:
        try:
            yield
        finally:
            # First of all, lest it should tell another that has been given the same number.
            guard.kill()


@contextmanager
def running_shop() -> Iterator[str]:
    """The URL of a shop on loopback, a program of its own."""
    with subprocess.Popen(
        [sys.executable, str(SHOP), "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            with ends_with_us(process.pid):
                yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)
