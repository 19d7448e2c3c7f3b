"""Prices too low to be true: a meter with a slip of a digit would be the cheapest machine for good.

Seen in Azure's list: one family in one region at a tenth of its price everywhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import median

from msgspec.structs import replace

from pricing.catalog import Catalog
from pricing.refreshing.changes import RegionPriceList
from pricing.refreshing.price_list_rows import MACHINE, RowRefusal

LEAST_PART = 0.5
"""Of what the region and the machine type elsewhere suggest; real ones lie above two thirds."""


def usual_prices(base: Catalog, provider: str) -> dict[str, float]:
    """By machine type, the median of its prices over all regions of a catalogue."""
    prices: dict[str, list[int]] = {}
    for region in base.regions(provider):
        for offering in base.offerings(provider, region):
            prices.setdefault(offering.machine.name, []).append(offering.hourly_usd_micros)
    return {name: median(found) for name, found in prices.items()}


def without_implausible(found: RegionPriceList, usual: Mapping[str, float]) -> RegionPriceList:
    """What was found, without machines below half of what is to be expected there."""
    ratios = {
        each.name: each.usd_micros / usual[each.name]
        for each in found.prices
        if each.item == MACHINE and each.name in usual
    }
    if not ratios:
        return found
    least = LEAST_PART * median(ratios.values())
    odd = {name for name, ratio in ratios.items() if ratio < least}
    return replace(
        found,
        prices=[each for each in found.prices if each.item != MACHINE or each.name not in odd],
        left_out=found.left_out + Counter({RowRefusal.IMPLAUSIBLE: len(odd)}),
    )
