"""Which plan fits: cheapest, break-even, runs left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.api import Engine as Loadmuster
from engine.database import transaction
from pricing.money import to_cents_half_up
from pricing.plans.model import Caps, CreditChoice, Plan, Sale
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import runs_within
from pricing.reports.advisor import (
    Advice,
    Need,
    NeedError,
    advise,
    complete_need,
    curve,
    monthly_cost,
    observed_need,
    plans_to_compare,
    run_price,
)
from pricing.reports.break_even import GRANTS_MAX, RunRange, cheaper_ranges
from pricing.tariffs import Tariff, li_minutes, load_tariff

USD = 1_000_000


@pytest.fixture(scope="module")
def tariff() -> Tariff:
    return load_tariff("on-demand")


@pytest.fixture
def advised(on_demand: Plan, starter: Plan, tariff: Tariff) -> Callable[..., Advice]:
    """Advice between on demand and Starter."""

    def ask(li_minutes: int, runs: int, **options: Any) -> Advice:  # noqa: ANN401 - of both calls
        credits_left = options.pop("credits_left", None)
        need = Need(li_minutes, runs, **options)
        return advise(need, [on_demand, starter], tariff, credits_left=credits_left)

    return ask


@pytest.mark.parametrize(
    ("runs", "cheapest"), [(1, "on-demand"), (22, "on-demand"), (23, "starter")]
)
def test_r4_from_23_runs_of_60_li_minutes_starter_is_cheaper_than_on_demand(
    advised: Callable[..., Advice], runs: int, cheapest: str
) -> None:
    advice = advised(60, runs)
    assert advice.run_usd_micros == 9 * USD
    assert advice.cheapest is not None
    assert advice.cheapest.plan.name == cheapest
    (starter,) = (cost for cost in advice.costs if cost.plan.name == "starter")
    assert (starter.break_even_runs, starter.usd_micros) == (23, 199 * USD)


def test_r4_users_count_on_demand_and_bring_break_even_nearer(
    advised: Callable[..., Advice],
) -> None:
    advice = advised(60, 20, users=500)
    assert advice.run_usd_micros == 10 * USD
    assert [cost.break_even_runs for cost in advice.costs] == [20, None]


def test_r6_the_plan_that_costs_least_comes_first(advised: Callable[..., Advice]) -> None:
    few, many = advised(60, 10), advised(60, 30)
    assert [cost.plan.name for cost in few.costs] == ["on-demand", "starter"]
    assert [cost.plan.name for cost in many.costs] == ["starter", "on-demand"]
    assert [cost.usd_micros for cost in many.costs] == [199 * USD, 270 * USD]


def test_r6_more_runs_than_a_grant_take_boosts_and_may_be_dearer_again(
    advised: Callable[..., Advice],
) -> None:
    advice = advised(60, 31)
    assert advice.cheapest is not None
    assert (advice.cheapest.plan.name, advice.cheapest.usd_micros) == ("on-demand", 279 * USD)
    assert (advice.costs[1].boosts, advice.costs[1].usd_micros) == (1, 398 * USD)


def test_r30_w4_what_is_left_says_how_many_runs(advised: Callable[..., Advice]) -> None:
    assert advised(60, 1, credits_left=1_800).runs_left == 30
    assert advised(61, 1, credits_left=1_800).runs_left == 29
    assert advised(60, 1, credits_left=3_600).runs_left == 60
    assert advised(60, 1, credits_left=59).runs_left == 0


def test_r32_w4_starter_includes_30_runs_of_60_li_minutes(advised: Callable[..., Advice]) -> None:
    assert [cost.runs_included for cost in advised(60, 1).costs] == [None, 30]


@pytest.mark.parametrize(("injectors", "runs"), [(5, 60), (10, 30), (20, 15), (101, 1)])
def test_r33_more_injectors_are_more_li_minutes_and_fewer_runs(
    tariff: Tariff, injectors: int, runs: int
) -> None:
    _, needed = li_minutes(tariff, injectors, 6 * 60)
    assert runs_within(1_800, needed) == runs


def test_w4_a_run_that_needs_nothing_is_refused() -> None:
    with pytest.raises(NeedError, match="LI-minutes must be from 1"):
        Need(0, 1)


@pytest.mark.parametrize(
    ("numbers", "field"),
    [((1, 0, 0), "runs"), ((1, 1, -1), "users"), ((10**10, 1, 0), "li_minutes")],
)
def test_an_impossible_need_is_refused(numbers: tuple[int, int, int], field: str) -> None:
    with pytest.raises(NeedError) as refused:
        Need(*numbers)
    assert refused.value.facts["field"] == field


@pytest.mark.promise("break-even-is-true", command=("advise", "plot plans"))
@given(
    st.integers(1, 4_000),
    st.integers(1, 3_000),
    st.integers(1, 400),
    st.integers(0, 400),
    st.booleans(),
)
def test_r4_the_ranges_are_the_numbers_of_runs_that_are_cheaper_and_no_others(
    grant: int, per_run: int, run_usd: int, monthly_usd: int, boosts: bool
) -> None:
    plan = replace(
        load_plans(BUNDLED_PLANS)["starter"],
        li_minutes=grant,
        monthly_usd_micros=monthly_usd * USD,
        boosts=boosts,
    )
    found = cheaper_ranges(plan, per_run, run_usd * USD)

    def is_cheaper(runs: int) -> bool:
        cost = monthly_cost(plan, per_run, runs, run_usd * USD)
        return cost is not None and cost < runs * run_usd * USD

    def is_told(runs: int) -> bool:
        return any(
            each.first <= runs and (each.last is None or runs <= each.last) for each in found
        )

    edges = [edge for each in found for edge in (each.first, each.last or each.first)]
    around = {edge + off for edge in edges for off in (-1, 0, 1)} - {0}
    most = runs_within(GRANTS_MAX * grant, per_run)
    for runs in sorted({*range(1, 60), *around} & set(range(1, most + 1))):
        assert is_told(runs) == is_cheaper(runs), runs
    assert all(one.last is not None and one.last + 1 < two.first for one, two in pairwise(found))


def test_r4_a_plan_that_is_cheaper_at_first_may_cost_more_again(
    starter: Plan, on_demand: Plan, tariff: Tariff
) -> None:
    """The first grant has room for 90 runs of 20 LI-minutes; one run more takes a boost."""
    advice = advise(Need(20, 100), [on_demand, starter], tariff)

    assert advice.run_usd_micros == 3 * USD
    assert [cost.usd_micros for cost in advice.costs] == [300 * USD, 398 * USD]
    assert advice.costs[1].cheaper_for == (
        RunRange(67, 90),
        RunRange(133, 180),
        RunRange(200, None),
    )


def test_the_curve_is_the_cost_at_every_number_of_runs(advised: Callable[..., Advice]) -> None:
    advice = advised(60, 31)
    on_demand, starter = advice.costs
    assert curve(advice, on_demand, 3) == [(0, 0), (1, 9 * USD), (2, 18 * USD), (3, 27 * USD)]
    assert dict(curve(advice, starter, 61))[31] == 398 * USD
    assert dict(curve(advice, starter, 61))[61] == 597 * USD


def test_a_plan_without_boosts_has_room_for_its_grant_only(
    starter: Plan, on_demand: Plan, tariff: Tariff
) -> None:
    fixed = replace(starter, boosts=False)
    fits = advise(Need(60, 30), [on_demand, fixed], tariff)
    too_many = advise(Need(60, 31), [on_demand, fixed], tariff)
    assert fits.costs[0].plan is fixed
    assert (too_many.costs[-1].usd_micros, too_many.costs[-1].boosts) == (None, 0)
    assert too_many.costs[-1].why_not == "1,800 LI-minutes a month, and no boosts"
    assert advise(Need(60, 31), [fixed], tariff).cheapest is None


def test_a_plan_that_caps_users_does_not_fit_a_larger_run(starter: Plan, tariff: Tariff) -> None:
    capped = replace(starter, caps=Caps(users=1_000))
    (cost,) = advise(Need(60, 1, users=1_001), [capped], tariff).costs
    assert (cost.usd_micros, cost.why_not) == (None, "at most 1,000 users a run")
    (cost,) = advise(Need(60, 1, users=1_000), [capped], tariff).costs
    assert cost.usd_micros == 199 * USD


@pytest.mark.parametrize(("runs", "credits_bought"), [(1, 500), (8, 500), (9, 600), (900, 20_000)])
def test_r115_where_credits_are_chosen_the_fewest_that_are_enough_are(
    starter: Plan, tariff: Tariff, runs: int, credits_bought: int
) -> None:
    chosen = replace(
        starter, boosts=False, credits=CreditChoice(500, 20_000, 100, 800_000), li_minutes=500
    )
    (cost,) = advise(Need(60, runs), [chosen], tariff).costs
    assert cost.plan.li_minutes == credits_bought
    assert cost.usd_micros == (None if runs == 900 else credits_bought * 800_000)


def test_trials_and_negotiated_plans_are_not_compared() -> None:
    plans = load_plans(BUNDLED_PLANS)
    compared = {plan.name for plan in plans_to_compare(plans.values())}
    assert {"on-demand", "starter", "professional", "advanced"} <= compared
    assert "trial" not in compared
    assert not any(plans[name].purchase is Sale.CONTACT for name in compared)


def test_what_is_not_given_is_as_observed() -> None:
    seen = Need(60, 12, 500)
    assert complete_need(seen, li_minutes=None, runs=None, users=None) == seen
    assert complete_need(seen, li_minutes=90, runs=None, users=0) == Need(90, 12, 0)
    assert complete_need(None, li_minutes=90, runs=2, users=None) == Need(90, 2, 0)
    with pytest.raises(NeedError, match="no runs to learn from, so runs must be given"):
        complete_need(None, li_minutes=90, runs=None, users=None)
    assert observed_need([]) is None


def test_the_price_of_a_run_is_rounded_once_half_up(tariff: Tariff) -> None:
    assert run_price(tariff, Need(1, 1, users=2)) == 150_000
    assert run_price(tariff, Need(1, 1, users=3)) == 160_000


def test_r6_an_account_is_advised_by_its_own_runs(
    db: Engine,
    acme: str,
    starter: Plan,
    now: datetime,
    charge: Any,  # noqa: ANN401 - the fixture's protocol
    answer: Callable[..., Any],
) -> None:
    with transaction(db) as conn:
        for day in range(0, 40, 2):
            charge(conn, acme, f"r{day}", starter, now + timedelta(days=day))
    at = ("--now", (now + timedelta(days=38)).isoformat())
    advice = answer("advise", acme, *at)
    assert advice["need"] == {"li_minutes": 60, "runs": 15, "users": 1_000}
    assert advice["runs_left"] == (2 * 1_800 - 20 * 60) // 60
    assert (advice["run_usd"], advice["cheapest"]) == ("11.00", "on-demand")
    asked = answer("advise", acme, "--runs", "19", *at)
    assert (asked["cheapest"], asked["need"]["li_minutes"]) == ("starter", 60)


def test_advice_needs_no_database() -> None:
    engine = Loadmuster("sqlite:////nowhere/at/all.db")
    assert engine.reports.advise(li_minutes=60, runs=23).runs_left is None


def test_r6_on_demand_there_are_no_runs_left_to_count(
    globex: str, now: datetime, answer: Callable[..., Any], run: Callable[..., Any]
) -> None:
    at = ("--now", now.isoformat())
    advice = answer("advise", globex, "--li-minutes", "60", "--runs", "10", *at)
    assert (advice["runs_left"], advice["cheapest"]) == (None, "on-demand")
    code, _, said = run("advise", globex, *at)
    assert (code, said.count("\n")) == (2, 1)
    assert "no runs to learn from" in said


@pytest.mark.promise("break-even-is-true", command="advise")
def test_r4_people_see_the_plans_and_the_curves(run: Callable[..., Any]) -> None:
    code, out, _ = run("advise", "--li-minutes", "60", "--runs", "20")
    assert code == 0
    for said in (
        "on-demand costs least: 180.00 USD a month",
        "23 to 30",
        "67 on",
        "a on-demand  b starter",
    ):
        assert said in out
    assert out.count("b") > 20


@pytest.mark.parametrize(
    "arguments",
    [("--li-minutes", "0", "--runs", "1"), ("--runs", "3"), ("--li-minutes", "3"), ("nobody",)],
)
def test_bad_questions_are_refused_in_one_line(
    run: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    code, _, said = run("advise", *arguments)
    assert (code, said.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("usd_micros", "rounded"),
    [(4_999, 0), (5_000, 10_000), (15_000, 20_000), (25_000, 30_000), (-25_000, -30_000)],
)
def test_half_a_cent_is_rounded_up(usd_micros: int, rounded: int) -> None:
    assert to_cents_half_up(usd_micros) == rounded
