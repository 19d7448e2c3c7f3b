"""What tests start ends with them, also where nothing takes their fixtures down."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil

from providers.rehearsal.serving import is_process
from tests.patience import until

KILLED = """
import time
from tests.owned import running_shop
with running_shop() as url:
    print(url, flush=True)
    time.sleep(3_600)
"""


def _is_gone(pid: int) -> bool:
    return not is_process(pid)


def test_a_shop_ends_with_a_session_that_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdout is not None
        assert session.stdout.readline().startswith("http://127.0.0.1:")
        started = [each.pid for each in psutil.Process(session.pid).children()]
        assert len(started) == 2
        session.kill()

    for pid in started:
        until(partial(_is_gone, pid))
