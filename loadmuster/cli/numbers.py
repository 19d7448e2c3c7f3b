"""Numbers on the command line: what is none, or too large to be meant, is told in one line."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

import click

Number = TypeVar("Number", int, float)

MOST = 10**15
"""Larger than any count of users, credits or rows; told from what is merely out of range."""

SHOWN_LETTERS = 40

WHOLE = "whole number; write it in digits, like 500"
ANY = "number; write it like 1.5"
"""What a text is not, and what would be right."""


class WholeNumber(click.IntRange):
    """A whole number, from ``min`` to ``max`` where they are given."""

    name = "whole number"

    def _describe_range(self) -> str:
        """For the help: nothing where there is no end, of which click would write None."""
        return "" if self.min is None and self.max is None else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own types
        """The number.

        Raises:
            BadParameter: It is none, too large to be meant, or out of range.
        """
        fail = partial(self.fail, param=param, ctx=ctx)
        return super().convert(_meant(str(value), int, WHOLE, fail), param, ctx)


class FiniteNumber(click.FloatRange):
    """A number, from ``min`` to ``max`` where they are given."""

    name = "number"

    def _describe_range(self) -> str:
        """For the help: nothing where there is no end, of which click would write None."""
        return "" if self.min is None and self.max is None else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own types
        """The number.

        Raises:
            BadParameter: It is none, too large to be meant, or out of range.
        """
        fail = partial(self.fail, param=param, ctx=ctx)
        return super().convert(_meant(str(value), float, ANY, fail), param, ctx)


def _meant(
    text: str, read: Callable[[str], Number], wanted: str, fail: Callable[[str], NoReturn]
) -> Number:
    """The number that a text stands for; what is none, or too large to be meant, fails."""
    try:
        number = read(text)
    except ValueError:
        fail(f"{_shown(text)} is no {wanted}")
    if math.isnan(number):
        fail(f"{_shown(text)} is no {wanted}")
    if abs(number) > MOST:
        fail(f"{_shown(text)} is too large; is a unit meant, or a typo?")
    return number


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}...")
