"""Which region of one cloud stands for another cloud's, when both are compared."""

from __future__ import annotations

from collections.abc import Iterable

from pricing.catalog.clouds.facts import CloudPrices


def region_near(region: str, cloud: CloudPrices, clouds: Iterable[CloudPrices]) -> str | None:
    """The region of ``cloud`` that stands for a region of another one.

    Args:
        region: As the other cloud calls it.
        cloud: Whose region is wanted.
        clouds: All there are.

    Returns:
        The first of the cloud's regions at the same place; None: it has none there, or no other
        cloud has such a region.
    """
    others = (each.places for each in clouds if each.name != cloud.name)
    place = next((places[region] for places in others if region in places), None)
    return next((own for own, there in cloud.places.items() if there == place), None)
