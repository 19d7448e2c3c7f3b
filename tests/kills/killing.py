"""Lives side by side in processes that are killed, until nothing is open any more."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from kernel.clock import SystemClock
from tests.kills.checks import check_batch, check_nothing_is_left_to_reap
from tests.kills.ground import Ground
from tests.kills.plans import BATCH, REGIONS, TO_ITS_END, Batch, Life, Pace, batch_of
from tests.kills.report import Report
from tests.kills.victims import Victim

SIDE_BY_SIDE = 6
MEASURED_FIRST = 3
BATCHES_MAX_FOR_ONE = 3
"""Processes that end before their instant are no kills; so many batches make up for them."""


def kill(ground: Ground, seed: int, kills: int, *, first: int = 0) -> Report:
    """Kill that many processes, and look at what is left after each batch."""
    size = min(BATCH, kills)
    total = Report(paces=_first_paces(ground, seed))
    for number in range(BATCHES_MAX_FOR_ONE * math.ceil(kills / size)):
        if total.kills.total() >= kills:
            break
        batch = batch_of(seed, first + number * size, size)
        total.add(_play(ground, batch, _usual(total.paces[-MEASURED_FIRST:])))
    total.violations += check_nothing_is_left_to_reap(ground)
    total.machines = sum(1 for _ in ground.machines_ever())
    return total


def _usual(paces: Sequence[Pace]) -> Pace:
    return Pace(
        statistics.median(pace.start_up_s for pace in paces),
        statistics.median(pace.rest_s for pace in paces),
    )


def _first_paces(ground: Ground, seed: int) -> list[Pace]:
    """How long undisturbed lives take before anything else is done."""
    account = f"kills-{seed}-first"
    lives = [
        Life(f"{account}-{number}", REGIONS, (TO_ITS_END,)) for number in range(MEASURED_FIRST)
    ]
    ground.engine.open_account(account)
    with ThreadPoolExecutor(MEASURED_FIRST) as lanes:
        reports = lanes.map(lambda life: _live(ground, account, life, Pace(0.0, 0.0)), lives)
        return [pace for report in reports for pace in report.paces]


def _play(ground: Ground, batch: Batch, pace: Pace) -> Report:
    ground.engine.open_account(batch.account, plan=batch.plan)
    report = Report()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as lanes:
        for lived in lanes.map(lambda life: _live(ground, batch.account, life, pace), batch.lives):
            report.add(lived)
    report.add(_finish(ground, batch, pace))
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
            process=ground.run(account, life.request_id, life.regions, log),
            log=log,
            is_recorded=lambda: ground.recorded(account, life.request_id) is not None,
        )
        if number == 0 and life.interrupt is not None and victim.lives_until(life.interrupt, pace):
            victim.interrupt()
            report.interrupts += 1
        if victim.lives_until(part, pace) and victim.kill():
            report.kills[f"run: {ground.phase(account, life.request_id)}"] += 1
            continue
        report.violations += victim.complaints()
        if part != TO_ITS_END:
            report.escaped += 1
        elif number == 0 and (run := ground.recorded(account, life.request_id)) is not None:
            start_up_s = (run.order.accepted_at - began_at).total_seconds()
            report.paces.append(Pace(start_up_s, time.monotonic() - victim.began_s - start_up_s))
        if not victim.interrupted:
            break
    return report


def _finish(ground: Ground, batch: Batch, pace: Pace) -> Report:
    """``loadmuster serve`` finishes what is open, and is killed before it has."""
    report = Report()
    for number, part in enumerate([*batch.serves, TO_ITS_END]):
        name = f"{batch.account}-serve-{number}"
        log = ground.log(name)
        process = ground.start("serve", "--until-idle", "--reap-every", "0", log=log)
        victim = Victim(name, process, log, is_recorded=lambda: True)
        if victim.lives_until(part, pace) and victim.kill():
            open_runs = len(ground.engine.store.list(open_only=True))
            report.kills[f"serve: {'runs' if open_runs else 'no run'} open"] += 1
        else:
            report.escaped += part != TO_ITS_END
            report.violations += victim.complaints()
    return report
