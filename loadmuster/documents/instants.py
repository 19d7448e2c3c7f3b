"""Instants as the documents write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo


def local_to(timezone: str) -> Callable[[datetime], str]:
    """How instants are written in an account's zone: ISO 8601 to the second, with the offset."""
    zone = ZoneInfo(timezone)
    return lambda instant: instant.astimezone(zone).isoformat(timespec="seconds")
