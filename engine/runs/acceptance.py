"""From an estimate to an order: the quote, the machines, and the refusals that come first."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import fields

from engine.planning.estimate import Estimate
from engine.planning.fleet import Fleet
from engine.runs.model.codec import order_to_json
from engine.runs.model.errors import PriceCapError
from engine.runs.model.states import RunOrder
from engine.scenario import Scenario
from kernel.errors import BadInputError
from pricing.money import format_usd
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit, quote_run
from pricing.tariffs import LoadSize

if TYPE_CHECKING:
    from pricing.run_charges.books import Reserved

ON_DEMAND_PLAN = "on-demand"
REHEARSAL_LENGTH_S = 6.0
"""How long a rehearsal plays by default, whatever the length of its test."""
TIME_SCALE_MAX = 86_400.0
"""A day a second."""


def quote_of(estimate: Estimate, plan: Plan, at: datetime) -> Quote:
    """What the run will be charged on the plan; it follows the requirement, not the machines."""
    load = estimate.load
    return quote_run(
        plan,
        LoadSize(
            injectors=estimate.requirement.injectors,
            users=load.peak_users,
            duration_s=math.ceil(load.duration_s),
            protocol=estimate.scenario.protocol.value,
        ),
        at=at.date(),
    )


def on_demand_quote_of(
    estimate: Estimate, plan: Plan, plans: Mapping[str, Plan], at: datetime
) -> Quote | None:
    """The run in money, for when a department's credits do not suffice (R71).

    None on a plan that is paid in money anyway, or where no on-demand plan is sold.

    Args:
        estimate: Of the run.
        plan: The account's.
        plans: Those on sale that day, by name.
        at: The instant of the quote.
    """
    sold = plans.get(ON_DEMAND_PLAN)
    if sold is None or not plan.is_subscription:
        return None
    return quote_of(estimate, sold, at)


def check_price_cap(
    reserved: Reserved, fleets: Iterable[Fleet], max_usd_micros: int | None
) -> None:
    """Refuse a run above the caller's cap.

    In money its charge counts; in LI-minutes the dearer of what the extra credits cost that it
    buys besides and what its machines cost. The fleets are those of the clouds that it may go to;
    the dearest counts.
    """
    if max_usd_micros is None:
        return
    quote = reserved.quote
    dearest = max((fleet.own_high_usd_micros for fleet in fleets), default=0)
    quoted = quote.total if quote.unit is Unit.USD else max(dearest, reserved.extra_usd_micros)
    if quoted > max_usd_micros:
        # Cents would say of a cap below one that it is 0.00, and of two close ones the same.
        raise PriceCapError(
            f"this run is quoted at {format_usd(quoted)} USD, above the cap of "
            f"{format_usd(max_usd_micros)} USD",
            quoted_usd=format_usd(quoted),
            max_usd=format_usd(max_usd_micros),
        )


def time_scale_of(
    scenario: Scenario, *, rehearsal: bool, puts_load: bool, wanted: float | None
) -> float:
    """Seconds of the test that one second plays; a rehearsal without load takes a few seconds.

    Raises:
        BadInputError: Slower than real time, absurdly fast, or not real time for a real test.
    """
    if wanted is None:
        fast = scenario.profile.duration_s / REHEARSAL_LENGTH_S
        return min(max(1.0, fast), TIME_SCALE_MAX) if not puts_load else 1.0
    fastest = TIME_SCALE_MAX if rehearsal else 1.0
    # Not a number is not within anything.
    if not 1.0 <= wanted <= fastest:
        raise BadInputError(
            f"speed: {wanted:g} test seconds a second will not do; a rehearsal plays 1 to "
            f"{TIME_SCALE_MAX:,.0f}, a real test 1",
            speed=f"{wanted:g}",
        )
    return wanted


NOT_CHOSEN = frozenset({"run_id", "quote", "placements", "accepted_at"})
"""What an order has of our own."""

MAY_BE_UNSAID = frozenset(
    each.name for each in fields(RunOrder) if each.default in {None, False, ""}
)
"""Not named where they are empty: requests from before such a field keep their meaning."""


def order_hash(
    order: RunOrder, regions: Sequence[str], or_on: Sequence[str] = (), *, published: bool = False
) -> str:
    """What a request id stands for: everything that the caller chose, and nothing of our own."""
    wish = {
        key: value
        for key, value in order_to_json(order).items()
        if key not in NOT_CHOSEN and (value or key not in MAY_BE_UNSAID)
    }
    wish["regions"] = list(regions)
    # Not named where it is empty: requests from before it keep their meaning.
    if or_on:
        wish["or_on"] = list(or_on)
    if published:
        wish["published"] = True
    if order.scenario.program is not None:
        # What the files hold counts, not where they were read, or what was seen in them.
        program = {**wish["scenario"]["program"], "folder": ""}
        program.pop("script_load", None)
        wish["scenario"] = {**wish["scenario"], "program": program}
    # Measured in between, perhaps by the very run that is asked for again.
    wish["scenario"] = {key: each for key, each in wish["scenario"].items() if key != "measured"}
    return hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).hexdigest()
