"""What people are told where an account is shown at another time than its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.accounts.clock import AsOf


def tell_as_of(console: Console, as_of: AsOf, timezone: str) -> None:
    """One line, if what follows is hypothetical, or of a later time than was asked for."""
    if (line := as_of_line(as_of, timezone)) is not None:
        console.print(line)


def as_of_line(as_of: AsOf, timezone: str) -> str | None:
    """What the line says; None: the account is shown at its own time."""
    local = f"{as_of.instant.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
    if as_of.hypothetical:
        return (
            f"Hypothetical: as it would be at {local}, if nothing else happened until then;"
            " nothing of it is posted."
        )
    if as_of.is_later:
        return f"As of {local}, the account's last command: books of an earlier time are not shown."
    return None
