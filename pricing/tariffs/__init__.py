"""The tariffs of load-testing services as dated data, and the one interpreter that prices them.

Adding a tariff is adding a file to ``data/``: its unit, quantum, floors, users per injector and
rates, each version with the day from which it holds and the pages that say so. A price that was not
found stays unknown.
"""

from pricing.tariffs.cliffs import LEAST_RISE, OUT_OF_PROPORTION, Cliff, CliffDimension, cliffs
from pricing.tariffs.contract_rate import ContractRate
from pricing.tariffs.examples import differences
from pricing.tariffs.interpreter import li_minutes, price, to_number
from pricing.tariffs.loading import load_tariff, read_tariff_file, tariff_names, tariff_versions
from pricing.tariffs.model import (
    PROTOCOLS,
    USERS_MAX,
    CancellationPolicy,
    Counted,
    Example,
    Floor,
    LoadSize,
    NotInLiMinutesError,
    Rounding,
    Tariff,
    TariffPrice,
    UnknownTariffError,
    UsageError,
)
from pricing.tariffs.monthly import MonthlyPlan, monthly_plans
from pricing.tariffs.published import Certainty, PublishedPrice, UnitTier
from pricing.tariffs.rates_file import (
    HOUSE_TARIFFS,
    BadRateError,
    Rates,
    at_contract_rate,
    check_known_by,
    contract_rate,
    rated_tariff,
    rates_file,
    read_rates,
    write_rates,
)
from pricing.tariffs.steps import plural, rounding_in_words

__all__ = [
    "HOUSE_TARIFFS",
    "LEAST_RISE",
    "OUT_OF_PROPORTION",
    "PROTOCOLS",
    "USERS_MAX",
    "BadRateError",
    "CancellationPolicy",
    "Certainty",
    "Cliff",
    "CliffDimension",
    "ContractRate",
    "Counted",
    "Example",
    "Floor",
    "LoadSize",
    "MonthlyPlan",
    "NotInLiMinutesError",
    "PublishedPrice",
    "Rates",
    "Rounding",
    "Tariff",
    "TariffPrice",
    "UnitTier",
    "UnknownTariffError",
    "UsageError",
    "at_contract_rate",
    "check_known_by",
    "cliffs",
    "contract_rate",
    "differences",
    "li_minutes",
    "load_tariff",
    "monthly_plans",
    "plural",
    "price",
    "rated_tariff",
    "rates_file",
    "read_rates",
    "read_tariff_file",
    "rounding_in_words",
    "tariff_names",
    "tariff_versions",
    "to_number",
    "write_rates",
]
