"""The model's lots: plain counters, burned in the written order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

PRIORITY = {"trial": 10, "plan": 20, "upgrade": 20, "boost": 30, "extra": 90}
NEVER = datetime.max.replace(tzinfo=UTC)
SHARED = frozenset({"trial", "plan", "upgrade"})


@dataclass
class Lot:
    """LI-minutes of one grant, or of a department's share of one."""

    kind: str
    amount: int
    effective: datetime
    expires: datetime | None
    number: int
    owner: str | None = None
    source_effective: datetime | None = None
    left: int = 0
    reserved: int = 0
    closed: bool = False

    @property
    def free(self) -> int:
        return self.left - self.reserved

    @property
    def order(self) -> tuple[int, datetime, int]:
        """Burn order: priority, then expiry (none last), then age."""
        return (
            PRIORITY[self.kind],
            self.expires or NEVER,
            self.number,
        )


Part = tuple[Lot, int]


@dataclass
class Credits:
    """All lots of an account, and the sums that the ledger should show."""

    lots: list[Lot] = field(default_factory=list)
    issued: int = 0
    used: int = 0
    lost: int = 0

    def grant(self, kind: str, amount: int, at: datetime, expires: datetime | None) -> Lot:
        lot = Lot(kind, amount, at, expires, len(self.lots), left=amount)
        self.lots.append(lot)
        self.issued += amount
        return lot

    def share(self, source: Lot, owner: str, amount: int, at: datetime) -> None:
        """A part of a lot becomes a lot of a department."""
        lot = Lot(source.kind, amount, at, source.expires, len(self.lots), owner, source.effective)
        lot.left = amount
        source.left -= amount
        self.lots.append(lot)

    def usable(self, owner: str | None) -> list[Lot]:
        """The open lots of a department, or of the account itself, in burn order."""
        mine = [lot for lot in self.lots if lot.owner == owner and not lot.closed and lot.left > 0]
        return sorted(mine, key=lambda lot: lot.order)

    def free(self, owner: str | None) -> int:
        return sum(lot.free for lot in self.usable(owner))

    def parts(self, owner: str | None, needed: int) -> list[Part]:
        """What a run of that size would take."""
        return take(self.usable(owner), needed)

    def close(self, lots: Iterable[Lot]) -> None:
        for lot in lots:
            lot.closed = True
            self.empty(lot)

    def empty(self, lot: Lot) -> None:
        """What a closed lot holds beyond what is reserved of it is lost."""
        if lot.closed:
            self.lost += lot.free
            lot.left = lot.reserved

    def void_all(self) -> None:
        self.close(lot for lot in self.lots if not lot.closed and lot.kind != "extra")

    def expire(self, until: datetime) -> None:
        self.close(
            lot
            for lot in self.lots
            if not lot.closed and lot.expires is not None and lot.expires <= until
        )

    def charge(self, parts: Iterable[Part]) -> None:
        for lot, amount in parts:
            lot.left -= amount
            self.used += amount

    def give_back(self, parts: list[Part], returned: int) -> None:
        """To the lots that it came from, the last taken first."""
        for lot, amount in reversed(parts):
            back = min(amount, returned)
            returned -= back
            lot.left += back
            self.used -= back
            self.empty(lot)

    @property
    def held(self) -> int:
        return sum(lot.left for lot in self.lots)


def take(lots: Iterable[Lot], needed: int) -> list[Part]:
    parts = []
    for lot in lots:
        amount = min(lot.free, needed)
        if amount > 0:
            parts.append((lot, amount))
            needed -= amount
    return parts
