from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kernel.errors import BadInputError
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import (
    Quote,
    QuoteUnreadableError,
    Unit,
    kept_use_after_cancel,
    quote_from_json,
    quote_run,
    quote_to_json,
    runs_within,
)
from pricing.tariffs import CancellationPolicy, LoadSize, UsageError

ON_DEMAND = find_plan("on-demand", BUNDLED_PLANS)
STARTER = find_plan("starter", BUNDLED_PLANS)

QUOTES = st.builds(
    lambda plan, policy, injectors, users, duration_s: quote_run(
        replace(plan, cancellation=policy), LoadSize(injectors, users, duration_s)
    ),
    st.sampled_from([ON_DEMAND, STARTER]),
    st.sampled_from(CancellationPolicy),
    st.integers(1, 700),
    st.integers(1, 100_000),
    st.integers(1, 10_000),
)
LOAD_S = st.floats(-10, 20_000)


def test_c32_a_run_on_demand_is_quoted_in_money_with_two_lines() -> None:
    quote = quote_run(ON_DEMAND, LoadSize(3, 1_200, 5_400))
    assert quote.unit is Unit.USD
    assert (quote.li_minutes, quote.startup_li_minutes) == (270, 15)
    assert (quote.startup, quote.use, quote.total) == (2_250_000, 40_650_000, 42_900_000)
    assert (quote.tariff, quote.tariff_version) == ("on-demand", date(2026, 11, 1))


def test_r5_a_run_on_a_subscription_is_quoted_in_li_minutes_and_never_in_money() -> None:
    quote = quote_run(STARTER, LoadSize(3, 1_200, 5_400))
    assert quote.unit is Unit.LI_MINUTES
    assert (quote.startup, quote.use, quote.total) == (15, 255, 270)


def test_a_quote_counts_the_injectors_that_the_users_need() -> None:
    assert quote_run(ON_DEMAND, LoadSize(None, 1_001, 600)).injectors == 3


def test_a_quote_needs_the_number_of_users() -> None:
    with pytest.raises(UsageError, match="number of users"):
        quote_run(STARTER, LoadSize(3, None, 600))


def test_r32_a_run_of_60_li_minutes_fits_30_times_into_1800() -> None:
    quote = quote_run(STARTER, LoadSize(6, 3_000, 600))
    assert quote.total == 60
    assert runs_within(STARTER.li_minutes, quote.total) == 30
    assert runs_within(STARTER.li_minutes, 61) == 29
    assert runs_within(2 * STARTER.li_minutes, quote.total) == 60


def test_r33_more_injectors_leave_fewer_runs() -> None:
    runs = [
        runs_within(1_800, quote_run(STARTER, LoadSize(injectors, 3_000, 600)).total)
        for injectors in (6, 9, 12)
    ]
    assert runs == [30, 20, 15]


def test_a_run_that_needs_nothing_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least one LI-minute"):
        runs_within(1_800, 0)
    assert runs_within(-5, 60) == 0


def test_r11_under_startup_only_the_duration_does_not_matter() -> None:
    quote = quote_run(
        replace(ON_DEMAND, cancellation=CancellationPolicy.STARTUP_ONLY), LoadSize(2, 500, 3_600)
    )
    assert {kept_use_after_cancel(quote, load_s) for load_s in (0, 1, 3_540)} == {0}


def test_under_full_quote_everything_stays_charged() -> None:
    quote = quote_run(
        replace(ON_DEMAND, cancellation=CancellationPolicy.FULL_QUOTE), LoadSize(2, 500, 3_600)
    )
    assert kept_use_after_cancel(quote, 0) == quote.use


def test_under_startup_then_used_minutes_started_beyond_the_floor_stay_charged() -> None:
    quote = quote_run(STARTER, LoadSize(2, 500, 1_200))
    assert (quote.startup, quote.use) == (10, 30)
    kept = [kept_use_after_cancel(quote, load_s) for load_s in (0, 299, 300, 301, 360, 361, 1_200)]
    assert kept == [0, 0, 0, 2, 2, 4, 30]


def test_money_kept_is_pro_rata_of_the_use_line_in_cents() -> None:
    quote = quote_run(ON_DEMAND, LoadSize(2, 500, 1_200))
    assert (quote.startup, quote.use) == (1_500_000, 5_500_000)
    assert kept_use_after_cancel(quote, 301) == 370_000
    assert kept_use_after_cancel(quote, 1_199) == 5_500_000


def test_a_test_shorter_than_the_floor_keeps_its_users_only_once_it_has_ended() -> None:
    quote = quote_run(ON_DEMAND, LoadSize(2, 500, 180))
    assert (quote.startup, quote.use) == (1_500_000, 1_000_000)
    assert kept_use_after_cancel(quote, 179) == 0
    assert kept_use_after_cancel(quote, 180) == 1_000_000


@given(QUOTES, LOAD_S, st.floats(0, 5_000))
def test_a_cancelled_run_costs_between_its_start_up_and_its_quote_and_never_less_for_longer(
    quote: Quote, load_s: float, more_s: float
) -> None:
    kept = kept_use_after_cancel(quote, load_s)
    assert 0 <= kept <= kept_use_after_cancel(quote, load_s + more_s) <= quote.use
    assert quote.startup <= quote.startup + kept <= quote.total
    if quote.unit is Unit.USD:
        assert kept % 10_000 == 0


@given(QUOTES)
def test_r2_r26_start_up_and_use_are_the_total_rounded_once(quote: Quote) -> None:
    assert quote.startup >= 0
    assert quote.use >= 0
    assert quote.startup + quote.use == quote.total
    if quote.unit is Unit.USD:
        exact = quote.li_minutes * 150_000 + quote.users * 2_000
        assert abs(quote.total - exact) <= 5_000
        assert quote.total % 10_000 == 0
        assert quote.startup == quote.startup_li_minutes * 150_000
    else:
        assert quote.total == quote.li_minutes


@given(QUOTES, st.integers(0, 500), st.integers(0, 10_000), st.integers(0, 5_000))
def test_r3_a_larger_run_is_never_quoted_lower(
    quote: Quote, more_injectors: int, more_users: int, more_s: int
) -> None:
    plan = replace(find_plan(quote.plan, BUNDLED_PLANS), cancellation=quote.policy)
    larger = quote_run(
        plan,
        LoadSize(
            quote.injectors + more_injectors, quote.users + more_users, quote.duration_s + more_s
        ),
    )
    assert larger.total >= quote.total


@given(QUOTES)
def test_a_stored_quote_comes_back_as_it_was(quote: Quote) -> None:
    stored = json.dumps(quote_to_json(quote))
    assert quote_from_json(json.loads(stored)) == quote


def test_money_in_a_stored_quote_is_decimal_text_and_li_minutes_are_numbers() -> None:
    money = quote_to_json(quote_run(ON_DEMAND, LoadSize(3, 1_200, 5_400)))
    assert (money["startup"], money["use"], money["total"]) == ("2.25", "40.65", "42.90")
    credits_ = quote_to_json(quote_run(STARTER, LoadSize(3, 1_200, 5_400)))
    assert (credits_["startup"], credits_["use"], credits_["total"]) == (15, 255, 270)


def test_a_stored_quote_that_is_none_breaks_an_invariant() -> None:
    good = quote_to_json(quote_run(ON_DEMAND, LoadSize(3, 1_200, 5_400)))
    for bad in ({}, {**good, "unit": "EUR"}, {**good, "use": "much"}, {**good, "policy": None}):
        with pytest.raises(QuoteUnreadableError):
            quote_from_json(bad)
