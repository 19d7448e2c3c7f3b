from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pricing.tariffs import (
    LoadSize,
    Tariff,
    li_minutes,
    load_tariff,
    price,
    tariff_names,
    tariff_versions,
)

TARIFFS = [version for name in tariff_names() for version in tariff_versions(name)]
SIZED_BY_USERS = [
    tariff
    for tariff in TARIFFS
    if "http" in tariff.users_per_injector or not tariff.looks_at_injectors
]
DURATIONS_S = st.integers(1, 100_000)
USERS = st.integers(1, 200_000)
INJECTORS = st.integers(1, 1_500)
MORE = st.integers(0, 2_000)


@given(st.sampled_from(TARIFFS), INJECTORS, USERS, DURATIONS_S, MORE, MORE, MORE)
def test_r3_more_users_injectors_or_time_never_cost_less(
    tariff: Tariff,
    injectors: int,
    users: int,
    duration_s: int,
    more_injectors: int,
    more_users: int,
    more_s: int,
) -> None:
    smaller = price(tariff, LoadSize(injectors, users, duration_s))
    larger = price(
        tariff, LoadSize(injectors + more_injectors, users + more_users, duration_s + more_s)
    )
    assert larger.quantity >= smaller.quantity
    assert (larger.usd_micros or 0) >= (smaller.usd_micros or 0)


@given(st.sampled_from(SIZED_BY_USERS), USERS, DURATIONS_S, MORE)
def test_r3_more_users_never_cost_less_when_they_decide_the_injectors(
    tariff: Tariff, users: int, duration_s: int, more: int
) -> None:
    fewer = price(tariff, LoadSize(None, users, duration_s))
    more_of_them = price(tariff, LoadSize(None, users + more, duration_s))
    assert more_of_them.quantity >= fewer.quantity


@given(st.sampled_from(TARIFFS), INJECTORS, USERS, DURATIONS_S)
def test_the_start_up_part_is_within_the_whole_and_money_is_in_cents(
    tariff: Tariff, injectors: int, users: int, duration_s: int
) -> None:
    charge = price(tariff, LoadSize(injectors, users, duration_s))
    assert 0 <= charge.startup_quantity <= charge.quantity
    if charge.usd_micros is not None:
        assert charge.startup_usd_micros is not None
        assert 0 <= charge.startup_usd_micros <= charge.usd_micros
        assert charge.usd_micros % 10_000 == 0
        assert charge.startup_usd_micros % 10_000 == 0


@given(INJECTORS, DURATIONS_S)
def test_c36_li_minutes_are_injectors_times_started_minutes_or_the_floor(
    injectors: int, duration_s: int
) -> None:
    floor = 5 if injectors <= 100 else 15 if injectors <= 500 else 30
    started = (duration_s + 59) // 60
    expected = (injectors * floor, injectors * max(floor, started))
    assert li_minutes(load_tariff("loadview"), injectors, duration_s) == expected
    assert li_minutes(load_tariff("on-demand"), injectors, duration_s) == expected


@given(INJECTORS, DURATIONS_S)
def test_li_minutes_are_what_the_price_counts(injectors: int, duration_s: int) -> None:
    tariff = load_tariff("on-demand")
    charge = price(tariff, LoadSize(injectors, None, duration_s))
    assert li_minutes(tariff, injectors, duration_s) == (charge.startup_quantity, charge.quantity)
