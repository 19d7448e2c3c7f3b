"""What people are told where an account is shown at another time than its own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.accounts.clock import AsOf


def tell_as_of(console: Console, as_of: AsOf, timezone: str) -> None:
    """One line, if what follows is hypothetical, or of a later time than was asked for."""
    if as_of.hypothetical:
        console.print(hypothetical_line(as_of.instant, timezone), markup=False)
    elif as_of.is_later:
        console.print(later_line(as_of.instant, timezone), markup=False)


def hypothetical_line(instant: datetime, timezone: str) -> str:
    """What the line says."""
    local = instant.astimezone(ZoneInfo(timezone))
    return (
        f"Hypothetical: as it would be at {local:%Y-%m-%d %H:%M}, if nothing else happened until"
        " then; nothing of it is posted."
    )


def later_line(instant: datetime, timezone: str) -> str:
    """What it says of books that are of a later time than was asked for."""
    local = instant.astimezone(ZoneInfo(timezone))
    return (
        f"As of {local:%Y-%m-%d %H:%M}, the account's last command: books of an earlier time are"
        " not shown."
    )
