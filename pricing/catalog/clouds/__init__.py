"""The clouds whose prices are known: a module of facts each, and the table of them.

A cloud's figures lie beside them, in ``pricing/catalog/data``. What its machines are like, and how
runs get at them, is in ``engine.clouds``, whose rows contain these.
"""

from kernel.table import Table
from pricing.catalog.clouds.aws import AWS
from pricing.catalog.clouds.azure import AZURE
from pricing.catalog.clouds.facts import BillingRule, BurstSurcharge, CloudPrices, PriceSources
from pricing.catalog.clouds.nearest import region_near

PRICED_CLOUDS = Table(AWS, AZURE)

__all__ = [
    "AWS",
    "AZURE",
    "PRICED_CLOUDS",
    "BillingRule",
    "BurstSurcharge",
    "CloudPrices",
    "PriceSources",
    "region_near",
]
