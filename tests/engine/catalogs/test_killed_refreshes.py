"""A refresh that is killed anywhere leaves a whole catalogue, and the next one finishes it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import PATIENCE_S


def killed(*options: str) -> str:
    program = [sys.executable, "-m", "tests.engine.catalogs.killed_refreshes", *options]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_killed_at_any_step_the_catalogue_in_use_is_whole_and_the_next_refresh_finishes() -> None:
    assert int(killed("--every", "30", "--first", "7").split()[0]) > 10


@pytest.mark.long
def test_killed_at_every_single_step() -> None:
    assert int(killed().split()[0]) > 300
