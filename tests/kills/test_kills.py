"""A dozen real processes killed at random instants on each database, and that it would be seen."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from engine.readers import read_scenario
from engine.runs.model.states import Run
from kernel.clock import SystemClock
from providers.contract import LaunchSpec
from tests.kills.checks import NEVER_ACCEPTED, check_batch
from tests.kills.ground import CHECKOUT, made_ground
from tests.kills.killing import kill
from tests.kills.plans import REGIONS, TO_ITS_END, Batch, Life, batch_of

KILLS = int(os.environ.get("LOADMUSTER_KILLS", "12"))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_processes_killed_at_any_instant_leave_no_machine_and_no_run_that_is_not_billed_once(
    database_url: str, tmp_path: Path
) -> None:
    with made_ground(database_url, tmp_path) as ground:
        report = kill(ground, seed=20261122, kills=KILLS)
    assert report.violations == []
    assert report.kills.total() >= KILLS
    assert report.runs["completed"] > 0
    assert report.machines >= report.runs["completed"]


TOO_MANY = 4


def test_a_machine_that_is_left_and_a_run_that_has_not_ended_are_found(
    migrated_file: Path, tmp_path: Path
) -> None:
    life = Life("again", REGIONS[:1], (0.5,))
    batch = Batch("acme", "on-demand", (life,), ())
    shutil.copy(migrated_file, tmp_path / "books.db")
    with made_ground(f"sqlite:///{tmp_path / 'books.db'}", tmp_path) as ground:
        ground.engine.accounts.open("acme")
        assert check_batch(ground, batch) == (Counter({NEVER_ACCEPTED: 1}), [])
        run = ground.engine.runs.accept(
            read_scenario(CHECKOUT),
            account="acme",
            provider="aws",
            dry_run=True,
            regions=REGIONS[:1],
            request_id=life.request_id,
        )
        ground._provider.launch(_too_many(run))
        outcomes, violations = check_batch(ground, batch)
    assert outcomes == {"accepted": 1}
    assert violations == [
        "again: has not ended",
        "again: is accepted: ",
        f"again: launched {TOO_MANY} machines for {run.machines_planned}",
        f"{TOO_MANY} machines left of {run.id}",
    ]


def _too_many(run: Run) -> LaunchSpec:
    now = SystemClock().now()
    return LaunchSpec(
        run_id=run.id,
        attempt=1,
        token=run.id,
        region=REGIONS[0],
        machine_types=("c7i.large",),
        count=TOO_MANY,
        min_count=TOO_MANY,
        created_at=now,
        expires_at=now + timedelta(minutes=30),
        owner="acme",
    )


def test_a_life_has_the_same_instants_in_whatever_batch_it_is() -> None:
    both, second = batch_of(7, 0, 20), batch_of(7, 10, 10)
    assert both.lives[12:] == second.lives[2:]
    assert both == batch_of(7, 0, 20)
    assert [life.kills for life in both.lives[:2]] == [(TO_ITS_END,)] * 2
    assert all(0 <= life.kills[0] < 1 for life in both.lives[2:])
    assert batch_of(8, 0, 20).lives[2:] != both.lives[2:]
