"""The catalogue of machine types and their prices on AWS and Azure, as data.

Each figure carries the day on which it held and its source. Nothing here asks a cloud: what is not
in the files is not known, and the error says what is.
"""

from pricing.catalog.catalog import Catalog
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
    PROVIDERS,
    BillingRule,
    MachineType,
    Offering,
    Price,
    Source,
    is_stale,
)

__all__ = [
    "BILLING_RULES",
    "DEFAULT_REGION",
    "PROVIDERS",
    "BillingRule",
    "Catalog",
    "CatalogUnreadableError",
    "MachineType",
    "Offering",
    "Price",
    "Source",
    "UnknownFamilyError",
    "UnknownMachineTypeError",
    "UnknownProviderError",
    "UnknownRegionError",
    "is_stale",
]
