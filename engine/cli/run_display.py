"""How runs look: live while they go on, and as tables afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.load.driver import Progress
from engine.runs.decide import Observed
from engine.runs.states import Outcome, Run, RunState
from engine.runs.view import RunView
from pricing.charges import Bill
from pricing.money import format_cents
from pricing.quotes import Quote, Unit, kept_use_after_cancel

PLAIN_EVERY_S = 5.0
OUTCOME_STYLE = {Outcome.COMPLETED: "green", Outcome.CANCELLED: "yellow", Outcome.FAILED: "red"}
STATE_WORDS = {
    RunState.ACCEPTED: "accepted",
    RunState.LAUNCHING: "launching the injectors",
    RunState.STARTING: "injectors getting ready",
    RunState.RUNNING: "load flows",
    RunState.RELEASING: "releasing the machines",
    RunState.ENDED: "ended",
}


def amount(unit: Unit, value: int) -> str:
    """An amount with its unit, for people."""
    return f"{format_cents(value)} USD" if unit is Unit.USD else f"{value:,} LI-minutes"


def charged_so_far(quote: Quote, run: Run, progress: Progress | None) -> str:
    """What would stay charged if the run were cancelled now, and the whole quote."""
    if run.intent_at is None:
        return f"nothing yet, quoted {amount(quote.unit, quote.total)}"
    played_s = 0.0 if progress is None else min(progress.elapsed_s, float(quote.duration_s))
    kept = quote.startup + kept_use_after_cancel(quote, played_s)
    return f"{amount(quote.unit, kept)} so far, {amount(quote.unit, quote.total)} in full"


class LiveProgress:
    """Draws the run in place on a terminal; elsewhere prints a line when something changed."""

    def __init__(self, console: Console, run: Run) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._on_terminal = console.is_terminal
        self._last_state: RunState | None = None
        self._last_line_s = 0.0
        self._say(f"Run {run.id} on {run.order.provider}{_rehearsal_note(run)}")

    def __enter__(self) -> Self:
        if self._on_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._on_terminal:
            self._live.stop()

    def update(self, run: Run, observed: Observed) -> None:
        """Show what the controller just saw."""
        if self._on_terminal:
            self._live.update(_panel(run, observed))
            return
        progress = observed.progress
        elapsed_s = 0.0 if progress is None else progress.elapsed_s
        due = elapsed_s - self._last_line_s >= PLAIN_EVERY_S * run.order.time_scale
        if run.state is not self._last_state or due:
            self._last_state, self._last_line_s = run.state, elapsed_s
            self._say(_plain_line(run, observed))

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False)


def _rehearsal_note(run: Run) -> str:
    if not run.order.rehearsal:
        return ""
    return (
        " (rehearsal: no machine is real, no load is put on anything; "
        f"{run.order.time_scale:g} test seconds a second)"
    )


def _plain_line(run: Run, observed: Observed) -> str:
    words = "cancelling" if run.cancel_at and not run.ended else STATE_WORDS[run.state]
    parts = [words, f"{len(observed.machines)} machines"]
    if (progress := observed.progress) is not None and run.state is RunState.RUNNING:
        parts += [_users(progress), _requests(progress)]
    parts.append(charged_so_far(run.order.quote, run, observed.progress))
    return "  ".join(parts)


def _users(progress: Progress) -> str:
    return f"{progress.users:,} users"


def _requests(progress: Progress) -> str:
    failed = f", {progress.failures:,} failed" if progress.failures else ""
    return f"{progress.requests_per_s:,.0f} requests/s ({progress.requests:,} so far{failed})"


def _panel(run: Run, observed: Observed) -> RenderableType:
    planned_s = run.order.scenario.profile.duration_s
    progress = observed.progress
    elapsed_s = 0.0 if progress is None else min(progress.elapsed_s, planned_s)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=9)
    table.add_column()
    state = "cancelling" if run.cancel_at and not run.ended else STATE_WORDS[run.state]
    table.add_row("state", Text(state, style="bold"))
    table.add_row("machines", f"{len(observed.machines)} of {run.order.machines_wanted}")
    table.add_row(
        "time",
        Group(
            ProgressBar(total=planned_s, completed=elapsed_s, width=40),
            Text(f"{elapsed_s:,.0f} of {planned_s:,.0f} s"),
        ),
    )
    if progress is not None:
        table.add_row("users", f"{progress.users:,}")
        table.add_row("requests", _requests(progress))
    table.add_row("charged", charged_so_far(run.order.quote, run, progress))
    return table


def show_quote(console: Console, scenario_name: str, quote: Quote, machines: str) -> None:
    """What a run will take and cost, before it starts."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("test", Text(scenario_name, style="bold"))
    table.add_row("takes", f"{quote.injectors} injectors, {quote.li_minutes:,} LI-minutes")
    table.add_row("machines", machines)
    table.add_row("price", amount(quote.unit, quote.total))
    table.add_row(
        "if cancelled", f"at least the start-up cost, {amount(quote.unit, quote.startup)}"
    )
    console.print(table)


