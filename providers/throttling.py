"""Asking again while a cloud throttles: with jitter, on the caller's clock, and with a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from kernel.clock import Clock
from providers.errors import ThrottledError

T = TypeVar("T")

RETRY_AFTER = "retry_after_s"
"""Fact of an error: how long the cloud asks to be left alone."""

ATTEMPTS = 6
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 20.0
_backoff = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


def while_throttled(clock: Clock, once: Callable[[], T]) -> T:
    """The answer to a request that is sent again while the cloud throttles it.

    Raises:
        ThrottledError: The cloud still does after the last attempt.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(ThrottledError),
        wait=_wait_s,
        stop=stop_after_attempt(ATTEMPTS),
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(once)


def _wait_s(state: RetryCallState) -> float:
    """As long as the cloud asks, and a random while more, lest many return together."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.facts.get(RETRY_AFTER) if isinstance(error, ThrottledError) else None
    asked_s = min(asked, LONGEST_WAIT_S) if isinstance(asked, int) else 0.0
    return asked_s + _backoff(state)
