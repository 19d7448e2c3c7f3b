from __future__ import annotations

from pathlib import Path

import pytest

from pricing.plans.on_sale import (
    BUNDLED_PLANS,
    PLANS_VARIABLE,
    UnknownPlanError,
    find_plan,
    load_plans,
    plans_file,
)
from pricing.strict_toml import DataFileError
from pricing.tariffs import CancellationPolicy

PLAN = """
[[plans]]
name = "team"
version = 2026-11-01
monthly_usd = "356.00"
li_minutes = 300
rollover = false
tariff = "gatling"
cancellation = "full_quote"
"""


def test_r31_starter_grants_1800_li_minutes_for_199_dollars_a_month() -> None:
    starter = find_plan("starter", BUNDLED_PLANS)
    assert starter.is_subscription
    assert (starter.li_minutes, starter.monthly_usd_micros) == (1_800, 199_000_000)


def test_r21_starter_s_unused_li_minutes_roll_over() -> None:
    assert find_plan("starter", BUNDLED_PLANS).rollover


def test_on_demand_is_no_subscription() -> None:
    on_demand = find_plan("on-demand", BUNDLED_PLANS)
    assert not on_demand.is_subscription
    assert on_demand.monthly_usd_micros == 0


def test_own_plans_charge_the_start_up_cost_and_then_what_was_used() -> None:
    policies = {plan.cancellation for plan in load_plans(BUNDLED_PLANS).values()}
    assert policies == {CancellationPolicy.STARTUP_THEN_USED}


def test_an_unknown_plan_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownPlanError, match="'platinum'; there are on-demand, starter"):
        find_plan("platinum", BUNDLED_PLANS)


def test_an_operator_sells_his_own_plans(tmp_path: Path) -> None:
    path = tmp_path / "plans.toml"
    path.write_text(PLAN, encoding="utf-8")
    assert plans_file({PLANS_VARIABLE: str(path)}) == path
    assert plans_file({PLANS_VARIABLE: ""}) == plans_file({}) == BUNDLED_PLANS
    assert list(load_plans(path)) == ["team"]
    assert find_plan("team", path).cancellation is CancellationPolicy.FULL_QUOTE


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"team"', '"Team A"', "lowercase words joined by dashes"),
        ('"356.00"', "356.00", "monthly_usd must be an amount of US dollars in quotes"),
        ("li_minutes = 300", "li_minutes = 0", "li_minutes must be positive"),
        ("li_minutes = 300", "li_minutes = -1", "at least 0"),
        ("rollover = false", 'rollover = "no"', "rollover must be true or false"),
        ('"gatling"', '"gatlin"', "'gatlin' is unknown"),
        ('"gatling"', '"grafana-k6"', "does not count in LI-minutes"),
        ("version = 2026-11-01", "", "version is missing"),
        ("[[plans]]", "boost = 1\n[[plans]]", "boost is not a field"),
        (PLAN, PLAN + PLAN, "'team' is there twice"),
        (PLAN, "plans = []", "plans must be a list of tables"),
        ('monthly_usd = "356.00"', "", "plans 1: monthly_usd is missing"),
        ("li_minutes = 300", "", "plans 1: li_minutes is missing"),
        ("rollover = false", "rollover = false\ncredits_min = 5", "credits_min needs credit_usd"),
        (
            'monthly_usd = "356.00"\nli_minutes = 300',
            'credit_usd = "1.00"\ncredits_min = 5\ncredits_max = 9',
            "plans 1: credits_step is missing",
        ),
        (
            'monthly_usd = "356.00"\nli_minutes = 300',
            'credit_usd = "1.00"\ncredits_min = 5\ncredits_max = 4\ncredits_step = 1',
            "credits_max must be a whole number of at least 5",
        ),
        (
            'monthly_usd = "356.00"',
            'credit_usd = "1.00"\ncredits_min = 5\ncredits_max = 9\ncredits_step = 2',
            "li_minutes must be left out beside credit_usd",
        ),
        (
            "rollover = false",
            "rollover = false\nchannels = []",
            "channels must be a list of one or more of card, aws-marketplace, invoice",
        ),
        (
            'monthly_usd = "356.00"\nli_minutes = 300\nrollover = false\ntariff = "gatling"',
            'monthly_usd = "0"\nli_minutes = 0\nrollover = false\ntariff = "loadview"',
            "has no rate, and the plan is paid in money",
        ),
    ],
)
def test_a_wrong_plan_is_refused_by_field(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "plans.toml"
    assert old in PLAN
    path.write_text(PLAN.replace(old, new), encoding="utf-8")
    with pytest.raises(DataFileError) as refused:
        load_plans(path)
    assert problem in refused.value.message
    assert "plans.toml" in refused.value.message
