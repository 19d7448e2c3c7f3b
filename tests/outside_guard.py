"""Watches every call to the outside that a test makes: none with a transaction open.

The product refuses to call a payment gateway so. Clouds and web servers are called through
libraries, at whose doors this stands: AWS calls, Azure pipelines, and HTTP of the standard library,
on which the others are built.
"""

from __future__ import annotations

import functools
import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import pytest
from azure.core.pipeline import Pipeline
from botocore.client import BaseClient

from kernel.outside import CalledInTransactionError, check_outside

DOORS: tuple[tuple[type, str], ...] = (
    (BaseClient, "_make_api_call"),
    (Pipeline, "run"),
    (http.client.HTTPConnection, "putrequest"),
)

CAUGHT: list[str] = []
"""What was called with a transaction open, since the test began."""


P = ParamSpec("P")
T = TypeVar("T")


def _watched(called: str, original: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(original)
    def call(*args: P.args, **named: P.kwargs) -> T:
        try:
            check_outside(called)
        except CalledInTransactionError as error:
            # Whoever calls may swallow it: the test fails all the same.
            CAUGHT.append(error.line)
            raise
        return original(*args, **named)

    return call


@contextmanager
def guarded() -> Iterator[None]:
    """Every door is watched meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for door, method in DOORS:
            original = getattr(door, method)
            patch.setattr(door, method, _watched(f"{door.__name__}.{method}", original))
        yield
