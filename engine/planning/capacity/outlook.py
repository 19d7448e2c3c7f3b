"""Outlook: the most and the least that one user may turn out to take of a machine.

A figure that nobody measured for the very test lies in a range, and so does a pace that nobody
says. The range is that of the load engine's users, as published and measured; ``docs/estimates.md``
holds it against what was measured of users that behave very differently.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from engine.planning.capacity.assumed import (
    ASSUMED_SIZE_HIGH_PERCENT,
    ASSUMED_SIZE_LOW_PERCENT,
    PACE_HIGH_PERCENT,
    PACE_LOW_PERCENT,
)
from engine.planning.capacity.demand import BYTES_PER_MIB, Demand
from engine.planning.capacity.figures import ProtocolFigures, figures_of
from engine.scenario import Scenario
from kernel.division import ceil_div


def outlook(scenario: Scenario, demand: Demand) -> tuple[Demand, Demand]:
    """The most and the least that one user may turn out to take.

    Args:
        scenario: What is to be run.
        demand: What ``demand_of`` expects one of its users to take.

    Returns:
        No machine carries more users of the first than of the expected, nor fewer of the second.
    """
    measured = scenario.measured
    if measured is not None:
        heaviest, lightest = measured.processor_high_us, measured.processor_low_us
        return (
            replace(demand, processor_us_per_request=heaviest),
            replace(demand, processor_us_per_request=lightest),
        )
    figures = figures_of(scenario)
    return _heaviest(scenario, demand, figures), _lightest(scenario, demand, figures)


def _heaviest(scenario: Scenario, demand: Demand, figures: ProtocolFigures) -> Demand:
    sizes = _sizes(scenario, demand, ASSUMED_SIZE_HIGH_PERCENT)
    percent = PACE_HIGH_PERCENT if demand.is_pace_assumed else 100
    expected_us, most_us = demand.processor_us_per_request, figures.processor_us_per_request_most
    if expected_us is not None and most_us is not None:
        # The figure is of small ones; here all bytes count beside it.
        expected_us = max(
            expected_us, most_us + sum(sizes) * figures.processor_us_per_mib // BYTES_PER_MIB
        )
    return replace(
        demand,
        payload=figures.payload_least,
        processor_us_per_request=expected_us,
        memory_kib_per_user=_memory(scenario, demand, figures.memory_kib_per_user_most, max),
        requests_per_million_s=ceil_div(demand.requests_per_million_s * percent, 100),
        request_bytes=sizes[0],
        response_bytes=sizes[1],
    )


def _lightest(scenario: Scenario, demand: Demand, figures: ProtocolFigures) -> Demand:
    sizes = _sizes(scenario, demand, ASSUMED_SIZE_LOW_PERCENT)
    percent = PACE_LOW_PERCENT if demand.is_pace_assumed else 100
    expected_us, least_us = demand.processor_us_per_request, figures.processor_us_per_request_least
    # A payload that is to hold whatever users do is no bound for those that do little.
    payload = figures.payload_most if least_us is None else None
    if expected_us is not None and least_us is not None:
        expected_us = min(expected_us, least_us)
    return replace(
        demand,
        payload=payload,
        processor_us_per_request=expected_us,
        memory_kib_per_user=_memory(scenario, demand, figures.memory_kib_per_user_least, min),
        requests_per_million_s=max(1, demand.requests_per_million_s * percent // 100),
        request_bytes=sizes[0],
        response_bytes=sizes[1],
        users_per_process=figures.users_per_process_most,
    )


def _sizes(scenario: Scenario, demand: Demand, percent: int) -> tuple[int, int]:
    """Bytes of a request and of the response to it; bodies that the scenario says are certain."""
    sent, received = demand.request_bytes, demand.response_bytes
    if scenario.request_bytes is None:
        sent = demand.body_bytes + (sent - demand.body_bytes) * percent // 100
    if scenario.response_bytes is None:
        received = received * percent // 100
    return sent, received


def _memory(
    scenario: Scenario, demand: Demand, other_kib: int | None, choose: Callable[[int, int], int]
) -> int:
    expected_kib = demand.memory_kib_per_user
    if other_kib is None or scenario.memory_mib_per_user is not None:
        return expected_kib
    return choose(expected_kib, other_kib)
