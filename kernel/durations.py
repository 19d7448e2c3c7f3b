"""Lengths of time as people write them: ``90s``, ``3m``, ``1h30m``.

Inside the program a length of time is a number of seconds; this is the one place that reads it
from text and writes it for people.
"""

from __future__ import annotations

import re
from fractions import Fraction

from kernel.errors import BadInputError

UNIT_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
MAX_DURATION_S = 366 * UNIT_S["d"]

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>{_NUMBER})\s*{unit}\s*)?" for unit in UNIT_S))
_SECONDS = re.compile(_NUMBER)


def parse_duration_s(text: str, where: str) -> int:
    """Seconds of a length of time.

    Args:
        text: Days, hours, minutes and seconds in this order, each at most once: ``3m``, ``1h30m``,
            ``1.5h``. A bare number is seconds. Zero is a length of time.
        where: Names the option or field in the error.

    Raises:
        BadInputError: If it is no length of time, negative, no whole number of seconds, or longer
            than 366 days.
    """
    written = text.strip().lower()
    if _SECONDS.fullmatch(written):
        written += "s"
    match = _DURATION.fullmatch(written)
    if not written or not match:
        raise _bad(text, where, "is not a length of time; write it like 90s, 10m or 1h30m")
    parts = match.groupdict(default="0")
    seconds = sum(Fraction(parts[unit]) * unit_s for unit, unit_s in UNIT_S.items())
    if seconds.denominator != 1:
        raise _bad(text, where, "is not a whole number of seconds; write it like 90s or 10m")
    if seconds > MAX_DURATION_S:
        raise _bad(text, where, "is longer than 366 days; a load test is shorter")
    return int(seconds)


def format_duration(duration_s: int) -> str:
    """The shortest way to write whole seconds: ``1h30m``, ``3m``, ``0s``."""
    assert duration_s >= 0, duration_s
    parts = []
    rest_s = duration_s
    for unit, unit_s in UNIT_S.items():
        count, rest_s = divmod(rest_s, unit_s)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _bad(text: str, where: str, problem: str) -> BadInputError:
    shown = text if len(text) <= 40 else f"{text[:40]}..."  # noqa: PLR2004 - one readable line
    return BadInputError(f"{where}: {shown!r} {problem}", where=where, value=shown)
