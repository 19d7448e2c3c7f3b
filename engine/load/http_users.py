"""Locust users that make a scenario's requests; needs nothing but Locust and Python.

Imported inside Locust only: by the native master and workers, and by injectors that have nothing
of loadmuster but this file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import gevent
from locust import FastHttpUser, HttpUser, between, constant_pacing

Document = Mapping[str, Any]


KINDS: Mapping[str, type[Any]] = {"FastHttpUser": FastHttpUser, "HttpUser": HttpUser}


def http_users(
    target: str,
    user_classes: Iterable[Document],
    step_s: float,
    kind: str,
    iteration_s: float | None = None,
) -> dict[str, type[Any]]:
    """What a locustfile has to hold, by name.

    Args:
        target: Base URL, without a slash at its end.
        user_classes: In the form of ``engine.scenario.json``.
        step_s: Seconds between two changes of the number of users, over which new ones spread.
        kind: One of ``KINDS``. ``FastHttpUser`` makes about three times as many requests per
            processor second, so an injector carries three times the load before it measures itself
            instead of the target.
        iteration_s: How long a user of an open model stays; None: users do not arrive. One that
            would think for longer makes a request in each such time instead, since each arrival
            makes one at least.
    """
    return {
        f"user_class_{number}": _user_class(target, each, step_s, KINDS[kind], iteration_s)
        for number, each in enumerate(user_classes)
    }


def _user_class(
    target: str, user_class: Document, step_s: float, base: type[Any], iteration_s: float | None
) -> type[Any]:
    """A class of Locust users."""
    requests = user_class["requests"]
    weights = list(accumulate(request["weight"] for request in requests))
    think_time_s = user_class["think_time_s"]
    pause = between(*think_time_s)
    if iteration_s is not None and sum(think_time_s) / 2 > iteration_s:
        pause = constant_pacing(iteration_s)

    def begin(_user: Any) -> None:  # noqa: ANN401 - one of KINDS
        # Users that start in the same step spread over it; in lockstep they would queue.
        gevent.sleep(random.uniform(0, step_s))  # noqa: S311 - no secret

    def act(user: Any) -> None:  # noqa: ANN401 - one of KINDS
        (request,) = random.choices(requests, cum_weights=weights)  # noqa: S311 - no secret
        _send(user, target, request)

    return type(
        user_class["name"],
        (base,),
        {
            "host": target,
            "weight": user_class["weight"],
            "wait_time": pause,
            "on_start": begin,
            "tasks": [act],
        },
    )


def _send(user: Any, target: str, request: Document) -> None:  # noqa: ANN401 - one of KINDS
    """Make one request below the target, whatever host Locust was configured with.

    Redirects are answers, not followed: they could lead away from the target.
    """
    user.client.request(
        request["method"],
        f"{target}/{request['path'].lstrip('/')}",
        name=request["name"] or request["path"],
        data=request["body"],
        headers=_headers(request["body"]),
        allow_redirects=False,
    )


def _headers(body: str | None) -> dict[str, str]:
    if body is None:
        return {}
    try:
        json.loads(body)
    except ValueError:
        return {"Content-Type": "text/plain; charset=utf-8"}
    return {"Content-Type": "application/json"}
