"""What a run owes once it has ended, however it ended."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.runs.model.codec import order_from_json, order_to_json
from engine.runs.model.states import Outcome, Placement, Run, RunOrder, RunState
from engine.runs.settlement import Kept, cloud_cost_usd_micros, settle
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from pricing.catalog import Catalog
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import Quote, quote_run
from pricing.tariffs import CancellationPolicy, LoadSize
from providers.contract import Machine, MachineState

START = datetime(2027, 1, 25, 10, tzinfo=UTC)
FLOWING = START + timedelta(seconds=60)
AT = date(2027, 1, 25)


def quote(plan: str = "on-demand", policy: CancellationPolicy | None = None) -> Quote:
    """Four injectors for twenty minutes: 20 LI-minutes of start-up, 60 of use."""
    sold = find_plan(plan, BUNDLED_PLANS)
    if policy is not None:
        sold = replace(sold, cancellation=policy)
    return quote_run(sold, LoadSize(injectors=4, users=2000, duration_s=1200), at=AT)


def machine(number: int) -> Machine:
    return Machine(
        machine_id=f"i-{number}",
        run_id="run-1",
        region="us-east-1",
        machine_type="c7i.large",
        state=MachineState.RUNNING,
        launched_at=START,
        expires_at=START + timedelta(hours=1),
    )


def run_with(quote: Quote, **changes: object) -> Run:
    order = RunOrder(
        run_id="run-1",
        account_id="acme",
        scenario=Scenario("checkout", Protocol.HTTP, closed([(0, 2000), (1200, 2000)])),
        quote=quote,
        provider="aws",
        placements=(Placement("aws", "us-east-1", ("c7i.large",), 4, (89_250,)),),
        rehearsal=False,
        time_scale=1.0,
        accepted_at=START,
    )
    moments = {
        "intent_at": START,
        "launched_at": START + timedelta(seconds=20),
        "attempt": 1,
        "machines": tuple(machine(number) for number in range(4)),
    }
    return replace(Run(order, RunState.RELEASING), **(moments | changes))


def cancelled(quote: Quote, after_s: float) -> Kept:
    at = FLOWING + timedelta(seconds=after_s)
    run = run_with(quote, load_started_at=FLOWING, cancel_at=at, release_at=at)
    return settle(run, Outcome.CANCELLED, at + timedelta(seconds=30))


def test_a_completed_run_keeps_its_whole_quote() -> None:
    assert settle(run_with(quote()), Outcome.COMPLETED, FLOWING) == Kept(
        quote().startup, quote().use
    )


def test_r10_a_cancel_while_launching_keeps_the_start_up_line_only() -> None:
    run = run_with(quote(), launched_at=None, cancel_at=START, release_at=START)
    assert settle(run, Outcome.CANCELLED, START) == Kept(quote().startup, 0)


@pytest.mark.parametrize("plan", ["on-demand", "starter"])
def test_r11_under_startup_only_a_cancel_costs_the_same_at_1_s_and_at_19_min(plan: str) -> None:
    bought = quote(plan, CancellationPolicy.STARTUP_ONLY)
    assert cancelled(bought, 1) == cancelled(bought, 1140) == Kept(bought.startup, 0)


def test_under_full_quote_a_cancel_returns_nothing() -> None:
    bought = quote(policy=CancellationPolicy.FULL_QUOTE)
    assert cancelled(bought, 1) == Kept(bought.startup, bought.use)


def test_under_startup_then_used_a_cancel_keeps_the_minutes_that_were_started() -> None:
    bought = quote("starter")
    assert cancelled(bought, 200) == Kept(20, 0)
    assert cancelled(bought, 300) == Kept(20, 0)
    assert cancelled(bought, 301) == Kept(20, 4)
    assert cancelled(bought, 600) == Kept(20, 20)


def test_time_spent_on_releasing_is_not_charged() -> None:
    bought = quote("starter")
    at = FLOWING + timedelta(seconds=300)
    run = run_with(bought, load_started_at=FLOWING, cancel_at=at, release_at=at)
    assert settle(run, Outcome.CANCELLED, at + timedelta(hours=2)) == Kept(20, 0)


def test_a_failure_before_load_flowed_costs_credits_nothing() -> None:
    run = run_with(quote("starter"), release_at=FLOWING)
    assert settle(run, Outcome.FAILED, FLOWING) == Kept(0, 0)


def test_a_failure_before_load_flowed_costs_money_what_the_cloud_charged() -> None:
    run = run_with(quote(), release_at=FLOWING)
    # Four machines at 0.08925 USD an hour for 100 s: 0.0099 USD, a cent.
    assert settle(run, Outcome.FAILED, START + timedelta(seconds=120)) == Kept(10_000, 0)


def test_machines_cost_from_their_launch_on_and_not_from_the_intent() -> None:
    run = run_with(quote(), release_at=FLOWING)
    # Four machines at 0.08925 USD an hour: 0.0635 USD for 640 s, 0.0655 for 660 from the intent.
    assert settle(run, Outcome.FAILED, START + timedelta(seconds=660)) == Kept(60_000, 0)


def test_a_launch_that_never_gave_a_machine_costs_nothing() -> None:
    run = run_with(quote(), launched_at=None, machines=(), release_at=FLOWING)
    assert settle(run, Outcome.FAILED, FLOWING) == Kept(0, 0)


def test_machines_of_a_launch_that_was_never_answered_cost_from_the_intent_on() -> None:
    run = run_with(quote(), launched_at=None, release_at=FLOWING)
    # Four machines at 0.08925 USD an hour for ten minutes: 0.0595 USD.
    assert settle(run, Outcome.FAILED, START + timedelta(seconds=600)) == Kept(60_000, 0)


def test_disks_and_addresses_cost_as_they_do_in_the_estimate() -> None:
    bought = run_with(quote(), launched_at=None, release_at=FLOWING)
    (placement,) = bought.order.placements
    around = Catalog.bundled().boot_disk("aws", "us-east-1").usd_micros + 730 * (
        Catalog.bundled().public_ipv4("aws", "us-east-1").usd_micros
    )
    order = replace(
        bought.order, placements=(replace(placement, around_monthly_usd_micros=around),)
    )
    now = START + timedelta(seconds=660)
    without, with_all = (
        cloud_cost_usd_micros(each, now) for each in (bought, replace(bought, order=order))
    )
    # Four machines, 11 minutes: addresses at 0.005 USD an hour, 8 GiB each at 0.08 USD a month.
    assert with_all - without == pytest.approx(3_667 + 643, abs=4)


def test_orders_say_what_surrounds_a_machine_and_those_of_before_do_not() -> None:
    order = run_with(quote()).order
    (placement,) = order.placements
    placed = replace(order, placements=(replace(placement, around_monthly_usd_micros=4_290_000),))
    document = order_to_json(placed)
    assert order_from_json(document) == placed
    del document["placements"][0]["around_monthly_usd_micros"]
    assert order_from_json(document) == order


def test_machines_of_one_region_cost_although_another_had_none() -> None:
    run = run_with(quote(), launched_at=None, machines=(machine(1),), release_at=FLOWING)
    assert settle(run, Outcome.FAILED, START + timedelta(seconds=600)) == Kept(10_000, 0)


def test_machines_of_another_cloud_cost_by_its_prices_and_by_its_rules() -> None:
    bought = run_with(quote())
    azure = Placement("azure", "eastus", ("Standard_D2s_v6",), 4, (89_250,))
    (aws,) = bought.order.placements
    order = replace(bought.order, placements=(replace(aws, elsewhere=(azure,)),))
    there = tuple(
        replace(machine(number), region="eastus", machine_type="Standard_D2s_v6")
        for number in range(4)
    )
    run = replace(bought, order=order, machines=there)
    # For 100 s: on Azure at least five minutes of each count, 0.02975 USD.
    assert settle(run, Outcome.FAILED, START + timedelta(seconds=120)) == Kept(30_000, 0)


def test_a_failure_of_the_cloud_never_costs_more_than_the_start_up() -> None:
    run = run_with(quote(), release_at=FLOWING)
    assert settle(run, Outcome.FAILED, START + timedelta(days=30)) == Kept(quote().startup, 0)


def test_a_failure_while_load_flowed_costs_what_a_cancel_would() -> None:
    bought = quote("starter")
    at = FLOWING + timedelta(seconds=600)
    run = run_with(bought, load_started_at=FLOWING, release_at=at)
    assert settle(run, Outcome.FAILED, at) == Kept(20, 20)


@given(
    plan=st.sampled_from(["on-demand", "starter"]),
    policy=st.sampled_from(list(CancellationPolicy)),
    earlier_s=st.floats(0, 2000),
    later_s=st.floats(0, 2000),
)
def test_a_cancel_costs_from_the_start_up_to_the_quote_and_never_less_for_waiting(
    plan: str, policy: CancellationPolicy, earlier_s: float, later_s: float
) -> None:
    bought = quote(plan, policy)
    first, second = sorted((earlier_s, later_s))
    kept, kept_later = cancelled(bought, first), cancelled(bought, second)
    assert kept.startup == kept_later.startup == bought.startup
    assert 0 <= kept.use <= kept_later.use <= bought.use
