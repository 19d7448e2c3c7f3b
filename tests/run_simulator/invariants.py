"""What must hold of a run that has ended, whatever happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.api import Engine
from engine.runs.model.states import Outcome, Run
from pricing.ledger.invoices import run_cause
from pricing.plans.quotes import Unit

ENTRIES = {"start", "correction", "payment", "credit", "set-off", "excess"}
"""What a run may leave in the books, each at most once."""


def check_run(engine: Engine, run: Run) -> Iterator[str]:
    """What does not hold of a run that was charged, one line each."""
    yield from check_end(engine, run)
    if run.ended:
        yield from _check_books(engine, run, charged=run.intent_at is not None)
        bill = engine.runs.show(run.id).bill
        if bill is not None and bill.rehearsed:
            yield "has the bill of a rehearsal"


def check_end(engine: Engine, run: Run) -> Iterator[str]:
    """What does not hold of its life and of its bill, of a rehearsal too."""
    if not run.ended:
        yield "has not ended"
        return
    view = engine.runs.show(run.id)
    names = [event.name for event in view.timeline]
    yield from _once(names, "accepted")
    if names[-1] != str(run.outcome):
        yield f"its timeline ends with {names[-1]}"
    if sum(name in {str(each) for each in Outcome} for name in names) != 1:
        yield "ended more than once"
    charged = run.intent_at is not None
    if names.count("charged") != charged:
        yield f"was charged {names.count('charged')} times"
    if (view.bill is not None) != charged:
        yield f"bill: {view.bill}"
    if view.bill is not None and not 0 <= view.bill.total <= run.order.quote.total:
        yield f"is billed {view.bill.total} of {run.order.quote.total}"
    if run.outcome is Outcome.COMPLETED and view.bill is not None and view.bill.corrected:
        yield "completed and was corrected"


def _once(names: list[str], name: str) -> Iterator[str]:
    if names.count(name) != 1:
        yield f"{name} {names.count(name)} times"


def _check_books(engine: Engine, run: Run, *, charged: bool) -> Iterator[str]:
    account = run.order.account_id
    transactions = engine.reports.ledger(account)
    sums: Counter[Unit] = Counter()
    for posting in [posting for each in transactions for posting in each.postings]:
        sums[posting.unit] += posting.amount
    if any(sums.values()):
        yield f"unbalanced books: {dict(sums)}"
    own = [each for each in transactions if each.cause == run_cause(run.id)]
    keys = [each.natural_key for each in own]
    starts = sum(key.endswith(":start") for key in keys)
    if starts != charged:
        yield f"has {starts} start charges"
    if len(keys) != len(set(keys)) or not {key.rpartition(":")[2] for key in keys} <= ENTRIES:
        yield f"has entries {keys}"
    invoices = [
        each for each in engine.reports.invoices(account) if each.cause == run_cause(run.id)
    ]
    if len(invoices) > 1:
        yield f"has {len(invoices)} invoices"
    view = engine.accounts.show(account)
    if view.balance_li_minutes < 0 or view.reserved_li_minutes:
        yield f"leaves {view.reserved_li_minutes} reserved of {view.balance_li_minutes}"
