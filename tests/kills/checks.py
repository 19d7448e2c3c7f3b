"""What must hold once nothing is open: in the cloud, of every run, and of the books."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from engine.runs.model.states import Outcome, Run
from pricing.ledger.invoices import run_cause
from pricing.plans.quotes import Unit
from tests.kills.ground import Ground
from tests.kills.plans import TO_ITS_END, Batch, Life
from tests.patience import PATIENCE_S
from tests.run_simulator.invariants import check_run

NEVER_ACCEPTED = "never accepted"
LATE = ("not launched within", "no load within")
"""Why a run may fail whose next controller comes after its deadline, on a machine that is busy."""


def check_batch(ground: Ground, batch: Batch) -> tuple[Counter[str], list[str]]:
    """How the runs of a batch ended, and what does not hold of them, one line each."""
    outcomes: Counter[str] = Counter()
    violations: list[str] = []
    causes = set()
    ever = Counter(run_id for run_id, _ in ground.machines_ever())
    for life in batch.lives:
        run = ground.recorded(batch.account, life.request_id)
        outcomes[NEVER_ACCEPTED if run is None else str(run.outcome or run.state)] += 1
        if run is not None:
            causes.add(run_cause(run.id))
        found = _check_life(ground, life, run, ever)
        violations += [f"{life.request_id}: {each}" for each in found]
    strange = {each.cause for each in ground.engine.reports.ledger(batch.account)} - causes
    violations += [
        f"{batch.account}: {cause} is in the books and not on record"
        for cause in sorted(strange)
        if cause.startswith("run:")
    ]
    left = Counter(run_id for run_id, is_there in ground.machines_ever() if is_there)
    violations += [
        f"{number} machines left of {run_id or 'nobody'}" for run_id, number in left.items()
    ]
    return outcomes, violations


def check_nothing_is_left_to_reap(ground: Ground) -> list[str]:
    """Ask ``loadmuster reap``, as an operator would."""
    log = ground.log("reap")
    command = ground.start("reap", "--json", "--older-than", "0", log=log)
    command.lives_for(PATIENCE_S)
    said = log.read_text(encoding="utf-8")
    if command.code != 0:
        return [f"reap ended with {command.code}: {said}"]
    return [f"reap finds {orphans}" for orphans in json.loads(said)["orphans"]]


def _check_life(
    ground: Ground, life: Life, run: Run | None, machines_ever: Counter[str]
) -> Iterator[str]:
    """What does not hold of one life; ``machines_ever`` by run."""
    left_alone = TO_ITS_END in life.kills
    if run is None:
        if left_alone:
            yield "is not on record, though nobody disturbed the process"
        return
    yield from check_run(ground.engine, run)
    if not _may_end_so(life, run):
        yield f"is {run.outcome or run.state}: {run.reason}"
    if machines_ever[run.id] > run.machines_planned:
        yield f"launched {machines_ever[run.id]} machines for {run.machines_planned}"
    if run.outcome is Outcome.COMPLETED:
        yield from _check_completed(ground, run, machines_ever)


def _may_end_so(life: Life, run: Run) -> bool:
    match run.outcome:
        case Outcome.COMPLETED:
            return True
        case Outcome.CANCELLED:
            return life.interrupt is not None
        case Outcome.FAILED:
            return TO_ITS_END not in life.kills[:1] and run.reason.startswith(LATE)
        case Outcome.STOPPED | None:
            return False


def _check_completed(ground: Ground, run: Run, machines_ever: Counter[str]) -> Iterator[str]:
    if machines_ever[run.id] != run.machines_planned:
        yield f"completed with {machines_ever[run.id]} of {run.machines_planned} machines"
    bill = ground.engine.runs.show(run.id).bill
    quote = run.order.quote
    if bill is None or bill.total != quote.total:
        yield f"completed and is billed {bill} of {quote.total}"
    invoices = [
        each.usd_micros
        for each in ground.engine.reports.invoices(run.order.account_id)
        if each.cause == run_cause(run.id)
    ]
    if invoices != ([quote.total] if quote.unit is Unit.USD else []):
        yield f"completed and has the invoices {invoices}"
