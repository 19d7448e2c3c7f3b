"""From how many runs a month a subscription costs less than paying by the run, and until when.

Pure. On demand the cost rises run by run; a subscription's stays as it is until its LI-minutes are
used up, and then jumps by a boost (R77). So a plan that costs less from 67 runs on may cost more
again from 91 on, until its second grant has paid off as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from pricing.plans.model import Plan
from pricing.plans.quotes import runs_within

GRANTS_MAX = 1_000
"""Grants of one month, boosts included, that are looked at: no end within them is none for long."""


class RunRange(Struct, frozen=True):
    """Numbers of runs a month.

    Attributes:
        first: The least of them.
        last: The most; None: all from the first on, or more than ``GRANTS_MAX`` grants are for.
    """

    first: int
    last: int | None


def cheaper_ranges(plan: Plan, li_minutes: int, run_usd_micros: int) -> tuple[RunRange, ...]:
    """The numbers of runs a month for which a plan costs less than on demand, ascending.

    Args:
        plan: A subscription.
        li_minutes: Of one run.
        run_usd_micros: Of one run on demand.
    """
    if not run_usd_micros:
        return ()
    grants = GRANTS_MAX if plan.boosts else 1
    found: list[RunRange] = []
    for first, last in _by_grant(plan, li_minutes, run_usd_micros, grants):
        if found and found[-1].last == first - 1:
            found[-1] = RunRange(found[-1].first, last)
        else:
            found.append(RunRange(first, last))
    most = runs_within(grants * plan.li_minutes, li_minutes)
    if plan.boosts and found and found[-1].last == most:
        found[-1] = RunRange(found[-1].first, None)
    return tuple(found)


def _by_grant(
    plan: Plan, li_minutes: int, run_usd_micros: int, grants: int
) -> Iterator[tuple[int, int]]:
    """Of the runs for which so many grants are needed and enough, those that cost less."""
    fit_with_fewer = 0
    for boosts in range(grants):
        fit = runs_within((boosts + 1) * plan.li_minutes, li_minutes)
        cost = plan.monthly_usd_micros + boosts * plan.price_of_boost_usd_micros
        first = max(cost // run_usd_micros, fit_with_fewer) + 1
        if first <= fit:
            yield first, fit
        fit_with_fewer = fit
