"""Credits as lots: dated amounts that burn in a fixed order, are set aside, expire and go void."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

PRIORITY = {"trial": 10, "plan": 20, "upgrade": 20, "boost": 30, "extra": 90}


@dataclass
class Lot:
    """Some credits.

    Attributes:
        amount: What was in it at first.
        reserved: Set aside for runs that have not been charged.
        owner: A department, or empty for the account itself.
        cycle: Of which subscription and which of its cycles it is the grant; None: of none.
        closed: Void or expired: nothing of it can be used, but what was set aside before.
        left: What is in it; what is set aside included.
    """

    number: int
    kind: str
    amount: int
    since: datetime
    until: datetime | None
    owner: str = ""
    cycle: tuple[int, int] | None = None
    reserved: int = 0
    closed: bool = False
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.amount

    @property
    def free(self) -> int:
        """What a run could have."""
        return 0 if self.closed else self.left - self.reserved

    @property
    def order(self) -> tuple[int, float, datetime, int]:
        """Priority, expiry (none last), creation, number."""
        until = float("inf") if self.until is None else self.until.timestamp()
        return PRIORITY[self.kind], until, self.since, self.number


Part = tuple[Lot, int]
"""So much of a lot, for a run."""


@dataclass
class Credits:
    """All lots that an account ever had."""

    lots: list[Lot] = field(default_factory=list)

    def add(
        self,
        kind: str,
        amount: int,
        since: datetime,
        until: datetime | None = None,
        *,
        owner: str = "",
        cycle: tuple[int, int] | None = None,
    ) -> Lot:
        """One more lot."""
        lot = Lot(len(self.lots) + 1, kind, amount, since, until, owner, cycle)
        self.lots.append(lot)
        return lot

    def open(self, owner: str | None = None) -> list[Lot]:
        """Those that can be used, in the order in which they burn; of one owner, if named."""
        found = [lot for lot in self.lots if not lot.closed and owner in (None, lot.owner)]
        return sorted(found, key=lambda lot: lot.order)

    def free(self, owner: str) -> int:
        """What an owner's next run could have."""
        return sum(lot.free for lot in self.open(owner))

    def set_aside(self, owner: str, amount: int) -> list[Part]:
        """Reserve so much, or what there is, in burn order."""
        parts = []
        for lot in self.open(owner):
            taken = min(lot.free, amount)
            if taken:
                lot.reserved += taken
                parts.append((lot, taken))
                amount -= taken
        return parts

    def void(self, lots: Iterable[Lot]) -> None:
        """Close lots; what was set aside of them before stays good (C17)."""
        for lot in lots:
            lot.closed = True
            lot.left = lot.reserved

    def release(self, parts: Iterable[Part]) -> None:
        """What was set aside is not needed."""
        for lot, amount in parts:
            lot.reserved -= amount
            if lot.closed:
                lot.left -= amount

    def take(self, parts: Iterable[Part]) -> None:
        """What was set aside is used."""
        for lot, amount in parts:
            lot.reserved -= amount
            lot.left -= amount

    def give_back(self, parts: Iterable[Part], amount: int) -> None:
        """Return so much of what was used, the last first; a closed lot takes nothing."""
        for lot, taken in reversed(list(parts)):
            back = min(taken, amount)
            amount -= back
            if not lot.closed:
                lot.left += back
