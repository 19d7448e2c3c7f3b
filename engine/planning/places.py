"""Places: which region of a cloud a scenario's regions mean there.

A scenario names the regions of one cloud. To compare clouds, the other's region nearest to it
stands in; a fleet that is asked for on one cloud by name gets no stand-in, because where load and
data are is not ours to change. A pattern such as ``eu-*``, or ``any``, leaves the choice among the
regions that match.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.scenario import RegionShare
from kernel.near_names import near_names
from pricing.catalog import Catalog, UnknownRegionError, region_near

ANY_PROVIDER = "any"
ANY_REGION = "any"


class CandidateRegion(Struct, frozen=True):
    """Where a part of the load comes from on one cloud.

    Attributes:
        provider: The cloud.
        region: Its region.
        stands_for: The region, or the pattern, that the scenario names as another cloud does.
    """

    provider: str
    region: str
    stands_for: str | None = None


def equal_shares(regions: Sequence[str]) -> tuple[RegionShare, ...]:
    """The load spread evenly over the regions."""
    return tuple(RegionShare(region, 1 / len(regions)) for region in regions)


def is_choice(region: str | None) -> bool:
    """Whether the name stands for any region that matches it."""
    return region is not None and (region == ANY_REGION or "*" in region)


def places_on(
    provider: str, regions: Sequence[str | None], catalog: Catalog, *, may_stand_in: bool
) -> tuple[tuple[CandidateRegion, ...], ...]:
    """The provider's places for each of the scenario's regions, in their order: one, or a choice.

    Args:
        provider: The cloud.
        regions: Names or patterns; None: the provider's default region.
        catalog: Knows which regions there are.
        may_stand_in: Whether the nearest region may stand for another cloud's.

    Raises:
        UnknownRegionError: A region is not the provider's, and none stands for it.
    """
    known = catalog.regions(provider)
    return tuple(
        _matching(provider, region, known)
        if region is not None and is_choice(region)
        else (_place(provider, region, known, catalog, may_stand_in=may_stand_in),)
        for region in regions
    )


def elsewhere(
    region: str | None, place: CandidateRegion, catalog: Catalog
) -> tuple[CandidateRegion, ...]:
    """Where else a part of the load may come from, as far as its region was not chosen by name."""
    if region is None:
        prices = CLOUDS[place.provider].prices
        names = prices.elsewhere if place.region == prices.default_region else ()
        return tuple(CandidateRegion(place.provider, name) for name in names)
    if not is_choice(region):
        return ()
    matching = _matching(place.provider, region, catalog.regions(place.provider))
    return tuple(each for each in matching if each.region != place.region)


def check_somewhere(regions: Sequence[str | None], catalog: Catalog) -> None:
    """Refuse a name that is no region of any cloud.

    Raises:
        UnknownRegionError: With the names nearest to it.
    """
    known = [region for provider in CLOUDS for region in catalog.regions(provider)]
    for region in regions:
        if region is None or (is_choice(region) and matches_somewhere(region, catalog)):
            continue
        if region not in known:
            near = ", ".join(near_names(region, known, alike=0.5))
            hint = f"near it: {near}" if near else "names are like us-east-1 or westeurope"
            raise UnknownRegionError(
                f"no cloud has a region {region!r} in the catalogue; {hint}", region=region
            )


def _matching(provider: str, pattern: str, known: Sequence[str]) -> tuple[CandidateRegion, ...]:
    """The cloud's regions that match: by their own names, or by the part of the world they are in.

    ``eu-west*`` is written as AWS names its regions, and means Azure's there as well.
    """
    names = names_matching(pattern, provider, known)
    if not names:
        raise UnknownRegionError(
            f"no region of {provider} in the catalogue matches {pattern!r}",
            provider=provider,
            region=pattern,
        )
    own = set(fnmatch.filter(names, pattern))
    is_any = pattern == ANY_REGION
    return tuple(
        CandidateRegion(provider, name, None if is_any or name in own else pattern)
        for name in names
    )


def matches_somewhere(pattern: str, catalog: Catalog) -> bool:
    """Whether any region of any cloud matches."""
    return any(names_matching(pattern, name, catalog.regions(name)) for name in CLOUDS)


def names_matching(pattern: str, provider: str, known: Sequence[str]) -> list[str]:
    """Those of a cloud's regions that a pattern means.

    Args:
        pattern: ``any``, or a name with ``*`` in it, written as any cloud names its regions.
        provider: The cloud.
        known: Its regions.

    Returns:
        Those whose own names match; where none does, those that would match if they were named as
        other clouds name regions there.
    """
    if pattern == ANY_REGION:
        return list(known)
    own = fnmatch.filter(known, pattern)
    if own or not is_choice(pattern):
        return own
    also = CLOUDS[provider].prices.also_named
    return [name for name in known if fnmatch.filter(also.get(name, ()), pattern)]


def _place(
    provider: str, region: str | None, known: Sequence[str], catalog: Catalog, *, may_stand_in: bool
) -> CandidateRegion:
    prices = CLOUDS[provider].prices
    if region is None:
        return CandidateRegion(provider, prices.default_region)
    if may_stand_in and region not in known:
        stand_in = region_near(region, prices, (cloud.prices for cloud in CLOUDS.values()))
        if stand_in in known:
            assert stand_in is not None
            return CandidateRegion(provider, stand_in, stands_for=region)
    catalog.offerings(provider, region)
    return CandidateRegion(provider, region)
