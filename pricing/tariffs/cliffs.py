"""Cliffs: sizes of a test at which one user, injector or second less, or more, changes its price.

Services round up: to whole injectors, to started hours, to the minimum of a larger fleet. A test
just above such an edge costs a step more than its neighbour just below. Pure, for any tariff.

There is no search upwards for something cheaper: more never costs less (R3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from fractions import Fraction
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from kernel.division import ceil_div
from kernel.durations import MAX_DURATION_S
from pricing.tariffs.interpreter import price
from pricing.tariffs.measure import measure, users_per_injector
from pricing.tariffs.model import INJECTORS_MAX, USERS_MAX, LoadSize, Tariff, TariffPrice

NEAR = Fraction(10, 100)
"""How much of a test may be given up for a neighbour to be near; a single one may always be."""

LEAST_SAVING = Fraction(10, 100)
"""Of the price, for a cheaper neighbour to be worth a word."""

LEAST_RISE = Fraction(25, 100)
"""Of the price, for the next larger test to be worth one."""

OUT_OF_PROPORTION = 2
"""A step in price is one if it is at least so many times the step in size."""

Fleet = Callable[[int], int]


class CliffDimension(StrEnum):
    """What differs between a test and its neighbour."""

    INJECTORS = "injectors"
    USERS = "users"
    DURATION = "duration_s"


class Cliff(Struct, frozen=True):
    """A test and its neighbour across an edge of the price.

    Attributes:
        size: What differs.
        here: The test's number of injectors, users or seconds.
        there: The neighbour's.
        usage: The neighbour as a whole.
        price_here: What the service bills for the test.
        price_there: And for the neighbour.
    """

    size: CliffDimension
    here: int
    there: int
    usage: LoadSize
    price_here: TariffPrice
    price_there: TariffPrice

    @property
    def is_cheaper(self) -> bool:
        """The neighbour is smaller and costs less; otherwise it is larger and costs more."""
        return self.there < self.here


def cliffs(tariff: Tariff, usage: LoadSize, fleet: Fleet | None = None) -> tuple[Cliff, ...]:
    """The nearest neighbours of a test across an edge: the cheaper ones first.

    Args:
        tariff: Whose price.
        usage: The test. With a number of injectors and no ``fleet``, that number stays when users
            come or go.
        fleet: The injectors that so many users need, never fewer for more; None: by the tariff's
            own users per injector.

    Raises:
        UsageError: The tariff needs a number that the usage does not give.
    """
    if fleet is None and usage.injectors is None and tariff.looks_at_injectors:
        fleet = _own_fleet(tariff, usage.protocol)
    if fleet is not None and usage.users is not None:
        usage = replace(usage, injectors=fleet(usage.users))
    quantity_s = measure(tariff, usage).quantity_s
    nearest: dict[tuple[CliffDimension, bool], LoadSize] = {}
    for size, neighbour in (*_smaller(tariff, usage, fleet), *_larger(tariff, usage, fleet)):
        here, there = _of(usage, size), _of(neighbour, size)
        kind = (size, there < here)
        if kind not in nearest and _is_worth_a_word(
            here, there, quantity_s, measure(tariff, neighbour).quantity_s
        ):
            nearest[kind] = neighbour
    if not nearest:
        return ()
    own = price(tariff, usage)
    return tuple(
        Cliff(size, _of(usage, size), _of(there, size), there, own, price(tariff, there))
        for (size, _), there in nearest.items()
    )


def _smaller(
    tariff: Tariff, usage: LoadSize, fleet: Fleet | None
) -> Iterator[tuple[CliffDimension, LoadSize]]:
    """Neighbours below, nearest first in each size."""
    injectors = usage.injectors
    if injectors is not None and tariff.looks_at_injectors:
        edges = [
            floor.up_to_injectors
            for floor in reversed(tariff.floors)
            if floor.up_to_injectors is not None and floor.up_to_injectors < injectors
        ]
        for edge in edges:
            yield CliffDimension.INJECTORS, replace(usage, injectors=edge)
        if fleet is not None and usage.users is not None:
            for most in (injectors - 1, *edges):
                users = _last(usage.users, partial(_fits, fleet, most))
                if users is not None:
                    yield CliffDimension.USERS, replace(usage, users=users, injectors=fleet(users))
    billed_s = tariff.billed_s(usage.duration_s)
    duration_s = _last(usage.duration_s, lambda s: tariff.billed_s(s) < billed_s)
    if duration_s is not None:
        yield CliffDimension.DURATION, replace(usage, duration_s=duration_s)


def _larger(
    tariff: Tariff, usage: LoadSize, fleet: Fleet | None
) -> Iterator[tuple[CliffDimension, LoadSize]]:
    """The neighbours one above."""
    injectors, users = usage.injectors, usage.users
    if injectors is not None and injectors < INJECTORS_MAX and tariff.looks_at_injectors:
        yield CliffDimension.INJECTORS, replace(usage, injectors=injectors + 1)
        if fleet is not None and users is not None and users < USERS_MAX:
            more = fleet(users + 1)
            if injectors < more <= INJECTORS_MAX:
                yield CliffDimension.USERS, replace(usage, users=users + 1, injectors=more)
    longer_s = usage.duration_s + 1
    if longer_s <= MAX_DURATION_S and tariff.billed_s(longer_s) > tariff.billed_s(usage.duration_s):
        yield CliffDimension.DURATION, replace(usage, duration_s=longer_s)


def _is_worth_a_word(here: int, there: int, before: int, after: int) -> bool:
    """Whether a step in size, from ``here`` to ``there``, is far outdone by that in price."""
    of_size = Fraction(abs(here - there), here)
    of_price = Fraction(abs(before - after), before)
    if of_price < OUT_OF_PROPORTION * of_size:
        return False
    if there < here:
        is_near = of_size <= NEAR or there == here - 1
        return is_near and of_price >= LEAST_SAVING
    return of_price >= LEAST_RISE


def _last(here: int, holds: Callable[[int], bool]) -> int | None:
    """The last number near and below ``here`` for which it holds; it holds up to some number."""
    low, high = max(1, here - max(1, int(here * NEAR))), here - 1
    if low > high or not holds(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _fits(fleet: Fleet, most: int, users: int) -> bool:
    return fleet(users) <= most


def _own_fleet(tariff: Tariff, protocol: str) -> Fleet:
    payload = users_per_injector(tariff, protocol)
    return lambda users: ceil_div(users, payload)


def _of(usage: LoadSize, size: CliffDimension) -> int:
    number = {
        CliffDimension.INJECTORS: usage.injectors,
        CliffDimension.USERS: usage.users,
        CliffDimension.DURATION: usage.duration_s,
    }[size]
    assert number is not None, size
    return number
