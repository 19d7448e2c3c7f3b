"""Services of clouds at what the catalogue in use has from the cloud's own price list."""

from __future__ import annotations

from msgspec.structs import replace

from engine.clouds import CLOUDS
from pricing.catalog import Catalog
from pricing.tariffs import Certainty, PublishedPrice, Tariff, UnitTier


def at_listed_price(tariff: Tariff, catalog: Catalog) -> Tariff:
    """The tariff at the price that its cloud lists; as it is where no list was read for it.

    Of several regions the cloud's usual one counts, else the first by name.
    """
    cloud = tariff.listed_on
    if cloud is None:
        return tariff
    regions = catalog.service_prices(cloud)
    if not regions:
        return tariff
    usual = CLOUDS[cloud].prices.default_region
    first, *others = regions[usual] if usual in regions else regions[min(regions)]
    before = tariff.price_from
    return replace(
        tariff,
        usd_micros_per_unit=first.usd_micros,
        unit_tiers=tuple(UnitTier(each.from_units, each.usd_micros) for each in others),
        price_from=PublishedPrice(
            Certainty.PRICE_LIST,
            first.as_of,
            catalog.sources()[first.source].address,
            None if before is None else before.conditions,
        ),
        no_price=None,
    )
