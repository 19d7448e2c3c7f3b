"""Lives side by side in processes that are killed, until nothing is open any more."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from kernel.clock import SystemClock
from tests.kills.checks import check_batch, check_nothing_is_left_to_reap
from tests.kills.ground import Ground
from tests.kills.plans import BATCH, TO_ITS_END, Batch, Life, Pace, batch_of, left_alone
from tests.kills.report import Report
from tests.kills.victims import Victim

SIDE_BY_SIDE = 6
MEASURED_FIRST = 2
BATCHES_MAX_FOR_ONE = 3
"""Processes that end before their instant are no kills; so many batches make up for them."""

Paces = tuple[Pace, Pace]
"""Of cold and of warm lives."""


def _say_nothing(_so_far: Report) -> None:
    """Nobody listens."""


def kill(
    ground: Ground,
    seed: int,
    kills: int,
    *,
    first: int = 0,
    tell: Callable[[Report], None] = _say_nothing,
) -> Report:
    """Kill that many processes, and look at what is left after each batch, told of all so far."""
    size = min(BATCH, kills)
    total = _first_lives(ground, seed)
    for number in range(BATCHES_MAX_FOR_ONE * math.ceil(kills / size)):
        if total.kills.total() >= kills:
            break
        batch = batch_of(seed, first + number * size, size)
        total.add(_play(ground, batch, (_usual(total.cold_paces), _usual(total.warm_paces))))
        tell(total)
    total.violations += check_nothing_is_left_to_reap(ground)
    total.machines = sum(1 for _ in ground.machines_ever())
    return total


def _usual(paces: Sequence[Pace]) -> Pace:
    """Of the last."""
    last = paces[-MEASURED_FIRST:]
    return Pace(
        statistics.median(pace.start_up_s for pace in last),
        statistics.median(pace.rest_s for pace in last),
    )


def _first_lives(ground: Ground, seed: int) -> Report:
    """How long undisturbed lives take before anything else is done."""
    account = f"kills-{seed}-first"
    ground.engine.accounts.open(account)
    lives = [life for number in range(MEASURED_FIRST) for life in left_alone(f"{account}-{number}")]
    nothing = Pace(0.0, 0.0)
    return _side_by_side(ground, account, lives, (nothing, nothing))


def _side_by_side(ground: Ground, account: str, lives: Sequence[Life], paces: Paces) -> Report:
    report = Report()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as lanes:
        for lived in lanes.map(lambda life: _live(ground, account, life, paces[life.warm]), lives):
            report.add(lived)
    return report


def _play(ground: Ground, batch: Batch, paces: Paces) -> Report:
    ground.engine.accounts.open(batch.account, plan=batch.plan)
    report = _side_by_side(ground, batch.account, batch.lives, paces)
    report.add(_finish(ground, batch, paces[True]))
    outcomes, violations = check_batch(ground, batch)
    report.runs += outcomes
    report.violations += violations
    return report


def _live(ground: Ground, account: str, life: Life, pace: Pace) -> Report:
    """One life as far as its own processes bring it."""
    report = Report()
    log = ground.log(life.request_id)
    for number, part in enumerate(life.kills):
        began_at = SystemClock().now()
        victim = Victim(
            name=life.request_id,
            command=ground.run(account, life, log),
            log=log,
            is_recorded=lambda: ground.recorded(account, life.request_id) is not None,
        )
        if number == 0 and life.interrupt is not None and victim.lives_until(life.interrupt, pace):
            victim.interrupt()
            report.interrupts += 1
        if victim.lives_until(part, pace) and victim.kill():
            kind = "warm" if life.warm else "cold"
            report.kills[f"{kind} run: {ground.phase(account, life.request_id)}"] += 1
            continue
        report.violations += victim.complaints()
        if part != TO_ITS_END:
            report.escaped += 1
        elif number == 0 and (run := ground.recorded(account, life.request_id)) is not None:
            start_up_s = (run.order.accepted_at - began_at).total_seconds()
            pace = Pace(start_up_s, time.monotonic() - victim.began_s - start_up_s)
            (report.warm_paces if life.warm else report.cold_paces).append(pace)
        if not victim.interrupted:
            break
    return report


def _finish(ground: Ground, batch: Batch, pace: Pace) -> Report:
    """``loadmuster serve`` finishes what is open, and is killed before it has."""
    report = Report()
    for number, part in enumerate([*batch.serves, TO_ITS_END]):
        name = f"{batch.account}-serve-{number}"
        log = ground.log(name)
        command = ground.start("serve", "--until-idle", "--reap-every", "0", log=log, warm=True)
        victim = Victim(name, command, log, is_recorded=lambda: True)
        if victim.lives_until(part, pace) and victim.kill():
            open_runs = len(ground.engine.runs.store.list(open_only=True))
            report.kills[f"serve: {'runs' if open_runs else 'no run'} open"] += 1
        else:
            report.escaped += part != TO_ITS_END
            report.violations += victim.complaints()
    return report
