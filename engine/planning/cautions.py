"""What an estimate of users does not count: connections that are opened anew, all at once or often.

A user's figures are those of requests on a connection that is kept. Opening one takes processor
time of its own, most of it for TLS. How often that happens nobody says in a scenario, so that it is
told and not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from engine.planning.capacity import (
    PROCESSOR_CEILING_PERCENT,
    STANDARD_INJECTOR,
    ProtocolFigures,
    figures_of,
)
from engine.planning.requirement import Requirement
from engine.scenario import Scenario
from engine.scenario.profile import Curve
from kernel.durations import format_duration
from kernel.words import counted

US_PER_S = 1_000_000

HEADROOM = 1 - PROCESSOR_CEILING_PERCENT / 100
"""The part of the processor that users at their pace leave."""

NOTICED_S = 1.0
"""What all processors are done with sooner is no trouble."""


def connection_cautions(scenario: Scenario, requirement: Requirement) -> Iterator[str]:
    """One sentence each: on new TLS connections, and on users who come faster than they can."""
    figures = figures_of(scenario)
    if figures.connection_us == 0:
        return
    if _is_tls(scenario) and scenario.measured is None:
        yield from _about_tls(figures)
    users = scenario.profile.users
    if users is not None:
        yield from _about_ramp_up(users, _opening_us(scenario, figures), requirement)


def _about_tls(figures: ProtocolFigures) -> Iterator[str]:
    request_us = figures.processor_us_per_request
    if request_us:
        times = (request_us + figures.tls_connection_us) / request_us
        yield (
            "TLS connections are taken to be kept; requests that each open a new one take about "
            f"{times:.1f} times the processor, which is not counted"
        )


def _about_ramp_up(curve: Curve, opening_us: int, requirement: Requirement) -> Iterator[str]:
    """Where opening the connections of users who come takes more than others leave."""
    come, over_s = _steepest(curve)
    processors = requirement.injectors * STANDARD_INJECTOR.vcpus
    busy_s = come * opening_us / US_PER_S / processors
    if busy_s < NOTICED_S or busy_s <= HEADROOM * over_s:
        return
    least = format_duration(max(1, round(busy_s / HEADROOM)))
    yield (
        f"{counted(round(come), 'user')} come within {format_duration(max(1, round(over_s)))}: "
        f"opening their connections takes all injectors about {format_duration(round(busy_s))}, "
        f"which is not counted; let them come over {least} or more"
    )


def _steepest(curve: Curve) -> tuple[float, float]:
    """How many users come in the steepest part of the curve, and in how many seconds."""
    first = curve.points[0]
    rises = [
        (first.level, 0.0),
        *((b.level - a.level, b.at_s - a.at_s) for a, b in pairwise(curve.points)),
    ]
    return max(rises, key=lambda rise: rise[0] / max(1.0, rise[1]))


def _opening_us(scenario: Scenario, figures: ProtocolFigures) -> int:
    return figures.tls_connection_us if _is_tls(scenario) else figures.connection_us


def _is_tls(scenario: Scenario) -> bool:
    return scenario.target is not None and scenario.target.startswith(("https:", "wss:"))
