"""The tariffs of load-testing services as dated data, and the one interpreter that prices them.

Adding a tariff is adding a file to ``data/``: its unit, quantum, floors, users per injector and
rates, each version with the day from which it holds and the pages that say so. A price that nobody
publishes stays unknown.
"""

from pricing.tariffs.interpreter import li_minutes, price
from pricing.tariffs.loading import load_tariff, read_tariff_file, tariff_names, tariff_versions
from pricing.tariffs.model import (
    PROTOCOLS,
    CancellationPolicy,
    Counted,
    Floor,
    NotInLiMinutesError,
    Tariff,
    TariffPrice,
    UnknownTariffError,
    Usage,
    UsageError,
)

__all__ = [
    "PROTOCOLS",
    "CancellationPolicy",
    "Counted",
    "Floor",
    "NotInLiMinutesError",
    "Tariff",
    "TariffPrice",
    "UnknownTariffError",
    "Usage",
    "UsageError",
    "li_minutes",
    "load_tariff",
    "price",
    "read_tariff_file",
    "tariff_names",
    "tariff_versions",
]
