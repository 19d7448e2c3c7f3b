"""Demand: what one user of a scenario takes of a machine, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from engine.planning.capacity.figures import ProtocolFigures, figures_of
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

USUAL_BYTES = 256 * 1_024
"""Requests and answers that are larger together take processor time beyond a request's figure."""

PACE = "requests_per_user_second"

BYTES_PER_MIB = 1_024 * 1_024


class Demand(Struct, frozen=True):
    """What one user of a scenario takes; the fields are those of ``ProtocolFigures``.

    Attributes:
        body_bytes: Of ``request_bytes``, what the bodies take that the scenario says, on average.
        unsaid: What was assumed, by the name of the field that would say it.
        users_per_process: That one process of the load engine holds, of which a machine runs one;
            None: as many as the machine.
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
    users_per_process: int | None = None

    @property
    def is_pace_assumed(self) -> bool:
        """Whether nobody says how many requests a user makes."""
        return any(field == PACE for field, _ in self.unsaid)


def demand_of(scenario: Scenario) -> Demand:
    """What one user takes.

    What the scenario says comes first, then what its users were measured to take, then the
    protocol's figures.
    """
    figures, measured = figures_of(scenario), scenario.measured
    pace = pace_of(scenario)
    body_bytes = 0 if scenario.request_bytes is not None else body_bytes_of(scenario)
    request_bytes = _or_else(scenario.request_bytes, _sent_bytes(figures, body_bytes))
    response_bytes = _or_else(scenario.response_bytes, figures.response_bytes)
    large_us = _large_us(figures, request_bytes + response_bytes)
    demand = Demand(
        payload=figures.payload,
        processor_us_per_request=_more(figures.processor_us_per_request, large_us),
        memory_kib_per_user=(
            figures.memory_kib_per_user
            if scenario.memory_mib_per_user is None
            else scenario.memory_mib_per_user * 1_024
        ),
        connections_per_user=scenario.connections_per_user or figures.connections_per_user,
        requests_per_million_s=_pace_of(scenario, figures, pace),
        request_bytes=request_bytes,
        response_bytes=response_bytes,
        body_bytes=body_bytes,
        unsaid=tuple(_unsaid(scenario, figures, pace, body_bytes)),
        users_per_process=figures.users_per_process,
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
        yield PACE, f"{reason}; assumed {assumed}"
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


def _large_us(figures: ProtocolFigures, size_bytes: int) -> int:
    """What is not in the figure of a request: what large ones take beyond the usual size."""
    beyond = max(0, size_bytes - USUAL_BYTES)
    return beyond * figures.processor_us_per_mib // BYTES_PER_MIB


def _more(processor_us: int | None, large_us: int) -> int | None:
    return None if processor_us is None else processor_us + large_us


def _or_else(value: int | None, default: int) -> int:
    return default if value is None else value
