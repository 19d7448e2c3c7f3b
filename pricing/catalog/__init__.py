"""The catalogue of machine types and their prices on AWS and Azure, as data.

Each figure carries the day on which it held and its source. Nothing here asks a cloud: what is not
in the files is not known, and the error says what is.
"""

from pricing.catalog.ancillary_prices import NatPrices
from pricing.catalog.catalog import BUNDLED, Catalog
from pricing.catalog.egress import FREE_EGRESS_GB, EgressTier, egress_cost
from pricing.catalog.errors import (
    CatalogUnreadableError,
    UnknownFamilyError,
    UnknownMachineTypeError,
    UnknownProviderError,
    UnknownRegionError,
)
from pricing.catalog.model import (
    BILLING_RULES,
    DEFAULT_REGION,
    MIB_PER_GIB,
    PROVIDERS,
    BillingRule,
    MachineType,
    Offering,
    Price,
    Source,
    SpotPrice,
    is_stale,
)

__all__ = [
    "BILLING_RULES",
    "BUNDLED",
    "DEFAULT_REGION",
    "FREE_EGRESS_GB",
    "MIB_PER_GIB",
    "PROVIDERS",
    "BillingRule",
    "Catalog",
    "CatalogUnreadableError",
    "EgressTier",
    "MachineType",
    "NatPrices",
    "Offering",
    "Price",
    "Source",
    "SpotPrice",
    "UnknownFamilyError",
    "UnknownMachineTypeError",
    "UnknownProviderError",
    "UnknownRegionError",
    "egress_cost",
    "is_stale",
]
