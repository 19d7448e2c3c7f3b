"""A million quotes as columns against one by one; the results must be the same.

One by one a million takes over a minute, so a part of them is timed and the ratio is a row's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.measure import Figure, seconds, shown
from engine.sweeping.sweep import sweep
from kernel.division import ceil_div
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import quote_run
from pricing.tariffs import LoadSize

ROWS = 1_000_000
ROWS_ONE_BY_ONE = 200_000
SEED = 20_270_125
PAYLOAD = 500


def one_by_one(users: Sequence[int], duration_s: Sequence[int]) -> list[int]:
    """What each test is charged, by the code that quotes a run."""
    plan = find_plan("on-demand", BUNDLED_PLANS)
    return [
        quote_run(
            plan, LoadSize(injectors=ceil_div(each, PAYLOAD), users=each, duration_s=length)
        ).total
        for each, length in zip(users, duration_s, strict=True)
    ]


def figures() -> list[Figure]:
    """The same quotes both ways, checked against each other to the micro-dollar."""
    chance = np.random.default_rng(SEED)
    users = chance.integers(1, 400_000, ROWS)
    duration_s = chance.integers(1, 14_400, ROWS)
    singles: list[int] = []
    few = slice(ROWS_ONE_BY_ONE)
    single_s = seconds(
        lambda: singles.extend(one_by_one(users[few].tolist(), duration_s[few].tolist()))
    )
    columns = {"users": users, "duration_s": duration_s, "users_per_injector": PAYLOAD}
    swept = sweep(columns).usd_micros
    sweep_s = seconds(lambda: sweep(columns))
    assert np.array_equal(swept[few], np.array(singles)), "the sweep differs from the single quotes"
    name = f"sweep of {ROWS:,} quotes ({ROWS / sweep_s / 1e6:.0f} M/s), times faster"
    against = f"one by one, {ROWS_ONE_BY_ONE:,} of them in {shown(single_s)}"
    ratio = (single_s / ROWS_ONE_BY_ONE) / (sweep_s / ROWS)
    return [Figure(name, shown(sweep_s), against, ratio, "at least 100")]
