"""``account notice``: subscribers are told that their plan will be as it is sold by now."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import click

from kernel.words import counted
from loadmuster.cli.output import tell
from loadmuster.cli.report_options import day_of
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.account import notice_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from kernel.errors import LoadmusterError
    from pricing.accounts.notices import NoticeGiven
    from pricing.plans.model import Plan


@click.command("notice", cls=Command)
@click.argument("plan_name", metavar="PLAN")
@click.option(
    "--from",
    "first",
    metavar="DATE",
    help="No billing date before is taken; default, and least: 30 days from now.",
)
@pass_settings
def notice(settings: Settings, plan_name: str, first: str | None) -> None:
    """Tell who has PLAN at earlier terms that it will be as it is sold by now.

    Without a notice a subscriber keeps what was bought. It takes effect on the first billing date
    that is 30 days away; `account show` and `account offers` tell it until then. Sending it again
    changes nothing. An account that could not be told is named on standard error.
    """
    from pricing.plans.on_sale import find_plan

    engine = settings.engine()
    from_day = None if first is None else datetime.combine(day_of(first, "--from"), time(), UTC)
    failures: list[LoadmusterError] = []
    given = engine.accounts.notice(plan_name, first=from_day, watch=failures.append)
    plan = find_plan(plan_name, settings.plans_file(), at=engine.clock.now().date())
    settings.emit(notice_document(plan, given), lambda console: _show(console, plan, given))
    for error in failures:
        tell(error.line)
    sys.exit(max((error.exit_code for error in failures), default=0))


def _show(console: Console, plan: Plan, given: Sequence[NoticeGiven]) -> None:
    from loadmuster.cli.layout import columns
    from pricing.money import format_usd

    if not given:
        console.print(f"Nobody has {plan.name} at earlier terms.")
        return
    table = columns(
        *("account", "from", "USD a month", "will be", ""),
        right=("USD a month", "will be"),
        fixed=("account", "from"),
    )
    for each in given:
        notes = [] if each.is_new else ["told before"]
        if each.above_grant_li_minutes:
            above = counted(each.above_grant_li_minutes, "LI-minute")
            notes.append(f"its departments have {above} more than the new grant")
        table.add_row(
            each.account_id,
            f"{each.at:%Y-%m-%d}",
            format_usd(each.usd_micros_before),
            format_usd(each.usd_micros),
            "; ".join(notes),
        )
    console.print(table)
