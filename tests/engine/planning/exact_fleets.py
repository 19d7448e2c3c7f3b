"""The least price of machines, by counting: no bound, no order, no search.

The table says for every load up to the whole what carrying at least so much costs at the least,
once for each number of machines and of virtual processors that may be used. It knows nothing of
``covering_knapsack`` and ``covering_program``; what one machine carries it is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from engine.planning.machines import HOURS_PER_MONTH, host_in
from engine.planning.needs import Needs, strength_of
from engine.planning.requirement import RegionRequirement
from kernel.division import ceil_div
from pricing.catalog import Catalog

NEVER = 1 << 60

Prices = npt.NDArray[np.int64]


class Kind(Struct, frozen=True, order=True):
    """A machine type: what it carries, its virtual processors, and its price by the month."""

    carries: int
    vcpus: int
    price: int


def kinds_in(
    catalog: Catalog, provider: str, region: str, needs: Needs, part: RegionRequirement
) -> list[Kind]:
    """All types of a region that are not burstable and carry a user.

    But for those of which another one carries as much with as few processors for as little.
    """
    around = catalog.boot_disk(provider, region).usd_micros
    around += catalog.public_ipv4(provider, region).usd_micros * HOURS_PER_MONTH
    most = ceil_div(needs.whole(part), needs.wishes.spread)
    cheapest: dict[tuple[int, int], int] = {}
    for offering in catalog.offerings(provider, region):
        if offering.machine.burstable:
            continue
        own = strength_of(host_in(catalog, offering.machine, needs.candidate_wishes), needs)
        if own is not None:
            key = (min(own.weight(part), most), offering.machine.vcpus)
            price = offering.hourly_usd_micros * HOURS_PER_MONTH + around
            cheapest[key] = min(price, cheapest.get(key, NEVER))
    every = [Kind(*key, price) for key, price in cheapest.items()]
    return [each for each in every if not any(_is_better(other, each) for other in every)]


def _is_better(one: Kind, other: Kind) -> bool:
    return (
        one != other
        and one.carries >= other.carries
        and one.vcpus <= other.vcpus
        and one.price <= other.price
    )


def least_price(
    kinds: Sequence[Kind],
    whole: int,
    machines_max: int | None = None,
    vcpus_max: int | None = None,
) -> int | None:
    """What carrying the whole costs at the least; None: the limits leave no way to."""
    unit = math.gcd(*(each.carries for each in kinds))
    goal = ceil_div(whole, unit)
    scaled = [Kind(each.carries // unit, each.vcpus, each.price) for each in kinds]
    if machines_max is None and vcpus_max is None:
        return _without_limits(scaled, goal)
    step = math.gcd(*(each.vcpus for each in kinds))
    # A resource that is not limited is there in one plenty, which nothing takes from.
    machines = 0 if machines_max is None else machines_max
    vcpus = 0 if vcpus_max is None else vcpus_max // step
    nothing = np.full(goal + 1, NEVER, np.int64)
    nothing[0] = 0
    if machines_max is None:
        return _by_vcpus(scaled, nothing, vcpus, step)
    before = [nothing] * (vcpus + 1)
    for _ in range(machines):
        # One machine more, whichever, or none.
        after = []
        for left in range(vcpus + 1):
            best = before[left]
            for each in scaled:
                used = 0 if vcpus_max is None else each.vcpus // step
                if used <= left:
                    best = np.minimum(best, _with_one(before[left - used], each))
            after.append(best)
        before = after
    return _found(before[vcpus])


def _without_limits(kinds: Sequence[Kind], goal: int) -> int:
    carries = np.array([each.carries for each in kinds])
    prices = np.array([each.price for each in kinds])
    least = np.zeros(goal + 1, np.int64)
    for load in range(1, goal + 1):
        least[load] = (prices + least[np.maximum(load - carries, 0)]).min()
    return int(least[goal])


def _by_vcpus(kinds: Sequence[Kind], nothing: Prices, vcpus: int, step: int) -> int | None:
    """Each machine uses some, so that what is left with fewer of them is known already."""
    tables: list[Prices] = []
    for left in range(vcpus + 1):
        best = nothing
        for each in kinds:
            if each.vcpus // step <= left:
                best = np.minimum(best, _with_one(tables[left - each.vcpus // step], each))
        tables.append(best)
    return _found(tables[vcpus])


def _with_one(others: Prices, kind: Kind) -> Prices:
    """Prices of all loads where one machine of a kind carries its part, and others the rest."""
    carried = min(kind.carries, len(others) - 1)
    shifted = np.empty_like(others)
    shifted[:carried] = others[0]
    shifted[carried:] = others[: len(others) - carried]
    return np.minimum(shifted + kind.price, NEVER)


def _found(table: Prices) -> int | None:
    return None if table[-1] >= NEVER else int(table[-1])
