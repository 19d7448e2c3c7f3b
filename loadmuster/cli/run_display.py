"""How runs look: before they start, in a list, and one with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Console, RenderableType
from rich.text import Text

from engine.runs.model.states import Outcome, Run
from engine.runs.view import RunView, amount
from kernel.words import counted
from loadmuster.cli.layout import columns, facts, section
from loadmuster.cli.result_view import result_parts
from loadmuster.cli.run_panel import progress_rows
from loadmuster.documents.run import SPOT_WARNING, came_too_late
from pricing.ledger.reservations import FundingSource
from pricing.money import format_cents
from pricing.payments.gateway import REHEARSED_NOTE
from pricing.plans.quotes import Unit
from pricing.run_charges.bill import Bill
from pricing.run_charges.funding import Funding

MACHINES_SHOWN = 5
OUTCOME_STYLE = {
    Outcome.COMPLETED: "green",
    Outcome.CANCELLED: "yellow",
    Outcome.FAILED: "red",
    Outcome.STOPPED: "red",
}
USE_AFTER = {
    Outcome.CANCELLED: "use, after the cancel",
    Outcome.FAILED: "use, after the failure",
    Outcome.STOPPED: "use, after the stop",
}
"""What is left of a bill's use, by what ended the run before its load was over."""


def show_quote(
    console: Console,
    test: str,
    payment: Funding,
    machines: str,
    *,
    rehearsal: bool,
    payments_rehearsed: bool,
) -> None:
    """What a run will take and cost, and who pays, before it starts.

    Args:
        console: Where.
        test: Its name.
        payment: Who pays for the run, or would.
        machines: In words.
        rehearsal: Nothing of it will be charged.
        payments_rehearsed: The payment gateway collects nothing.
    """
    quote = payment.quote
    costs_money = quote.unit is Unit.USD or payment.extra_usd_micros > 0
    note = (("payment", REHEARSED_NOTE),) if payments_rehearsed and costs_money else ()
    section(
        console,
        test,
        facts(
            (
                "takes",
                f"{counted(quote.injectors, 'injector')}, {counted(quote.li_minutes, 'LI-minute')}",
            ),
            ("machines", machines),
            (
                "price",
                Text.assemble(
                    (amount(quote.unit, quote.total), "bold"),
                    ", rehearsed: nothing will be charged" if rehearsal else "",
                ),
            ),
            ("would be paid from" if rehearsal else "paid from", _funding_source(payment)),
            *note,
            ("if cancelled", f"the start-up cost at least: {amount(quote.unit, quote.startup)}"),
        ),
    )


def _funding_source(payment: Funding) -> str:
    """What pays for a run, in words."""
    department = "" if payment.department is None else payment.department.name
    match payment.funding_source:
        case FundingSource.ACCOUNT_CREDITS if payment.extra_li_minutes:
            return (
                f"the account's credits, {payment.extra_li_minutes:,} of them extra credits for"
                f" {format_cents(payment.extra_usd_micros)} USD"
            )
        case FundingSource.ACCOUNT_CREDITS:
            return "the account's credits"
        case FundingSource.DEPARTMENT_CREDITS:
            return f"the credits of department {department}"
        case FundingSource.WALLET:
            return f"the wallet of department {department}, on demand"
        case FundingSource.ON_DEMAND:
            return "the account, on demand"


def show_runs(console: Console, runs: Sequence[Run], unattended: Mapping[str, datetime]) -> None:
    """One row a run, and a line for those that nobody drives."""
    if not runs:
        console.print("No runs yet: `loadmuster run SOURCE --account ID` starts one.")
        return
    table = columns(
        *("run", "accepted", "account", "test", "on", "state", "outcome"),
        fixed=("run", "state", "outcome"),
    )
    for run in runs:
        where = run.order.provider + (" rehearsed" if run.order.rehearsal else "")
        table.add_row(
            run.id,
            f"{run.order.accepted_at:%Y-%m-%d %H:%M}",
            run.order.account_id,
            run.order.scenario.name,
            where,
            run.state.value,
            _outcome(run),
        )
    console.print(table)
    for run in runs:
        if run.id in unattended:
            console.print(unattended_note(run.id, unattended[run.id]))


def unattended_note(run_id: str, since: datetime) -> str:
    """That nobody drives a run, and what can be done."""
    return (
        f"{run_id}: no controller has driven it since {since:%Y-%m-%d %H:%M:%S};"
        f" `loadmuster serve` goes on with it, `loadmuster cancel {run_id}` ends it"
    )


