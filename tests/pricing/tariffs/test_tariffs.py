"""The vendors' own arithmetic, example by example."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.scenario import Protocol
from pricing.money import format_cents
from pricing.tariffs import (
    PROTOCOLS,
    CancellationPolicy,
    Certainty,
    LoadSize,
    NotInLiMinutesError,
    UnitTier,
    UnknownTariffError,
    UsageError,
    li_minutes,
    load_tariff,
    monthly_plans,
    price,
    tariff_names,
    tariff_versions,
)
from pricing.tariffs.published import cost_of_units

MINUTE_S = 60
HOUR_S = 3_600


def on_injectors(tariff: str, injectors: int, minutes: int) -> int | Decimal:
    return price(load_tariff(tariff), LoadSize(injectors, None, minutes * MINUTE_S)).quantity


def with_users(tariff: str, users: int, duration_s: int, protocol: str = "http") -> int | Decimal:
    return price(load_tariff(tariff), LoadSize(None, users, duration_s, protocol)).quantity


def test_ten_injectors_for_three_minutes_are_fifty_li_minutes() -> None:
    charge = price(load_tariff("loadview"), LoadSize(10, None, 180))
    assert (charge.quantity, charge.startup_quantity, charge.unit) == (50, 50, "LI-minute")
    assert charge.steps[:2] == (
        "up to 100 injectors each counts at least 5m: 3m counts as 5m",
        "10 injectors x 5m = 50 LI-minutes",
    )


def test_loadview_s_examples_of_larger_fleets() -> None:
    assert on_injectors("loadview", 150, 8) == 2_250
    assert on_injectors("loadview", 600, 12) == 18_000


def test_loadview_counts_the_actual_duration_beyond_the_minimum() -> None:
    assert on_injectors("loadview", 10, 20) == 200
    assert on_injectors("loadview", 10, 5) == 50


def test_loadview_s_cliffs_lie_where_the_fleet_outgrows_a_tier() -> None:
    assert [on_injectors("loadview", injectors, 3) for injectors in (100, 101, 500, 501)] == [
        500,
        1_515,
        7_500,
        15_030,
    ]


def test_loadview_s_thousand_http_users_for_forty_minutes_need_two_injectors() -> None:
    charge = price(load_tariff("loadview"), LoadSize(None, 1_000, 40 * MINUTE_S))
    assert (charge.injectors, charge.quantity) == (2, 80)


def test_a_price_that_was_not_found_is_unknown_and_not_zero() -> None:
    charge = price(load_tariff("loadview"), LoadSize(10, 5_000, 180))
    assert (charge.usd_micros, charge.startup_usd_micros) == (None, None)
    assert charge.unknown is not None
    assert "was not found" in charge.unknown


def test_r10_loadview_keeps_the_start_up_cost_of_a_cancelled_run() -> None:
    assert load_tariff("loadview").cancellation is CancellationPolicy.STARTUP_ONLY


def test_loadview_s_older_rule_rounds_each_injector_up_to_hours() -> None:
    charge = price(load_tariff("loadview-2021-hourly"), LoadSize(10, None, 20 * MINUTE_S))
    assert (charge.quantity, charge.unit) == (10, "LI-hour")


def test_c36_each_started_minute_of_each_injector_counts() -> None:
    tariff = load_tariff("on-demand")
    assert li_minutes(tariff, 3, 10 * MINUTE_S) == (15, 30)
    assert li_minutes(tariff, 3, 10 * MINUTE_S + 1) == (15, 33)
    assert li_minutes(tariff, 1, 1) == (5, 5)


def test_gatling_s_four_hundred_extra_credits_cost_320_dollars() -> None:
    charge = price(load_tariff("gatling"), LoadSize(40, None, 10 * MINUTE_S))
    assert (charge.quantity, charge.unit, charge.usd_micros) == (400, "credit", 320_000_000)


def test_gatling_counts_the_first_minute_of_each_load_generator_at_least() -> None:
    charge = price(load_tariff("gatling"), LoadSize(3, None, 1))
    assert (charge.quantity, charge.startup_quantity) == (3, 3)


@pytest.mark.parametrize(
    ("day", "version", "words"),
    [
        (date(2025, 1, 1), date(2026, 1, 20), "private locations alike"),
        (date(2026, 1, 20), date(2026, 1, 20), "private locations alike"),
        (date(2026, 7, 14), date(2026, 1, 20), "private locations alike"),
        (date(2026, 7, 15), date(2026, 7, 15), "custom code"),
        (date(2026, 8, 12), date(2026, 8, 12), "until the execution ends"),
        (date(2030, 1, 1), date(2026, 8, 12), "until the execution ends"),
        (None, date(2026, 8, 12), "until the execution ends"),
    ],
)
def test_gatling_s_wording_of_the_day_is_in_force(
    day: date | None, version: date, words: str
) -> None:
    tariff = load_tariff("gatling", day)
    assert tariff.version == version
    assert words in tariff.notes[0]


def test_azure_s_examples_of_the_minimum_usage() -> None:
    azure = load_tariff("azure-load-testing")
    assert price(azure, LoadSize(1, 5, 3 * HOUR_S)).quantity == 30
    assert price(azure, LoadSize(1, 5, 5 * MINUTE_S)).quantity == Decimal("1.6667")


def test_azure_s_minimum_leaves_a_larger_test_alone() -> None:
    azure = load_tariff("azure-load-testing")
    charge = price(azure, LoadSize(1, 100, 6 * MINUTE_S))
    assert charge.quantity == 10
    assert not any("at least" in step for step in charge.steps)


@pytest.mark.parametrize(
    ("users", "hours", "usd"),
    [(1_000, 1, "150.00"), (1_000, 10, "1500.00"), (1_000, 11, "1560.00"), (20_000, 2, "3300.00")],
)
def test_azure_s_hours_beyond_ten_thousand_cost_less(users: int, hours: int, usd: str) -> None:
    charge = price(load_tariff("azure-load-testing"), LoadSize(1, users, hours * HOUR_S))
    assert charge.usd_micros is not None
    assert format_cents(charge.usd_micros) == usd
    assert ("beyond 10000 VUH x 0.06" in charge.steps[-1]) == (users * hours > 10_000)


@given(
    st.dictionaries(st.integers(1, 10**6), st.integers(1, 10**6), max_size=4),
    st.integers(1, 10**6),
    st.fractions(0, 10**7),
    st.fractions(0, 10**7),
)
def test_r3_units_in_tiers_never_cost_less_for_more(
    steps: dict[int, int], first: int, units: Fraction, more: Fraction
) -> None:
    tiers = [UnitTier(*each) for each in sorted(steps.items())]
    cost = cost_of_units(first, tiers, units)
    assert cost <= cost_of_units(first, tiers, units + more)
    ends = [*sorted(steps), 10**9]
    rates = [first, *(each.usd_micros for each in tiers)]
    plain = Fraction(0)
    for begin, end, rate in zip([0, *ends[:-1]], ends, rates, strict=True):
        plain += max(Fraction(0), min(units, Fraction(end)) - begin) * rate
    assert cost == plain


def test_every_price_says_who_states_it_and_nothing_else_claims_one() -> None:
    for name in tariff_names():
        for version in tariff_versions(name):
            stated = version.price_from
            assert (stated is None) == (version.no_price is not None), name
            if stated is None:
                assert "not found" in str(version.no_price), name
                continue
            assert (stated.source is None) == (stated.certainty is Certainty.OWN), name
            assert stated.as_of <= date(2026, 11, 30), name


def test_k6_and_flood_cost_what_their_units_cost() -> None:
    k6 = price(load_tariff("grafana-k6"), LoadSize(None, 1_000, HOUR_S))
    assert k6.usd_micros == 150_000_000
    flood = price(load_tariff("flood-vuh"), LoadSize(None, 1_000, HOUR_S))
    assert flood.usd_micros == 45_000_000


def test_what_is_sold_by_the_month_says_who_states_it() -> None:
    plans = {(each.service, each.plan): each for each in monthly_plans()}
    assert {name: format_cents(each.usd_micros_per_month) for name, each in plans.items()} == {
        ("Grafana Cloud k6", "Pro"): "19.00",
        ("BlazeMeter", "Basic"): "149.00",
        ("Artillery Cloud", "Team"): "199.00",
        ("Locust Cloud", "Premium"): "399.00",
        ("Artillery Cloud", "Business"): "499.00",
    }
    assert all(each.price_from.source for each in plans.values())
    premium = plans["Locust Cloud", "Premium"]
    assert (premium.carries(1_000), premium.carries(1_001)) == (True, False)


def test_azure_had_no_minimum_before_march_2026() -> None:
    before = load_tariff("azure-load-testing", date(2026, 2, 28))
    assert price(before, LoadSize(1, 5, 3 * HOUR_S)).quantity == 15


def test_azure_s_minimum_counts_ten_users_on_each_engine() -> None:
    charge = price(load_tariff("azure-load-testing"), LoadSize(4, 5, HOUR_S))
    assert charge.quantity == 40
    assert "at least 10 users on each of 4 injectors for 1h: 40 VUH" in charge.steps


def test_k6_s_hundred_users_for_ten_minutes() -> None:
    assert with_users("grafana-k6", 100, 10 * MINUTE_S) == Decimal("16.6667")


def test_k6_rounds_up_to_the_minute_and_counts_a_browser_tenfold() -> None:
    assert with_users("grafana-k6", 60, 30 * MINUTE_S + 1) == 31
    assert with_users("grafana-k6", 6, 10 * MINUTE_S, "browser") == 10


@pytest.mark.parametrize(
    ("users", "quantity"),
    [
        (500, Decimal("166.6667")),
        (1_000, Decimal("166.6667")),
        (1_500, Decimal("333.3333")),
        (2_500, 500),
    ],
)
def test_browserstack_s_examples_of_reserved_users(users: int, quantity: int | Decimal) -> None:
    assert with_users("browserstack", users, 600) == quantity


def test_browserstack_does_not_round_browser_users() -> None:
    assert with_users("browserstack", 90, HOUR_S, "browser") == 90


def test_tencent_counts_seconds_as_parts_of_a_minute() -> None:
    charge = price(load_tariff("tencent-pts"), LoadSize(None, 700, 7 * MINUTE_S + 45))
    assert (charge.quantity, charge.usd_micros) == (7_750, 6_200_000)


def test_alibaba_s_example_and_its_price() -> None:
    charge = price(load_tariff("alibaba-pts"), LoadSize(None, 500, 20 * MINUTE_S))
    assert (charge.quantity, charge.usd_micros) == (10_000, 4_600_000)


@pytest.mark.parametrize(("minutes", "quantity"), [(5, 250), (15, 250), (20, 500)])
def test_flood_s_examples_of_quarter_hours(minutes: int, quantity: int) -> None:
    assert with_users("flood-vuh", 1_000, minutes * MINUTE_S) == quantity


def test_flood_s_nodes_count_twelve_minutes_at_least() -> None:
    assert on_injectors("flood-node", 5, 3) == 1
    assert on_injectors("flood-node", 5, 13) == 2


def test_c32_on_demand_is_li_minutes_and_users() -> None:
    charge = price(load_tariff("on-demand"), LoadSize(3, 1_200, 90 * MINUTE_S))
    assert charge.quantity == 270
    assert charge.usd_micros == 42_900_000
    assert charge.startup_usd_micros == 2_250_000
    assert charge.steps[-1] == "270 LI-minutes x 0.15 + 1200 users x 0.002 = 42.90 USD"


def test_on_demand_without_the_number_of_users_has_no_price() -> None:
    charge = price(load_tariff("on-demand"), LoadSize(3, None, 90 * MINUTE_S))
    assert (charge.quantity, charge.usd_micros) == (270, None)
    assert "0.002 USD" in str(charge.unknown)


def test_testable_rounds_to_the_nearest_minute_beyond_a_quarter_of_an_hour() -> None:
    assert [
        with_users("testable", 60, seconds) for seconds in (1, 14 * 60, 929, 930, 989, 990)
    ] == [15, 15, 15, 16, 16, 17]
    assert "15m29s counts as 15m: to the nearest 1m" in (
        price(load_tariff("testable"), LoadSize(None, 60, 929)).steps
    )


def test_blazemeter_counts_whole_hours_of_each_user() -> None:
    assert [with_users("blazemeter", 60, seconds) for seconds in (1, 3_600, 3_601)] == [60, 60, 120]


def test_blazemeter_s_older_rule_counts_a_server_more_for_the_console() -> None:
    charge = price(load_tariff("blazemeter-server-hours"), LoadSize(None, 900, 61 * MINUTE_S))
    assert (charge.injectors, charge.quantity, charge.usd_micros) == (3, 8, 64_000_000)
    assert "3 + 1 servers x 2h = 8 server-hours" in charge.steps


def test_loadforge_counts_the_controller_too() -> None:
    assert with_users("loadforge", 10_001, HOUR_S + 1) == 6
    assert with_users("loadforge-minutes", 10_001, 90) == 6


def test_redline13_passes_the_machines_price_on_and_adds_what_is_sent() -> None:
    tariff = load_tariff("redline13")
    sized = LoadSize(3, None, HOUR_S + 1, machines_usd_micros=339_000, sent_bytes=10**10)
    charge = price(tariff, sized)
    assert (charge.quantity, charge.usd_micros, charge.startup_usd_micros) == (
        6,
        1_580_000,
        340_000,
    )
    assert charge.steps[-1] == (
        "6 server-hours on machines that cost 0.339 an hour together + 10 GB sent x 0.09 = 1.58 USD"
    )


@pytest.mark.parametrize(
    ("machines_usd_micros", "sent_bytes", "why"),
    [(None, 0, "no price of it is given"), (1, None, "how much is sent is not given")],
)
def test_redline13_without_the_machines_or_what_is_sent_has_no_price(
    machines_usd_micros: int | None, sent_bytes: int | None, why: str
) -> None:
    usage = LoadSize(3, None, 60, machines_usd_micros=machines_usd_micros, sent_bytes=sent_bytes)
    charge = price(load_tariff("redline13"), usage)
    assert charge.usd_micros is None
    assert why in str(charge.unknown)


def test_an_older_tariff_names_the_one_that_is_in_force() -> None:
    for name in tariff_names():
        successor = load_tariff(name).superseded_by
        assert successor is None or load_tariff(successor).superseded_by is None, name
    assert load_tariff("loadview-2021-hourly").superseded_by == "loadview"


def test_money_is_rounded_once_half_up_to_cents() -> None:
    tenth_of_a_cent_over = price(load_tariff("on-demand"), LoadSize(1, 503, 300))
    assert tenth_of_a_cent_over.usd_micros == 1_760_000
    half = price(load_tariff("alibaba-pts"), LoadSize(None, 500, 3))
    assert half.usd_micros == 10_000


def test_every_tariff_names_its_sources_and_is_dated() -> None:
    for name in tariff_names():
        for version in tariff_versions(name):
            assert version.as_of <= date(2026, 11, 22), name
            assert version.notes, name
            assert version.sources or name == "on-demand", name


@pytest.mark.parametrize("name", tariff_names())
def test_the_table_of_sources_has_the_tariff_with_the_date_of_its_rule(name: str) -> None:
    newest = load_tariff(name)
    page = Path(__file__).parents[3] / "docs" / "DATA-SOURCES.md"
    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`")]
    assert len(rows) == 1
    assert f"| {newest.version} | {newest.unit} |" in rows[0]
    assert ("(older)" in rows[0]) == (newest.superseded_by is not None)


def test_the_protocols_of_tariffs_are_those_of_scenarios() -> None:
    assert set(PROTOCOLS) == {protocol.value for protocol in Protocol}


def test_an_unknown_tariff_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownTariffError, match=r"'loadvue'.*loadview"):
        load_tariff("loadvue")
    with pytest.raises(UnknownTariffError):
        load_tariff("../plans")


def test_a_tariff_in_hours_has_no_li_minutes() -> None:
    with pytest.raises(NotInLiMinutesError, match="LI-hour"):
        li_minutes(load_tariff("loadview-2021-hourly"), 10, 600)


@pytest.mark.parametrize(
    ("injectors", "users", "duration_s", "protocol", "problem"),
    [
        (None, None, 60, "http", "users, or of injectors"),
        (0, None, 60, "http", "injectors must be from 1"),
        (None, -1, 60, "http", "users must be from 1"),
        (1, 1, 0, "http", "duration in seconds must be from 1"),
        (1, 1, 367 * 86_400, "http", "duration in seconds"),
        (10**7, 1, 60, "http", "injectors"),
        (1, 1, 60, "gopher", "unknown protocol 'gopher'"),
    ],
)
def test_an_impossible_usage_is_refused(
    injectors: int | None, users: int | None, duration_s: int, protocol: str, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        LoadSize(injectors, users, duration_s, protocol)


def test_a_tariff_says_which_number_it_misses() -> None:
    with pytest.raises(UsageError, match="counts users"):
        on_injectors("grafana-k6", 10, 3)
    with pytest.raises(UsageError, match=r"grpc users per injector.*give the number of injectors"):
        with_users("loadview", 100, 60, "grpc")
    with pytest.raises(UsageError, match=r"only for http, jmeter$"):
        with_users("alibaba-pts", 100, 60, "browser")
    with pytest.raises(UsageError, match="125,000,000 injectors"):
        with_users("loadview", 10**9, 60, "browser")
