"""What a run owes once it has ended: a pure function of how far it came.

The quote was charged in full with the intent to launch, as a start-up and a use line. What comes
back is decided here:

- completed: nothing;
- cancelled, or stopped or failed while load was flowing: what the plan's cancellation policy does
  not charge for the part that was played, always from the use line (R10, R11);
- failed before load flowed, through us or the cloud: everything but what the cloud charged us.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.planning.machines import HOURS_PER_MONTH, cost_by_time
from engine.runs.model.states import Outcome, Run
from pricing.money import to_cents_half_up
from pricing.plans.quotes import Unit, kept_use_after_cancel


class Kept(Struct, frozen=True):
    """What stays charged of each line, in the quote's unit."""

    startup: int
    use: int


def settle(run: Run, outcome: Outcome, now: datetime) -> Kept:
    """What stays charged when the run ends this way; its start was charged in full before."""
    quote = run.order.quote
    if outcome is Outcome.COMPLETED:
        return Kept(quote.startup, quote.use)
    if outcome is Outcome.CANCELLED or run.load_started_at is not None:
        played_s = min(played_until_cancel_s(run, now), float(quote.duration_s))
        return Kept(quote.startup, kept_use_after_cancel(quote, played_s))
    if quote.unit is Unit.LI_MINUTES:
        return Kept(0, 0)
    return Kept(min(quote.startup, to_cents_half_up(cloud_cost_usd_micros(run, now))), 0)


def played_until_cancel_s(run: Run, now: datetime) -> float:
    """Seconds of the test that had been played when its end was asked for, or by ``now``."""
    if run.load_started_at is None:
        return 0.0
    until = min(at for at in (run.cancel_at, run.release_at, now) if at is not None)
    return max(0.0, (until - run.load_started_at).total_seconds()) * run.order.time_scale


def cloud_cost_usd_micros(run: Run, now: datetime) -> int:
    """What the clouds charge until ``now`` for the machines that were ever seen.

    Machines, disks and addresses at list price, by the same rules and arithmetic as in the
    estimate; nothing is sent before load flows. They count from the launch; where its answer was
    lost, from the intent.
    """
    since = run.launched_at or run.intent_at
    if since is None:
        return 0
    used_s = max(0, round((now - since).total_seconds()))
    billed_s = {name: cloud.prices.billing.billed_seconds(used_s) for name, cloud in CLOUDS.items()}
    monthly_usd_micros = {
        (option.region, machine_type): usd_micros * HOURS_PER_MONTH
        + option.around_monthly_usd_micros
        for option in run.order.options
        for machine_type, usd_micros in zip(
            option.machine_types, option.hourly_usd_micros, strict=True
        )
    }
    return sum(
        cost_by_time(
            monthly_usd_micros[machine.region, machine.machine_type],
            billed_s.get(run.provider_of(machine.region), 0),
        )
        for machine in run.machines
    )