def show_runs(console: Console, runs: Sequence[Run]) -> None:
    """One row a run."""
    if not runs:
        console.print("No runs yet: `loadmuster run SOURCE --account ID` starts one.")
        return
    table = Table(box=None, header_style="bold")
    for name in ("run", "account", "test", "on", "state", "outcome", "accepted"):
        table.add_column(name)
    for run in runs:
        where = run.order.provider + (" (rehearsal)" if run.order.rehearsal else "")
        table.add_row(
            run.id,
            run.order.account_id,
            run.order.scenario.name,
            where,
            run.state.value,
            _outcome(run),
            run.order.accepted_at.strftime("%Y-%m-%d %H:%M"),
        )
    console.print(table)


def _outcome(run: Run) -> Text:
    if run.outcome is None:
        return Text("")
    return Text(run.outcome.value, style=OUTCOME_STYLE[run.outcome])


def show_run(console: Console, view: RunView) -> None:
    """Everything about one run."""
    run = view.run
    headline = Text.assemble(
        (run.id, "bold"), "  ", run.order.scenario.name, "  ", run.state.value, "  ", _outcome(run)
    )
    console.print(headline)
    if run.reason:
        console.print(f"  {run.reason}")
    if run.order.rehearsal:
        console.print("  rehearsal: no machine was real and no load was put on anything")
    console.print()
    _show_timeline(console, view)
    _show_machines(console, run)
    if run.result is not None:
        _show_result(console, run)
    if view.bill is not None:
        _show_bill(console, view.bill)


def _show_timeline(console: Console, view: RunView) -> None:
    table = Table(title="Timeline", title_justify="left", box=None, show_header=False)
    start = view.timeline[0].at if view.timeline else None
    for event in view.timeline:
        assert start is not None, "the first event starts the timeline"
        after_s = (event.at - start).total_seconds()
        table.add_row(event.at.strftime("%H:%M:%S"), f"+{after_s:.1f} s", event.name, event.detail)
    console.print(table)


def _show_machines(console: Console, run: Run) -> None:
    if not run.machines:
        console.print("Machines: none was launched\n")
        return
    state = "proven gone" if run.ended else "not yet proven gone"
    console.print(f"\nMachines: {len(run.machines)}, {state}")
    for machine in run.machines[:5]:
        console.print(f"  {machine.machine_id}  {machine.machine_type}  {machine.region}")
    if len(run.machines) > len(run.machines[:5]):
        console.print(f"  and {len(run.machines) - 5} more")
    console.print()


def _show_result(console: Console, run: Run) -> None:
    assert run.result is not None, "there is a result to show"
    result = run.result
    if not result["valid"]:
        console.print(Text("Result: not valid", style="bold red"))
        for reason in result["invalid_reasons"]:
            console.print(f"  {reason}")
    table = Table(title="Result", title_justify="left", box=None)
    for name in ("requests", "failures", "requests/s", "p50 ms", "p95 ms", "p99 ms", "peak users"):
        table.add_column(name, justify="right")
    keys = ("requests", "failures", "requests_per_s", "p50_ms", "p95_ms", "p99_ms", "peak_users")
    table.add_row(*(_cell(result[key]) for key in keys))
    console.print(table)
    console.print()


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _show_bill(console: Console, bill: Bill) -> None:
    table = Table(title="Bill", title_justify="left", box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("start-up", amount(bill.unit, bill.startup))
    use = "use, after correction" if bill.corrected else "use"
    table.add_row(use, amount(bill.unit, bill.use))
    table.add_row(Text("total", style="bold"), Text(amount(bill.unit, bill.total), style="bold"))
    console.print(table)
    console.print(
        f"  cancellation policy {bill.policy.value}, tariff version {bill.tariff_version}"
    )
