"""The catalogue of machine types and their prices on AWS and Azure, as data.

Each figure carries the day on which it held and its source. Nothing here asks a cloud: what is not
in the files is not known, and the error says what is.
"""

from pricing.catalog.ancillary_prices import NatPrices
from pricing.catalog.catalog import BUNDLED, Catalog
from pricing.catalog.clouds import PRICED_CLOUDS, BillingRule, CloudPrices, region_near
from pricing.catalog.egress import EgressTier, egress_cost
from pricing.catalog.errors import (
    CatalogUnreadableError,
    UnknownFamilyError,
    UnknownMachineTypeError,
    UnknownProviderError,
    UnknownRegionError,
)
from pricing.catalog.model import (
    MIB_PER_GIB,
    MachineType,
    Offering,
    Price,
    Source,
    SpotPrice,
    is_stale,
)
from pricing.catalog.service_prices import ServiceTier

__all__ = [
    "BUNDLED",
    "MIB_PER_GIB",
    "PRICED_CLOUDS",
    "BillingRule",
    "Catalog",
    "CatalogUnreadableError",
    "CloudPrices",
    "EgressTier",
    "MachineType",
    "NatPrices",
    "Offering",
    "Price",
    "ServiceTier",
    "Source",
    "SpotPrice",
    "UnknownFamilyError",
    "UnknownMachineTypeError",
    "UnknownProviderError",
    "UnknownRegionError",
    "egress_cost",
    "is_stale",
    "region_near",
]
