"""``advise``: the cheapest plan for a number of runs, break-even, and the runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from pricing.reports.advisor import Advice, PlanCost


@click.command(cls=Command)
@click.argument("account_id", metavar="[ID]", required=False)
@click.option("--li-minutes", type=int, metavar="N", help="LI-minutes of one run.")
@click.option("--runs", type=int, metavar="N", help="Runs in a month.")
@click.option("--users", type=int, metavar="N", help="Users of one run; they count on demand.")
@pass_settings
def advise(
    settings: Settings,
    account_id: str | None,
    li_minutes: int | None,
    runs: int | None,
    users: int | None,
) -> None:
    """Say which plan costs least for so many runs a month.

    With the account ID, what is not given is what its runs of the last 30 days show, and the
    answer says how many such runs its credits have room for.
    """
    engine = settings.engine()
    advice = engine.reports.advise(account_id, li_minutes=li_minutes, runs=runs, users=users)
    if settings.json:
        settings.emit(advice_document(advice), lambda _: None)
    else:
        from loadmuster.cli.advise_view import show_advice

        settings.emit({}, lambda console: show_advice(console, advice))


def advice_document(advice: Advice) -> dict[str, Any]:
    """Advice as ``advise --json`` prints it."""
    from pricing.money import format_usd

    run_usd_micros = advice.run_usd_micros
    return {
        "need": {
            "li_minutes": advice.need.li_minutes,
            "runs": advice.need.runs,
            "users": advice.need.users,
        },
        "cheapest": None if advice.cheapest is None else advice.cheapest.plan.name,
        "run_usd": None if run_usd_micros is None else format_usd(run_usd_micros),
        "plans": [_cost_row(cost) for cost in advice.costs],
        "runs_left": advice.runs_left,
    }


def _cost_row(cost: PlanCost) -> dict[str, Any]:
    from pricing.money import format_usd

    return {
        "plan": cost.plan.name,
        "usd": None if cost.usd_micros is None else format_usd(cost.usd_micros),
        "monthly_usd": format_usd(cost.plan.monthly_usd_micros),
        "li_minutes": cost.plan.li_minutes,
        "boosts": cost.boosts,
        "runs_included": cost.runs_included,
        "break_even_runs": cost.break_even_runs,
        "why_not": cost.why_not,
        "example_figures": list(cost.plan.examples),
    }
