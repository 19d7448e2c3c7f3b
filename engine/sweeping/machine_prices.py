"""Machine prices: the least monthly price of machines for any load, as a table to look up.

The cheapest machines for ``u`` users are a covering problem: ``T(u)`` is the least of
``price_i + T(u - carries_i)`` over the machine types, and ``T(u) = 0`` for ``u <= 0``. From some
``n`` on, one more machine of the type with the best price for what it carries (the base, which
carries ``W`` for ``b``) is always best: ``T(u) = b + T(u - W)`` for all ``u > n``. It is enough to
see that for ``n < u <= N`` with ``N - n`` at least the most that a machine carries:

    Let it hold for all ``v`` with ``n < v < u``, where ``u > N``. For each type,
    ``u - carries_i > n``, so ``T(u - carries_i) = b + T(u - carries_i - W)``. Then
    ``T(u) = min_i(price_i + T(u - carries_i)) = b + min_i(price_i + T(u - W - carries_i))
    = b + T(u - W)``.

So the table goes up to ``n``, and a load beyond it is a look-up and whole multiples of the base.
Of equally cheap machines the fewest are taken, as ``cover`` does: an entry is the price and the
number of machines in one integer, which orders as the pair does and adds up as it does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.planning.needs import Needs, viable_machine_types
from engine.sweeping.columns import Column
from kernel.division import ceil_div
from pricing.catalog import Catalog

COUNT_BITS = 20
"""Machines in an entry; the price is above them."""

COUNT_MASK = (1 << COUNT_BITS) - 1
ENTRIES_MAX = 1 << 22
"""Of a table; a load beyond one that has not become regular by then is estimated by itself."""

_UNREACHED = 1 << 62


class MachinePrices(Struct, frozen=True, eq=False):
    """The least price of machines in one place, by what they have to carry.

    Attributes:
        entries: By units to carry, from 0: monthly micro-dollars and the number of machines.
        unit: What one unit is: all machines carry whole multiples of it.
        base_units: What one more machine beyond the table carries; 0: beyond it nothing is known.
        base_entry: That machine's price and its count of one.
        by_injectors: Injectors are carried, not users.
        shares: Of a table by injectors: how many each machine hosts, and for how many users it has
            room. The table holds while no machine lacks room for the users of the injectors that
            it hosts, unless it has room for all users; see ``holds_for``.
    """

    entries: Column
    unit: int
    base_units: int
    base_entry: int
    by_injectors: bool = False
    shares: tuple[tuple[int, int], ...] = ()

    def holds_for(self, users: int, injectors: int) -> bool:
        """Whether no machine carries less of the load than its part by injectors."""
        return all(
            users * hosted <= injectors * room or users <= room for hosted, room in self.shares
        )

    def look_up(self, load: int) -> tuple[int, int] | None:
        """Monthly micro-dollars and machines for a load; None: it has to be estimated by itself."""
        last = len(self.entries) - 1
        units = ceil_div(load, self.unit)
        more = 0
        if units > last:
            if not self.base_units:
                return None
            more = ceil_div(units - last, self.base_units)
        entry = int(self.entries[max(0, units - more * self.base_units)])
        price = (entry >> COUNT_BITS) + more * (self.base_entry >> COUNT_BITS)
        return price, (entry & COUNT_MASK) + more


@lru_cache(maxsize=1_024)
def machine_prices(
    catalog: Catalog, provider: str, region: str, needs: Needs
) -> MachinePrices | None:
    """The table of a place; None: no machine there carries a single user.

    Args:
        catalog: Machine types and prices.
        provider: ``aws`` or ``azure``.
        region: Its region.
        needs: What one user takes; with a payload, whichever, the table is by injectors.
    """
    strong = viable_machine_types(catalog, provider, region, needs, frozenset())
    if not strong:
        return None
    if needs.payload is None:
        return least_prices([(own.capacity.users, each.monthly_usd_micros) for each, own in strong])
    table = least_prices([(own.hosted or 0, each.monthly_usd_micros) for each, own in strong])
    shares = {(own.hosted or 0, own.room) for _, own in strong}
    return replace(table, by_injectors=True, shares=tuple(sorted(shares)))


def least_prices(pieces: Sequence[tuple[int, int]]) -> MachinePrices:
    """The table for pieces of which any number may be taken.

    Args:
        pieces: What each carries, and its price; both above zero.
    """
    unit = math.gcd(*(carries for carries, _ in pieces))
    scaled = [(carries // unit, (price << COUNT_BITS) + 1) for carries, price in pieces]
    base_units, base_entry = scaled[0]
    for carries, entry in scaled:
        if entry * base_units < base_entry * carries:
            base_units, base_entry = carries, entry
    widest = max(carries for carries, _ in scaled)
    size = 2 * (base_units + widest)
    while True:
        least = _covers(scaled, size, widest)
        shifted = np.concatenate([np.zeros(base_units, np.int64), least[:-base_units]])
        regular = least == shifted + base_entry
        regular[0] = False
        last = size - int(np.argmin(regular[::-1]))
        if size - last >= widest:
            return MachinePrices(least[: last + 1].copy(), unit, base_units, base_entry)
        if 2 * size > ENTRIES_MAX:
            return MachinePrices(least, unit, 0, 0)
        size *= 2


def _covers(pieces: Sequence[tuple[int, int]], size: int, widest: int) -> Column:
    """The least entry that carries 0, 1, ... ``size`` units.

    First the least for each exact sum, one kind of piece after the other: along sums that differ
    by whole pieces it is a running minimum. A cover carries less than ``widest`` too much, or one
    of its pieces could go.
    """
    sums = size + widest + 1
    exact = np.full(sums, _UNREACHED, np.int64)
    exact[0] = 0
    for carries, entry in pieces:
        turns = ceil_div(sums, carries)
        padded = np.full(turns * carries, _UNREACHED, np.int64)
        padded[:sums] = exact
        paid = (np.arange(turns, dtype=np.int64) * entry)[:, None]
        by_turn = padded.reshape(turns, carries) - paid
        np.minimum.accumulate(by_turn, axis=0, out=by_turn)
        by_turn += paid
        exact = by_turn.ravel()[:sums].copy()
    return np.minimum.accumulate(exact[::-1])[::-1][: size + 1].copy()
