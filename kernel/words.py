"""Counts in words."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """``1 machine``, ``2,000 machines``.

    Args:
        count: How many.
        what: The noun for one of them; its plural has an s.
    """
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
