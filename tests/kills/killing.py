"""Lives side by side in processes that are killed, until nothing is open any more."""

from __future__ import annotations

import math
import signal
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.kills.checks import check_batch, check_nothing_is_left_to_reap
from tests.kills.ground import Ground
from tests.kills.plans import BATCH, REGIONS, TO_ITS_END, Batch, Life, batch_of
from tests.kills.report import Report

SIDE_BY_SIDE = 6
MEASURED_FIRST = 3
PATIENCE_S = 180.0
"""Nothing takes longer, however busy the machine is."""

BATCHES_MAX_FOR_ONE = 3
"""Processes that end before their instant are no kills; so many batches make up for them."""


def kill(ground: Ground, seed: int, kills: int, *, first: int = 0) -> Report:
    """Kill that many processes, and look at what is left after each batch."""
    size = min(BATCH, kills)
    total = Report(life_s=_first_lives(ground, seed))
    for number in range(BATCHES_MAX_FOR_ONE * math.ceil(kills / size)):
        if total.kills.total() >= kills:
            break
        batch = batch_of(seed, first + number * size, size)
        total.add(_play(ground, batch, statistics.median(total.life_s[-MEASURED_FIRST:])))
    total.violations += check_nothing_is_left_to_reap(ground)
    total.machines = sum(1 for _ in ground.machines_ever())
    return total


def _first_lives(ground: Ground, seed: int) -> list[float]:
    """How long undisturbed lives take before anything else is done."""
    batch = Batch(
        account=f"kills-{seed}-first",
        plan="on-demand",
        lives=tuple(
            Life(f"kills-{seed}-first-{number}", REGIONS, (TO_ITS_END,))
            for number in range(MEASURED_FIRST)
        ),
        serves=(),
    )
    ground.engine.open_account(batch.account)
    with ThreadPoolExecutor(MEASURED_FIRST) as lanes:
        reports = lanes.map(lambda life: _live(ground, batch, life, PATIENCE_S), batch.lives)
        return [life_s for report in reports for life_s in report.life_s]


def _play(ground: Ground, batch: Batch, life_s: float) -> Report:
    ground.engine.open_account(batch.account, plan=batch.plan)
    report = Report()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as lanes:
        for lived in lanes.map(lambda life: _live(ground, batch, life, life_s), batch.lives):
            report.add(lived)
    report.add(_finish(ground, batch, life_s))
    outcomes, violations = check_batch(ground, batch)
    report.runs += outcomes
    report.violations += violations
    return report


def _live(ground: Ground, batch: Batch, life: Life, life_s: float) -> Report:
    """One life as far as its own processes bring it."""
    report = Report()
    log = ground.log(life.request_id)
    for number, part in enumerate(life.kills):
        began_s = time.monotonic()
        process = ground.run(batch.account, life.request_id, life.regions, log)
        interrupted = False
        if number == 0 and life.interrupt is not None and _lives(process, life.interrupt * life_s):
            process.send_signal(signal.SIGINT)
            interrupted = True
            report.interrupts += 1
        left_s = part * life_s - (time.monotonic() - began_s)
        if _kill_after(process, min(left_s, PATIENCE_S)):
            if part == TO_ITS_END:
                report.violations.append(f"{life.request_id}: did not end in {PATIENCE_S:.0f} s")
            report.kills[f"run: {ground.phase(batch.account, life.request_id)}"] += 1
            continue
        if part == TO_ITS_END:
            report.life_s.append(time.monotonic() - began_s)
        else:
            report.escaped += 1
        if not interrupted:
            report.violations += _complaints(life.request_id, process, log)
            break
    return report


def _finish(ground: Ground, batch: Batch, life_s: float) -> Report:
    """``loadmuster serve`` finishes what is open, and is killed before it has."""
    report = Report()
    for number, part in enumerate([*batch.serves, TO_ITS_END]):
        name = f"{batch.account}-serve-{number}"
        process = ground.start("serve", "--until-idle", "--reap-every", "0", log=ground.log(name))
        if _kill_after(process, min(part * life_s, PATIENCE_S)):
            open_runs = len(ground.engine.store.list(open_only=True))
            report.kills[f"serve: {'runs' if open_runs else 'no run'} open"] += 1
            if part == TO_ITS_END:
                report.violations.append(f"{name}: did not end in {PATIENCE_S:.0f} s")
        else:
            report.escaped += part != TO_ITS_END
            report.violations += _complaints(name, process, ground.log(name))
    return report


def _lives(process: subprocess.Popen[bytes], for_s: float) -> bool:
    """Whether it has not ended after so long."""
    try:
        process.wait(timeout=max(0.0, for_s))
    except subprocess.TimeoutExpired:
        return True
    return False


def _kill_after(process: subprocess.Popen[bytes], wait_s: float) -> bool:
    """Whether SIGKILL after so long hit a living process; none is left either way."""
    if not _lives(process, wait_s):
        return False
    process.kill()
    return process.wait() == -signal.SIGKILL


def _complaints(name: str, process: subprocess.Popen[bytes], log: Path) -> list[str]:
    """What a process that nobody disturbed said of itself that it should not have to."""
    said = log.read_text(encoding="utf-8", errors="replace")
    if process.returncode == 0 and "Traceback" not in said and "left alone for" not in said:
        return []
    return [f"{name}: ended with {process.returncode}: {' '.join(said[-500:].split())}"]
