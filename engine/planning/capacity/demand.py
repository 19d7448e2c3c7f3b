"""Demand: what one user of a scenario takes of a machine, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from engine.planning.capacity.figures import FIGURES, ProtocolFigures
from engine.scenario import Scenario, UserClass
from kernel.words import counted


class Demand(Struct, frozen=True):
    """What one user of a scenario takes; the fields are those of ``ProtocolFigures``.

    Attributes:
        paced: The pace of requests is the scenario's, or was measured; otherwise it is the
            protocol's and bounds the network, but not the processor.
        unsaid: What was assumed, by the name of the field that would say it.
    """

    payload: int | None
    processor_us_per_request: int | None
    memory_kib_per_user: int
    connections_per_user: int
    requests_per_million_s: int
    request_bytes: int
    response_bytes: int
    paced: bool
    unsaid: tuple[tuple[str, str], ...]


def demand_of(scenario: Scenario) -> Demand:
    """What one user takes.

    What the scenario says comes first, then what its users were measured to take, then the
    protocol's figures.
    """
    figures, measured = FIGURES[scenario.protocol], scenario.measured
    pace = _requests_per_million_s(scenario)
    demand = Demand(
        payload=figures.payload,
        processor_us_per_request=figures.processor_us_per_request,
        memory_kib_per_user=(
            figures.memory_kib_per_user
            if scenario.memory_mib_per_user is None
            else scenario.memory_mib_per_user * 1_024
        ),
        connections_per_user=scenario.connections_per_user or figures.connections_per_user,
        requests_per_million_s=figures.requests_per_million_s if pace is None else pace,
        request_bytes=_or_else(scenario.request_bytes, figures.request_bytes),
        response_bytes=_or_else(scenario.response_bytes, figures.response_bytes),
        paced=pace is not None,
        unsaid=tuple(_unsaid(scenario, figures, pace)),
    )
    if measured is None:
        return demand
    return replace(
        demand,
        payload=None,
        processor_us_per_request=measured.processor_us_per_request,
        memory_kib_per_user=(
            demand.memory_kib_per_user
            if scenario.memory_mib_per_user is not None or measured.memory_kib_per_user is None
            else measured.memory_kib_per_user
        ),
        paced=True,
    )


def outlook(scenario: Scenario, demand: Demand) -> tuple[Demand, Demand]:
    """The most and the least that one user may turn out to take of the processor.

    As far as published payloads lie apart, or as measurements do.

    Args:
        scenario: What is to be run.
        demand: What ``demand_of`` expects one of its users to take.
    """
    figures, measured = FIGURES[scenario.protocol], scenario.measured
    if measured is not None:
        heaviest, lightest = measured.processor_high_us, measured.processor_low_us
        return (
            replace(demand, processor_us_per_request=heaviest),
            replace(demand, processor_us_per_request=lightest),
        )
    return (
        replace(demand, payload=figures.payload_least),
        replace(
            demand,
            payload=figures.payload_most,
            processor_us_per_request=figures.processor_us_per_request_least,
        ),
    )


def _unsaid(
    scenario: Scenario, figures: ProtocolFigures, pace: int | None
) -> Iterator[tuple[str, str]]:
    if pace is None:
        assumed = f"{figures.requests_per_million_s / 1_000_000:g} a second and user"
        without_pause = [each.name for each in scenario.user_classes if _pause_s(each) == 0]
        reason = (
            f"the user class {without_pause[0]!r} has no think time"
            if without_pause
            else "the scenario does not say how many requests a user makes"
        )
        yield "requests_per_user_second", f"{reason}; assumed {assumed}"
    for name, value, assumption in (
        ("payload.request_bytes", scenario.request_bytes, figures.request_bytes),
        ("payload.response_bytes", scenario.response_bytes, figures.response_bytes),
    ):
        if value is None:
            yield name, f"the scenario does not say it; assumed {counted(assumption, 'byte')}"


def _requests_per_million_s(scenario: Scenario) -> int | None:
    """The pace that the scenario tells, that was measured, or that its think times bound."""
    if scenario.requests_per_user_s is not None:
        return max(1, round(scenario.requests_per_user_s * 1_000_000))
    if scenario.measured is not None:
        return scenario.measured.requests_per_million_s
    pauses_s = [(each.weight, _pause_s(each)) for each in scenario.user_classes]
    if not pauses_s or any(pause_s == 0 for _, pause_s in pauses_s):
        return None
    # A user cannot make more than one request per pause, however fast the target answers.
    pace = sum((weight / pause_s for weight, pause_s in pauses_s), Fraction())
    return max(1, round(pace * 1_000_000 / sum(weight for weight, _ in pauses_s)))


def _pause_s(user_class: UserClass) -> Fraction:
    least_s, most_s = user_class.think_time_s
    return (Fraction(least_s) + Fraction(most_s)) / 2


def _or_else(value: int | None, default: int) -> int:
    return default if value is None else value
