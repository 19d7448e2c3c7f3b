"""Some hundred lives on a simulated cloud, and bugs that they find."""

from __future__ import annotations

import os

import pytest

from tests.run_simulator.bugs import BUGS
from tests.run_simulator.seeds import first_violation, play

SEEDS = int(os.environ.get("LOADMUSTER_SEEDS", "300"))
SLICES = 6
BUG_SEEDS = range(150, 2_150)
"""At most 2,000; those that find the rarest bugs come soon."""


@pytest.mark.early
@pytest.mark.parametrize("part", range(SLICES))
def test_whatever_goes_wrong_no_machine_is_left_and_each_run_is_billed_once(part: int) -> None:
    size = SEEDS // SLICES
    report = play(range(1 + part * size, 1 + (part + 1) * size))
    assert report.lives == size
    assert report.violations == []
    assert report.machines > 0
    assert report.mishaps.total() > size


def test_a_seed_plays_the_same_life_again() -> None:
    once, again = play([7]), play([7])
    assert once == again
    assert once.mishaps.total() > 0


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_deliberate_bug_is_found_soon(bug: str) -> None:
    with BUGS[bug]():
        assert first_violation(BUG_SEEDS) is not None, "no seed found it"
