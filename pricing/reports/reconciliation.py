"""The reconciliation report: what the payment gateway says that it moved, against the books (C74).

Both are matched by the key that was asked under, whenever either says that it was. What the gateway
lists in the span and the books do not have under its key, what the books have in the span and the
gateway does not list, and what is of another amount or currency, is told. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Protocol

from msgspec import Struct

from kernel.errors import BadInputError
from pricing.payments.movements import Movement, MovementKind
from pricing.reports.money_moved import BookedMovement

MOVEMENTS_MAX = 1_000_000
"""That one report compares; they are kept in memory."""

SHOWN_MAX = 1_000
"""Differences that a report names; more are counted."""

KEYS_AT_ONCE = 500


class TooManyMovementsError(BadInputError):
    """More than one report compares; facts: ``most``."""

    code = "too_many_movements"


class DifferenceKind(StrEnum):
    """What does not match.

    DOUBLED: the gateway lists the same key twice.
    """

    MISSING_IN_BOOKS = "missing_in_books"
    MISSING_AT_GATEWAY = "missing_at_gateway"
    OTHER_AMOUNT = "other_amount"
    OTHER_CURRENCY = "other_currency"
    DOUBLED = "doubled"


class Difference(Struct, frozen=True):
    """A movement of money that does not match.

    Attributes:
        kind: In what.
        gateway: What the gateway says; None: it says nothing of it.
        books: What the books say; None: nothing.
        state: How the key stands on record, where no money has moved for it; empty: it does not.
    """

    kind: DifferenceKind
    gateway: Movement | None
    books: BookedMovement | None
    state: str = ""


class MovementSum(Struct, frozen=True):
    """What moved in all, of one kind and currency, in millionths of it."""

    kind: MovementKind
    currency: str
    gateway: int
    gateway_micros: int
    gateway_fee_micros: int
    books: int
    books_micros: int


class ReconciliationReport(Struct, frozen=True):
    """The gateway's movements against the books'.

    Attributes:
        start: From when on; in UTC.
        end: Until when, exclusive.
        matched: How many movements both have, alike.
        differences: What does not match, ``SHOWN_MAX`` at most.
        differences_count: How many differences there are in all.
        sums: What either side says in all, by kind and currency.
    """

    start: datetime
    end: datetime
    matched: int
    differences: tuple[Difference, ...]
    differences_count: int
    sums: tuple[MovementSum, ...]


class Books(Protocol):
    """What the report asks of the books."""

    def between(self, start: datetime, end: datetime) -> Iterable[BookedMovement]:
        """What moved in ``[start, end)``."""
        ...

    def under(self, keys: Sequence[str]) -> Iterable[BookedMovement]:
        """What moved under some keys, whenever that was."""
        ...

    def on_record(self, keys: Sequence[str]) -> Mapping[str, str]:
        """How some keys stand on record."""
        ...


def reconciliation(
    listed: Iterable[Movement], books: Books, start: datetime, end: datetime
) -> ReconciliationReport:
    """Compare what a gateway lists with the books.

    Args:
        listed: What it lists, in any order, also of some time around the span.
        books: Reads the books.
        start: From when on movements are told.
        end: Until when, exclusive.

    Raises:
        TooManyMovementsError: If the gateway lists more than ``MOVEMENTS_MAX``.
    """
    comparison = _Comparison(start, end)
    comparison.take(listed)
    for each in books.between(start, end):
        comparison.find(each)
    left = comparison.left()
    while some := tuple(islice(left, KEYS_AT_ONCE)):
        booked = {(each.kind, each.key): each for each in books.under([m.key for m in some])}
        missing = [m.key for m in some if (m.kind, m.key) not in booked]
        states = books.on_record(missing) if missing else {}
        for movement in some:
            known = booked.get((movement.kind, movement.key))
            if known is not None:
                comparison.compare(movement, known)
            else:
                state = states.get(movement.key, "")
                comparison.differ(
                    Difference(DifferenceKind.MISSING_IN_BOOKS, movement, None, state)
                )
    return comparison.report()


class _Comparison:
    """What has been compared so far."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        self._listed: dict[tuple[MovementKind, str], Movement] = {}
        self._unkeyed: list[Movement] = []
        self._matched = self._differing = 0
        self._differences: list[Difference] = []
        self._sums: Counter[tuple[MovementKind, str, str]] = Counter()

    def take(self, listed: Iterable[Movement]) -> None:
        for number, each in enumerate(listed, start=1):
            if number > MOVEMENTS_MAX:
                raise TooManyMovementsError(
                    f"the gateway lists more than {MOVEMENTS_MAX:,} movements; one month, or a part"
                    " of one, would be right",
                    most=MOVEMENTS_MAX,
                )
            is_told = self._is_told(each)
            if is_told:
                self._add(each.kind, each.currency, "gateway", each.micros)
                self._sums[each.kind, each.currency, "fee"] += each.fee_micros
            if not each.key:
                if is_told:
                    self._unkeyed.append(each)
            elif (each.kind, each.key) in self._listed:
                if is_told:
                    self.differ(Difference(DifferenceKind.DOUBLED, each, None))
            else:
                self._listed[each.kind, each.key] = each

    def find(self, booked: BookedMovement) -> None:
        """Look for what the books have in the span."""
        self._add(booked.kind, booked.currency, "books", booked.micros)
        listed = self._listed.pop((booked.kind, booked.key), None)
        if listed is None:
            self.differ(Difference(DifferenceKind.MISSING_AT_GATEWAY, None, booked))
        else:
            self.compare(listed, booked)

    def left(self) -> Iterator[Movement]:
        """What the gateway lists in the span, and the books do not have then."""
        for each in self._unkeyed:
            self.differ(Difference(DifferenceKind.MISSING_IN_BOOKS, each, None))
        yield from (each for each in self._listed.values() if self._is_told(each))

    def compare(self, listed: Movement, booked: BookedMovement) -> None:
        if listed.currency != booked.currency:
            self.differ(Difference(DifferenceKind.OTHER_CURRENCY, listed, booked))
        elif listed.micros != booked.micros:
            self.differ(Difference(DifferenceKind.OTHER_AMOUNT, listed, booked))
        else:
            self._matched += 1

    def differ(self, difference: Difference) -> None:
        self._differing += 1
        if len(self._differences) < SHOWN_MAX:
            self._differences.append(difference)

    def report(self) -> ReconciliationReport:
        kinds = sorted({(kind, currency) for kind, currency, _ in self._sums})
        return ReconciliationReport(
            self._start,
            self._end,
            self._matched,
            tuple(self._differences),
            self._differing,
            tuple(self._sum(kind, currency) for kind, currency in kinds),
        )

    def _is_told(self, each: Movement) -> bool:
        return self._start <= each.at < self._end

    def _add(self, kind: MovementKind, currency: str, side: str, micros: int) -> None:
        self._sums[kind, currency, side] += micros
        self._sums[kind, currency, f"{side} number"] += 1

    def _sum(self, kind: MovementKind, currency: str) -> MovementSum:
        def of(what: str) -> int:
            return self._sums[kind, currency, what]

        return MovementSum(
            kind,
            currency,
            gateway=of("gateway number"),
            gateway_micros=of("gateway"),
            gateway_fee_micros=of("fee"),
            books=of("books number"),
            books_micros=of("books"),
        )
