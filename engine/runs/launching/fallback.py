"""What a refused launch means: send it again, try another place, or fail.

The decision follows the error's kind, never its text. No capacity and no quota are answered by
another place, in another cloud where the user said so; throttling is not a lack of capacity, so the
same place is tried again, with a new token where the old one can only give the same answer.
"""

from __future__ import annotations

from msgspec import Struct

from engine.runs.model.states import Placement, Run
from kernel.errors import LoadmusterError
from providers.errors import (
    SPENT,
    CapacityUnavailableError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)

TRIES_MAX = 8
"""Tries of one placement, over all places; then the run fails."""

SHORT_FOR_S = {CapacityUnavailableError: 180.0, QuotaExceededError: 600.0}
"""How long a place is avoided: others' machines go within minutes, quotas are raised by hand."""


class SendAgain(Struct, frozen=True):
    """The same calls with the same tokens, a little later."""


class Detour(Struct, frozen=True):
    """Try a placement again, at one of its options.

    Attributes:
        placement: Which, from 0.
        option: Where now.
        avoid_s: How long the place that refused is to be avoided by other runs; 0: not at all.
        reason: For people.
    """

    placement: int
    option: int
    avoid_s: float
    reason: str


class Fail(Struct, frozen=True):
    """There is nowhere left to try."""


def after_refusal(run: Run, placement: int, error: LoadmusterError) -> SendAgain | Detour | Fail:
    """What to do once the launch of a placement was refused."""
    spent = bool(error.facts.get(SPENT))
    if isinstance(error, (ThrottledError, UnknownOutcomeError)) and not spent:
        return SendAgain()
    route = run.all_routes[placement]
    options = run.order.placements[placement].options
    if len(route) >= TRIES_MAX:
        return Fail()
    if isinstance(error, ThrottledError):
        return Detour(placement, route[-1], 0.0, f"throttled in {options[route[-1]].region}")
    for kind, avoid_s in SHORT_FOR_S.items():
        if isinstance(error, kind) and route[-1] + 1 < len(options):
            return Detour(
                placement,
                route[-1] + 1,
                avoid_s,
                f"{_named(options[route[-1]])}: {error.line}; "
                f"trying {_named(options[route[-1] + 1], options[route[-1]].provider)}",
            )
    return Fail()


def routes_after(run: Run, detour: Detour) -> tuple[tuple[int, ...], ...]:
    """The run's routes once the detour is taken."""
    routes = list(run.all_routes)
    routes[detour.placement] = (*routes[detour.placement], detour.option)
    return tuple(routes)


def _named(place: Placement, coming_from: str | None = None) -> str:
    named = f"{place.machine_types[0]} in {place.region}"
    return named if coming_from in (None, place.provider) else f"{named} on {place.provider}"
