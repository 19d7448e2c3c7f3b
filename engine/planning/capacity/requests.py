"""Requests: how often the users of a scenario make them, and what their bodies take."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from engine.scenario import Scenario, UserClass
from engine.scenario.profile import iteration_s_of

MILLION_S = 1_000_000

HEAD_BYTES = 200
"""Assumed for the request line and the headers of a request whose body is known."""


def pace_of(scenario: Scenario) -> int | None:
    """Requests that one user makes in a million seconds; None: the scenario does not say it.

    It is what the scenario tells, else what was measured, else what its think times bound: a user
    cannot make more than one request per pause, however fast the target answers. A user of an open
    model makes at least one in each iteration, since that is what it arrived for.
    """
    told = _told(scenario)
    return None if told is None else max(told, least_pace_of(scenario))


def least_pace_of(scenario: Scenario) -> int:
    """Requests in a million seconds that make one an iteration; 0: nobody knows an iteration."""
    iteration_s = iteration_s_of(scenario.profile)
    return 0 if iteration_s is None else max(1, round(MILLION_S / Fraction(iteration_s)))


def classes_without_pause(scenario: Scenario) -> Sequence[str]:
    """The classes whose users make requests as fast as the target answers."""
    return [each.name for each in scenario.user_classes if _pause_s(each) == 0]


def body_bytes_of(scenario: Scenario) -> int:
    """Bytes of a request's body, on average over all requests of all classes; rounded up."""
    classes = scenario.user_classes
    if not any(request.body for each in classes for request in each.requests):
        return 0
    paced = all(_pause_s(each) for each in classes)
    # Classes that pause for less make more of the requests; without pauses nobody knows which do.
    shares = [Fraction(each.weight) / (_pause_s(each) if paced else 1) for each in classes]
    mean = sum(
        (share * _body_bytes(each) for share, each in zip(shares, classes, strict=True)), Fraction()
    )
    return -int(-mean // sum(shares))


def _told(scenario: Scenario) -> int | None:
    if scenario.requests_per_user_s is not None:
        return max(1, round(scenario.requests_per_user_s * MILLION_S))
    if scenario.measured is not None:
        return scenario.measured.requests_per_million_s
    pauses_s = [(each.weight, _turn_s(scenario, each)) for each in scenario.user_classes]
    if not pauses_s or any(pause_s == 0 for _, pause_s in pauses_s):
        return None
    pace = sum((weight / pause_s for weight, pause_s in pauses_s), Fraction())
    return max(1, round(pace * MILLION_S / sum(weight for weight, _ in pauses_s)))


def _turn_s(scenario: Scenario, user_class: UserClass) -> Fraction:
    """Between two requests of a user: its pause, or its iteration if that is shorter."""
    iteration_s, pause_s = iteration_s_of(scenario.profile), _pause_s(user_class)
    return pause_s if iteration_s is None else min(pause_s, Fraction(iteration_s))


def _pause_s(user_class: UserClass) -> Fraction:
    least_s, most_s = user_class.think_time_s
    return (Fraction(least_s) + Fraction(most_s)) / 2


def _body_bytes(user_class: UserClass) -> Fraction:
    weights = sum(each.weight for each in user_class.requests)
    sent = sum(each.weight * len(each.body.encode()) for each in user_class.requests if each.body)
    return Fraction(sent, weights)
