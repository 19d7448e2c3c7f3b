"""What a refresh changes: machine types that are new, gone or repriced, and what was left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from kernel.errors import ProviderFailedError
from pricing.refreshing.price_list_rows import MACHINE, SPOT, ListedPrice, RowRefusal


class IncompletePriceListError(ProviderFailedError):
    """An answer lacks most of what is known to be sold; facts: ``region``, ``found``, ``known``."""

    code = "incomplete_price_list"


class RegionPriceList(Struct, frozen=True):
    """What was found for a region: each price once, and what was left out."""

    region: str
    prices: Sequence[ListedPrice]
    left_out: Counter[RowRefusal]
    published: str


class Repriced(Struct, frozen=True):
    """A machine type whose price is another one now."""

    name: str
    before_usd_micros: int
    after_usd_micros: int

    @property
    def change_percent(self) -> float:
        """By how much, from the price before."""
        return 100 * (self.after_usd_micros / self.before_usd_micros - 1)


class RegionChanges(Struct, frozen=True):
    """What a refresh changes in a region.

    Attributes:
        region: The region.
        prices: Machine types that have a price there now.
        new: Those that had none before.
        gone: Those that have none any more.
        repriced: Those whose price differs, the largest change first.
        left_out: Rows of the price list that are no price of the catalogue, by reason.
        unknown: Machine types that were left out because their size is not known.
        around: What around a machine was found: ``egress``, ``boot-disk``, ...
        spot: Spot prices found.
    """

    region: str
    prices: int
    new: tuple[str, ...]
    gone: tuple[str, ...]
    repriced: tuple[Repriced, ...]
    left_out: Counter[RowRefusal]
    unknown: tuple[str, ...]
    around: tuple[str, ...]
    spot: int


def check_complete(
    provider: str, found: RegionPriceList, before: Mapping[str, int], sizes: Collection[str]
) -> None:
    """A cloud does not drop half of its machines: an answer with so little has been cut off.

    Args:
        provider: Whose price list it is.
        found: What it says of a region.
        before: The prices there before.
        sizes: Machine types whose size is known.

    Raises:
        IncompletePriceListError: It lacks more than half of what had a price, or has nothing.
    """
    priced = {each.name for each in found.prices if each.item == MACHINE and each.name in sizes}
    still = sum(name in priced for name in before)
    if not priced or 2 * still < len(before):
        raise IncompletePriceListError(
            f"{provider} {found.region}: the price list has {still} of {len(before)} known machine "
            "types, so it is taken for incomplete and the prices stay as they are; check the "
            "region's name, or try again later",
            provider=provider,
            region=found.region,
            found=still,
            known=len(before),
        )


def changes_of(
    found: RegionPriceList, before: Mapping[str, int], sizes: Collection[str]
) -> RegionChanges:
    """What is different in a region, with the prices there before."""
    own = {each.name: each.usd_micros for each in found.prices if each.item == MACHINE}
    priced = {name: usd_micros for name, usd_micros in own.items() if name in sizes}
    unknown = sorted(own.keys() - priced.keys(), key=natural)
    repriced = [
        Repriced(name, before[name], after)
        for name, after in priced.items()
        if name in before and before[name] != after
    ]
    repriced.sort(key=lambda each: (-abs(each.change_percent), natural(each.name)))
    return RegionChanges(
        region=found.region,
        prices=len(priced),
        new=tuple(sorted(priced.keys() - before.keys(), key=natural)),
        gone=tuple(sorted(before.keys() - priced.keys(), key=natural)),
        repriced=tuple(repriced),
        left_out=found.left_out + Counter({RowRefusal.UNKNOWN_SIZE: len(unknown)}),
        unknown=tuple(unknown),
        around=tuple(sorted({each.item for each in found.prices} - {MACHINE, SPOT})),
        spot=sum(each.item == SPOT and each.name in sizes for each in found.prices),
    )


def natural(name: str) -> list[tuple[int, str]]:
    """2xlarge before 12xlarge, as the bundled files are sorted: a new price is a short diff."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]
