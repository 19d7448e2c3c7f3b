"""Demand: what one user of a scenario takes of a machine, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from engine.planning.capacity.figures import FIGURES, ProtocolFigures
from engine.planning.capacity.requests import (
    HEAD_BYTES,
    MILLION_S,
    body_bytes_of,
    classes_without_pause,
    least_pace_of,
    pace_of,
)
from engine.scenario import Scenario
from kernel.words import counted


class Demand(Struct, frozen=True):
    """What one user of a scenario takes; the fields are those of ``ProtocolFigures``.

    Attributes:
        body_bytes: Of ``request_bytes``, what the bodies take that the scenario says, on average.
        unsaid: What was assumed, by the name of the field that would say it.
    """

    payload: int | None
    processor_us_per_request: int | None
    memory_kib_per_user: int
    connections_per_user: int
    requests_per_million_s: int
    request_bytes: int
    response_bytes: int
    body_bytes: int
    unsaid: tuple[tuple[str, str], ...]


def demand_of(scenario: Scenario) -> Demand:
    """What one user takes.

    What the scenario says comes first, then what its users were measured to take, then the
    protocol's figures.
    """
    figures, measured = FIGURES[scenario.protocol], scenario.measured
    pace = pace_of(scenario)
    body_bytes = 0 if scenario.request_bytes is not None else body_bytes_of(scenario)
    demand = Demand(
        payload=figures.payload,
        processor_us_per_request=figures.processor_us_per_request,
        memory_kib_per_user=(
            figures.memory_kib_per_user
            if scenario.memory_mib_per_user is None
            else scenario.memory_mib_per_user * 1_024
        ),
        connections_per_user=scenario.connections_per_user or figures.connections_per_user,
        requests_per_million_s=_pace_of(scenario, figures, pace),
        request_bytes=_or_else(scenario.request_bytes, _sent_bytes(figures, body_bytes)),
        response_bytes=_or_else(scenario.response_bytes, figures.response_bytes),
        body_bytes=body_bytes,
        unsaid=tuple(_unsaid(scenario, figures, pace, body_bytes)),
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
    scenario: Scenario, figures: ProtocolFigures, pace: int | None, body_bytes: int
) -> Iterator[tuple[str, str]]:
    if pace is None:
        assumed = f"{_pace_of(scenario, figures, pace) / MILLION_S:g} a second and user"
        without_pause = classes_without_pause(scenario)
        reason = (
            f"the user class {without_pause[0]!r} has no think time"
            if without_pause
            else "the scenario does not say how many requests a user makes"
        )
        yield "requests_per_user_second", f"{reason}; assumed {assumed}"
    if scenario.request_bytes is None:
        sent_bytes = counted(_sent_bytes(figures, body_bytes), "byte")
        said = "the scenario does not say it"
        if body_bytes:
            said = f"of it the scenario says the bodies, {counted(body_bytes, 'byte')} on average"
        yield "payload.request_bytes", f"{said}; assumed {sent_bytes}"
    if scenario.response_bytes is None:
        received_bytes = counted(figures.response_bytes, "byte")
        yield (
            "payload.response_bytes",
            f"the scenario does not say it; assumed {received_bytes}",
        )


def _pace_of(scenario: Scenario, figures: ProtocolFigures, pace: int | None) -> int:
    if pace is not None:
        return pace
    return max(figures.requests_per_million_s, least_pace_of(scenario))


def _sent_bytes(figures: ProtocolFigures, body_bytes: int) -> int:
    """Never less than a request of which nothing is known."""
    return max(figures.request_bytes, HEAD_BYTES + body_bytes)


def _or_else(value: int | None, default: int) -> int:
    return default if value is None else value
