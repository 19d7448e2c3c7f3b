"""Numbers on the command line: what is none, or too large to be meant, is told in one line."""

from __future__ import annotations

import math
from typing import Any

import click

MOST = 10**15
"""Larger than any count of users, credits or rows; told from what is merely out of range."""

SHOWN_LETTERS = 40


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
        text = str(value)
        try:
            number = int(text)
        except ValueError:
            self.fail(
                f"{_shown(text)} is no whole number; write it in digits, like 500", param, ctx
            )
        if abs(number) > MOST:
            self.fail(f"{_shown(text)} is too large; is a unit meant, or a typo?", param, ctx)
        return super().convert(number, param, ctx)


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
        text = str(value)
        try:
            number = float(text)
        except ValueError:
            self.fail(f"{_shown(text)} is no number; write it like 1.5", param, ctx)
        if math.isnan(number):
            self.fail(f"{_shown(text)} is no number; write it like 1.5", param, ctx)
        if abs(number) > MOST:
            self.fail(f"{_shown(text)} is too large; is a unit meant, or a typo?", param, ctx)
        return super().convert(number, param, ctx)


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}...")
