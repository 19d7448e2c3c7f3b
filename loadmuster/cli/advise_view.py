"""Advice as people read it: the plans side by side, and their costs as curves."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kernel.words import counted
from loadmuster.cli.curves import CurveLine, Curves, Mark, draw
from loadmuster.cli.layout import columns, section
from pricing.money import MICROS_PER_USD, format_usd
from pricing.reports.advisor import Advice, PlanCost, curve, monthly_cost
from pricing.reports.break_even import RunRange

POINTS_MAX = 400
RANGES_SHOWN = 3
CURVES_MAX = 3
"""The cheapest plans; more letters would hide each other."""


def show_advice(console: Console, advice: Advice) -> None:
    """The answer in a sentence, the plans, the curves."""
    need = advice.need
    section(
        console,
        f"{counted(need.runs, 'run')} a month of {counted(need.li_minutes, 'LI-minute')}",
        Text(_answer(advice)),
        _plans(advice),
        Text("cheaper at: numbers of runs a month for which it costs less than on demand", "dim"),
    )
    section(
        console, "USD a month by the number of runs", draw(break_even_chart(advice), console.width)
    )


def break_even_chart(advice: Advice) -> Curves:
    """What a month costs on the cheapest plans, by the number of runs, with the break-evens."""
    runs_most = _runs_most(advice)
    need = advice.need
    lines, marks = [], []
    for cost in _drawn(advice):
        points = curve(advice, cost, runs_most, points_most=POINTS_MAX)
        lines.append(
            CurveLine(
                cost.plan.name,
                [(runs, usd_micros / MICROS_PER_USD) for runs, usd_micros in points],
            )
        )
        marks += [
            _break_even_mark(advice, cost, each)
            for each in cost.cheaper_for
            if each.first <= runs_most
        ]
    return Curves(
        title=f"A month of runs of {counted(need.li_minutes, 'LI-minute')}",
        x_label="runs a month",
        y_label="USD a month",
        lines=tuple(lines),
        marks=tuple(marks),
        here=need.runs,
        here_text=counted(need.runs, "run"),
    )


def _break_even_mark(advice: Advice, cost: PlanCost, runs: RunRange) -> Mark:
    usd_micros = monthly_cost(cost.plan, advice.need.li_minutes, runs.first, advice.run_usd_micros)
    assert usd_micros is not None, cost.plan.name
    return Mark(
        line=cost.plan.name,
        x=runs.first,
        y=usd_micros / MICROS_PER_USD,
        text=f"costs less than on demand {_in_words(runs)}",
    )


def _drawn(advice: Advice) -> Sequence[PlanCost]:
    """On demand and what can be compared with it: curves of plans that do not fit say nothing."""
    return [cost for cost in advice.costs if cost.usd_micros is not None][:CURVES_MAX]


def _runs_most(advice: Advice) -> int:
    """Twice the runs that were asked about, or well beyond the last break-even."""
    last = max((cost.break_even_runs or 0 for cost in _drawn(advice)), default=0)
    return max(2 * advice.need.runs, last + last // 2)


def _answer(advice: Advice) -> str:
    cheapest = advice.cheapest
    if cheapest is None or cheapest.usd_micros is None:
        return "No plan has room for that."
    answer = f"{cheapest.plan.name} costs least: {format_usd(cheapest.usd_micros)} USD a month."
    if advice.runs_left is not None:
        answer += f"\nThe credits that are left allow {counted(advice.runs_left, 'such run')}."
    return answer


def _plans(advice: Advice) -> Table:
    figures = ("USD a month", "boosts", "runs included", "cheaper at")
    table = columns("", "plan", *figures, "note", right=figures, fixed=("", "plan"))
    letters = iter(ascii_lowercase)
    for cost in advice.costs:
        table.add_row(
            next(letters) if cost in _drawn(advice) else "",
            cost.plan.name,
            "" if cost.usd_micros is None else format_usd(cost.usd_micros),
            f"{cost.boosts:,}" if cost.boosts else "",
            "" if cost.runs_included is None else f"{cost.runs_included:,}",
            _break_even(cost),
            cost.why_not or ("example figures" if cost.plan.examples else ""),
        )
    return table


def _break_even(cost: PlanCost) -> str | Text:
    if not cost.plan.is_subscription:
        return ""
    ranges = [_numbers(each) for each in cost.cheaper_for[:RANGES_SHOWN]]
    more = ["..."] if len(cost.cheaper_for) > RANGES_SHOWN else []
    return Text("\n").join(map(Text, [*ranges, *more])) if ranges else "never"


def _numbers(runs: RunRange) -> str:
    if runs.first == runs.last:
        return f"{runs.first:,}"
    return f"{runs.first:,} on" if runs.last is None else f"{runs.first:,} to {runs.last:,}"


def _in_words(runs: RunRange) -> str:
    if runs.first == runs.last:
        return f"at {counted(runs.first, 'run')}"
    if runs.last is None:
        return f"from {counted(runs.first, 'run')} on"
    return f"from {runs.first:,} to {counted(runs.last, 'run')}"
