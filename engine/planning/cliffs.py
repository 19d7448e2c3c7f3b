"""Cliffs of a scenario: its neighbours across an edge of a tariff's price, and how they read."""

from __future__ import annotations

from functools import partial

from engine.planning.offers import usage_of
from engine.planning.requirement import Requirement, injectors_for, peak_users
from engine.scenario import Scenario
from kernel.division import ceil_div
from kernel.durations import format_duration
from kernel.words import counted
from pricing.money import format_cents
from pricing.tariffs import Cliff, CliffDimension, Tariff, TariffPrice, cliffs, plural


def cliffs_of(
    tariff: Tariff, scenario: Scenario, requirement: Requirement, payload: int | None
) -> tuple[Cliff, ...]:
    """The scenario's neighbours across an edge, the cheaper ones first.

    Args:
        tariff: Whose price.
        scenario: What is to be run.
        requirement: What it takes.
        payload: Users on an injector of the tariff's; None: the requirement's own number of
            injectors stays whatever the users.
    """
    if payload is None:
        return cliffs(tariff, usage_of(scenario, requirement.injectors))
    fleet = partial(_fleet, scenario, payload)
    return cliffs(tariff, usage_of(scenario, fleet(peak_users(scenario))), fleet)


def house_cliffs(tariff: Tariff, scenario: Scenario, requirement: Requirement) -> tuple[Cliff, ...]:
    """Those of the own plans, whose injectors follow the requirement."""
    is_fixed = scenario.injectors is not None
    payload = None if is_fixed else requirement.users_per_injector
    return cliffs_of(tariff, scenario, requirement, payload)


def in_words(cliff: Cliff) -> str:
    """One sentence: what would differ, and what that does to the price."""
    here, there = cliff.price_here, cliff.price_there
    unit = plural(here.unit)
    if cliff.is_cheaper:
        change = _smaller(cliff)
        price = f"{there.quantity:,} instead of {here.quantity:,} {unit}"
    else:
        change = _larger(cliff)
        price = f"{there.quantity:,} {unit} instead of {here.quantity:,}"
    return f"{change}: {price}{_money(here, there)}"


def _smaller(cliff: Cliff) -> str:
    if cliff.size is CliffDimension.DURATION:
        return f"{format_duration(cliff.there)} instead of {format_duration(cliff.here)}"
    words = f"{cliff.there:,} {cliff.size.value} instead of {cliff.here:,}"
    if cliff.size is CliffDimension.INJECTORS and cliff.usage.users is not None:
        words += f", with {counted(ceil_div(cliff.usage.users, cliff.there), 'user')} each"
    return words


def _larger(cliff: Cliff) -> str:
    if cliff.size is CliffDimension.DURATION:
        return "one second more"
    if cliff.size is CliffDimension.USERS:
        return "one more user takes another injector"
    return "one more injector"


def _money(here: TariffPrice, there: TariffPrice) -> str:
    if here.usd_micros is None or there.usd_micros is None:
        return ""
    return f" ({format_cents(there.usd_micros)} instead of {format_cents(here.usd_micros)} USD)"


def _fleet(scenario: Scenario, payload: int, users: int) -> int:
    return injectors_for(scenario, users, payload)