def queued_note(run_id: str) -> str:
    """That a run waits, also where the same is asked for again without ``--queue``."""
    return f"{run_id}: queued, and stays so until a `loadmuster serve` begins it"


def detached_note(run_id: str) -> str:
    """Who drives a run that was detached, and how to see it."""
    return f"{run_id}: a process of its own goes on; watch it with `loadmuster watch {run_id}`"


def show_cancelled(console: Console, view: RunView, *, is_over: bool) -> None:
    """A run that was to be cancelled, and whether it was."""
    if came_too_late(view.run):
        when = "had ended before" if is_over else "came to its own end before"
        console.print(
            f"{view.run.id} {when} it could be cancelled; the cancel came too late and has changed"
            " nothing."
        )
    show_run(console, view)


def show_run(console: Console, view: RunView) -> None:
    """Everything about one run."""
    run = view.run
    console.print(
        Text.assemble(
            (run.id, "bold"),
            f"  {run.order.scenario.name} on {run.order.provider}  {run.state.value}  ",
            _outcome(run),
        )
    )
    if run.reason:
        console.print(run.reason)
    if view.unattended_since is not None:
        console.print(unattended_note(run.id, view.unattended_since))
    if run.order.rehearsal:
        load = "the load was" if run.order.puts_load else "no load was put on anything"
        charged = ", nothing was charged" if view.bill is not None and view.bill.rehearsed else ""
        console.print(f"A rehearsal: no machine was real, {load}{charged}.")
    if view.real_run_refused_because is not None:
        console.print(f"A real run would be refused: {view.real_run_refused_because}")
    if run.last_seen is not None and not run.ended:
        at = f"{run.last_seen.at:%Y-%m-%d %H:%M:%S}"
        section(console, "Progress", facts(("seen at", at), *progress_rows(run, run.last_seen)))
    section(console, "Timeline", _timeline(view))
    section(console, "Machines", _machines(run))
    if run.result is not None:
        said = (SPOT_WARNING,) if run.order.spot else ()
        warnings = (*run.result.warnings, *said)
        parts = result_parts(run.result, warnings, view.left_out_because)
        section(console, "Result", *parts)
    if view.bill is not None:
        title = "Bill, rehearsed" if view.bill.rehearsed else "Bill"
        section(console, title, *_bill(view.bill, run.outcome))


def _outcome(run: Run) -> Text:
    if run.outcome is None:
        return Text("")
    return Text(run.outcome.value, style=OUTCOME_STYLE[run.outcome])


def _timeline(view: RunView) -> RenderableType:
    table = columns("at", "after", "what", "", right=("after",), fixed=("at", "what"))
    for event in view.timeline:
        after_s = (event.at - view.run.order.accepted_at).total_seconds()
        table.add_row(f"{event.at:%H:%M:%S}", f"{after_s:.1f} s", event.name, event.detail)
    return table


def _machines(run: Run) -> RenderableType:
    if not run.machines:
        return "none was launched"
    state = "proven gone" if run.ended else "not yet proven gone"
    kind = "spot machine" if run.order.spot else "machine"
    lines = [f"{counted(len(run.machines), kind)}, {state}"]
    lines += [
        f"{each.machine_id}  {each.machine_type}  {each.region}"
        for each in run.machines[:MACHINES_SHOWN]
    ]
    if len(run.machines) > MACHINES_SHOWN:
        lines.append(f"and {len(run.machines) - MACHINES_SHOWN:,} more")
    return "\n".join(lines)


def _bill(bill: Bill, outcome: Outcome | None) -> list[RenderableType]:
    charged = "would be charged" if bill.rehearsed else "charged"
    table = columns("", charged, right=(charged,))
    table.add_row("start-up", amount(bill.unit, bill.startup))
    use = USE_AFTER.get(outcome, "use") if bill.corrected and outcome is not None else "use"
    table.add_row(use, amount(bill.unit, bill.use))
    table.add_row(Text("total", style="bold"), Text(amount(bill.unit, bill.total), style="bold"))
    if bill.extra_usd_micros:
        table.add_row("for extra credits", f"{format_cents(bill.extra_usd_micros)} USD")
    policy = f"policy {bill.policy.value}, tariff of {bill.tariff_version}"
    return [table, Text(policy, style="dim")]
