"""Request watch: how Locust's requests get into a tally, from when they are begun.

Used inside Locust only, by workers and by injectors that have little else of loadmuster. Locust
tells of requests that ended; one that never does, because its target keeps silent, is seen only
where it begins.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

NAMES_MAX = 200
"""Rows of requests that Locust keeps; a test with a million addresses has one more, for the rest.
"""

ERRORS_MAX = 500
"""Different messages of errors that Locust keeps."""

OTHER = "other"


def watch(
    environment: Any,  # noqa: ANN401 - Locust's, untyped. So for the other two
    tally: Any,  # noqa: ANN401
    kinds: Any,  # noqa: ANN401
    at_s: Callable[[], float],
) -> None:
    """Follow every request of this process.

    Args:
        environment: Locust's.
        tally: A ``Tally``.
        kinds: The module ``failure_kinds``.
        at_s: The second that an answer is counted under.
    """
    sessions: tuple[Any, ...] = (FastHttpSession, HttpSession)
    for session in sessions:
        session.request = _followed(session.request, tally)

    def count(
        request_type: str,
        name: str,
        response_time: float | None,
        response: Any = None,  # noqa: ANN401 - of whichever client
        exception: Any = None,  # noqa: ANN401 - an exception, or a text
        **_: object,
    ) -> None:
        tally.answered(at_s(), response_time or 0.0, failed=bool(exception))
        if exception:
            kind = kinds.kind_of_error(exception, _status(response))
            request = kinds.printable(f"{request_type} {name}", kinds.KIND_MAX)
            tally.failed(kind, request, kinds.printable(_said(response, exception)))

    environment.events.request.add_listener(count)
    bound_names(environment.stats)


def bound_names(stats: Any) -> None:  # noqa: ANN401 - Locust's, untyped
    """Let Locust's own table of requests, and of errors, have an end."""
    log_request, log_error = stats.log_request, stats.log_error

    def row(method: str, name: str) -> tuple[str, str]:
        known = (name, method) in stats.entries or len(stats.entries) < NAMES_MAX
        return (method, name) if known else ("", OTHER)

    def request(method: str, name: str, response_time: int, content_length: int) -> None:
        log_request(*row(method, name), response_time, content_length)

    def error(method: str, name: str, said: object) -> None:
        log_error(*row(method, name), said if len(stats.errors) < ERRORS_MAX else OTHER)

    stats.log_request, stats.log_error = request, error


def names_of(stats: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - Locust's, untyped
    """Locust's table of requests, with the histogram of each."""
    return [
        {
            "method": entry.method,
            "name": entry.name,
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            "response_times_ms": sorted(entry.response_times.items()),
        }
        for entry in stats.entries.values()
    ]


def _followed(request: Any, tally: Any) -> Any:  # noqa: ANN401 - methods of Locust's clients
    @functools.wraps(request)
    def followed(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the method's
        token = tally.begin()
        try:
            answer = request(*args, **named)
        except Exception:
            tally.end(token, cut_off=False)
            raise
        except BaseException:
            # Its user is ended while it waits.
            tally.end(token, cut_off=True)
            raise
        tally.end(token, cut_off=False)
        return answer

    return followed


def _status(response: Any) -> int | None:  # noqa: ANN401 - of whichever client
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _said(response: Any, exception: object) -> str | bytes:  # noqa: ANN401 - of whichever client
    """The body of the answer if there is one, else what the exception says."""
    try:
        body = getattr(response, "content", None)
    except Exception:  # noqa: BLE001 - a body that cannot be read says nothing
        body = None
    if isinstance(body, (str, bytes)) and body:
        return body
    return f"{type(exception).__name__}: {exception}"
