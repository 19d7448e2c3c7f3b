"""Reading a cloud's price list page by page: what both clouds have in common.

Reading changes nothing, so a page is asked for again not only while the cloud throttles but also
when its answer is lost or cut off; each wait, and their number, has a bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_random_exponential,
)

from kernel.clock import Clock
from kernel.errors import ProviderFailedError
from providers.errors import ThrottledError, UnknownOutcomeError
from providers.throttling import RETRY_AFTER

T = TypeVar("T")

ATTEMPTS = 7
UNREACHABLE_ATTEMPTS = 3
"""Where nobody answers at all, waiting seldom helps."""

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 65.0
"""The limits of Azure's list are by the minute, as far as is known."""

LONGEST_ASKED_WAIT_S = 180.0
"""A cloud that asks to be left alone for longer is obeyed by giving up earlier, not by waiting."""

UNREACHABLE = "unreachable"
"""Fact of an error: no connection came about."""

_NO_CONNECTION = frozenset({"EndpointConnectionError", "ConnectTimeoutError"})
_backoff = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


class StalePlaceError(ProviderFailedError):
    """The place where reading would go on has expired: the list has to be read from its start."""

    code = "price_list_place_expired"


def asked_again(clock: Clock, once: Callable[[], T]) -> T:
    """The answer to a request that only reads, asked for again while that may help.

    Raises:
        ThrottledError, UnknownOutcomeError: What the last attempt ended with.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((ThrottledError, UnknownOutcomeError)),
        wait=_wait_s,
        stop=_is_enough,
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(once)


def _is_enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    unreachable = isinstance(error, UnknownOutcomeError) and (
        error.facts.get(UNREACHABLE) is True or error.facts.get("aws_code") in _NO_CONNECTION
    )
    return state.attempt_number >= (UNREACHABLE_ATTEMPTS if unreachable else ATTEMPTS)


def _wait_s(state: RetryCallState) -> float:
    """As long as the cloud asks, and a random while more, lest many return together."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.facts.get(RETRY_AFTER) if isinstance(error, ThrottledError) else None
    asked_s = min(float(asked), LONGEST_ASKED_WAIT_S) if isinstance(asked, int) else 0.0
    return asked_s + _backoff(state)
