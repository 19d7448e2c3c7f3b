"""A dozen real processes killed at random instants on each database, and a seed's lives again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.kills.ground import made_ground
from tests.kills.killing import kill
from tests.kills.plans import TO_ITS_END, batch_of

KILLS = int(os.environ.get("LOADMUSTER_KILLS", "12"))


@pytest.mark.timeout(900)
def test_processes_killed_at_any_instant_leave_no_machine_and_no_run_that_is_not_billed_once(
    database_url: str, tmp_path: Path
) -> None:
    with made_ground(database_url, tmp_path) as ground:
        report = kill(ground, seed=20261122, kills=KILLS)
    assert report.violations == []
    assert report.kills.total() >= KILLS
    assert report.runs["completed"] > 0
    assert report.machines >= report.runs["completed"]


def test_a_life_has_the_same_instants_in_whatever_batch_it_is() -> None:
    both, second = batch_of(7, 0, 20), batch_of(7, 10, 10)
    assert both.lives[11:] == second.lives[1:]
    assert both == batch_of(7, 0, 20)
    assert both.lives[0].kills == (TO_ITS_END,)
    assert all(0 <= life.kills[0] < 1 for life in both.lives[1:])
    assert batch_of(8, 0, 20).lives[1:] != both.lives[1:]
