"""The barrier: who is there, who plays which share of the load, and when it starts.

Shares are given when the start is, so the load is divided among the injectors that are there.
A share is a part of ``WHOLE``, from ``low`` up to ``high``; of ``u`` users it plays
``u * high // WHOLE - u * low // WHOLE``, and over all shares that is exactly ``u``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct

from engine.load.driver import InjectorGroup

WHOLE = 10**9


class Ready(Struct, frozen=True):
    """An injector that waits for the start.

    Attributes:
        group: Which group it belongs to, from 0.
        machine: Its name.
    """

    group: int
    machine: str


class Seat(Struct, frozen=True):
    """One injector's share of the load."""

    machine: str
    low: int
    high: int


class Start(Struct, frozen=True):
    """The start as all injectors read it.

    Attributes:
        at_s: Seconds since 1970, by the machines' own clocks.
        seats: In the order of the injectors' slots.
    """

    at_s: float
    seats: tuple[Seat, ...]

    def text(self) -> str:
        """One line for the instant, then one for each injector: its name and its share."""
        lines = [f"{each.machine} {each.low}-{each.high}-{WHOLE}" for each in self.seats]
        return "\n".join([f"{self.at_s:.3f}", *lines]) + "\n"


def start_from_text(text: str) -> Start:
    """The start that ``Start.text`` wrote."""
    first, *lines = text.splitlines()
    seats = []
    for line in lines:
        machine, share = line.split()
        low, high, _ = share.split("-")
        seats.append(Seat(machine, int(low), int(high)))
    return Start(float(first), tuple(seats))


def seats(groups: Sequence[InjectorGroup], ready: Sequence[Ready]) -> tuple[Seat, ...]:
    """Divide the load: each group's users evenly among its injectors that are there."""
    there = sorted(ready, key=lambda each: (each.group, each.machine))
    present = [sum(each.group == number for each in there) for number in range(len(groups))]
    whole = sum(group.users for group, count in zip(groups, present, strict=True) if count)
    given: list[Seat] = []
    level = Fraction(0)
    for each in there:
        low = level
        level += Fraction(groups[each.group].users, present[each.group] * whole)
        # Rounded up: a bound that falls a little short of a whole user would give it to the next.
        given.append(Seat(each.machine, math.ceil(low * WHOLE), math.ceil(level * WHOLE)))
    return tuple(given)
