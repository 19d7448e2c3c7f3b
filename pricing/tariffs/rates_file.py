"""The file of contract rates: read strictly, checked against the tariffs, written whole.

    [[rates]]
    tariff = "blazemeter"
    usd_per_unit = "0.12"
    per = "VUH"
    as_of = 2026-11-30

Which file that is, the caller says: nothing here reads the environment.
"""

# Annotations are values here: msgspec would compile each anew from its text at every start.

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from kernel.data_folder import data_folder
from kernel.errors import BadInputError
from kernel.files import write_whole
from kernel.near_names import meant
from pricing.money import MICROS_PER_USD, format_usd, usd_micros
from pricing.strict_toml import Money, Text, numbered, read_toml, wrong_field
from pricing.tariffs.contract_rate import ContractRate
from pricing.tariffs.loading import load_tariff, tariff_names
from pricing.tariffs.model import Tariff, UnknownTariffError
from pricing.tariffs.steps import plural

RATES_VARIABLE = "LOADMUSTER_RATES"
"""Names the file of contract rates, instead of the one in the user's data folder."""

HOUSE_TARIFFS = frozenset({"on-demand"})
"""Sold through our own plans: what they cost is in the file of plans."""

USD_MAX = 1_000_000
"""Dollars a unit; more is a slip of the keyboard."""

Rates = Mapping[str, ContractRate]
"""Contract rates by tariff."""


class BadRateError(BadInputError):
    """No rate that a tariff can be priced by; facts: ``tariff``, and what is wrong."""

    code = "bad_rate"


class _RateTable(Struct, frozen=True, forbid_unknown_fields=True):
    tariff: Text
    usd_per_unit: Money
    per: Text
    as_of: date


class _RatesFile(Struct, frozen=True, forbid_unknown_fields=True):
    rates: tuple[_RateTable, ...] = ()


def rates_file(environment: Mapping[str, str]) -> Path:
    """The file of this user's contract rates.

    Args:
        environment: Variables by name; ``LOADMUSTER_RATES`` names another file.
    """
    named = environment.get(RATES_VARIABLE, "").strip()
    return Path(named) if named else data_folder(environment) / "rates.toml"


def read_rates(path: Path) -> Rates:
    """The contract rates of a file; none, if there is no such file.

    Raises:
        DataFileError: File, field, and what would be right.
        UnknownTariffError, BadRateError: A tariff that there is not, or another unit than its.
    """
    if not path.exists():
        return {}
    file = read_toml(path, _RatesFile)
    rates: dict[str, ContractRate] = {}
    for number, table in enumerate(file.rates, 1):
        where = numbered(path, "rates", number)
        if table.tariff in rates:
            raise wrong_field(where, "tariff", f"{table.tariff} has a rate in this file already")
        rates[table.tariff] = contract_rate(
            table.tariff, table.usd_per_unit, table.per, table.as_of, where=where
        )
    return rates


def write_rates(path: Path, rates: Rates) -> None:
    """Put the rates in the place of the file's.

    Raises:
        BadInputError: The file cannot be written.
    """
    tables = [
        f'[[rates]]\ntariff = "{rate.tariff}"\n'
        f'usd_per_unit = "{format_usd(rate.usd_micros_per_unit)}"\n'
        f'per = "{rate.unit}"\n'
        f"as_of = {rate.as_of.isoformat()}\n"
        for _, rate in sorted(rates.items())
    ]
    text = "# What is paid by contract, beside what services publish.\n" + "".join(
        f"\n{table}" for table in tables
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be written: {error.strerror}; {RATES_VARIABLE} names another file",
            file=str(path),
        ) from error


def contract_rate(name: str, usd: str, per: str, as_of: date, *, where: str = "") -> ContractRate:
    """A contract rate, checked against the tariff that it is for.

    Args:
        name: The tariff's.
        usd: Decimal dollars of a unit.
        per: The unit, in the singular or in the plural.
        as_of: The day since when it is known to hold.
        where: What it was read from, for errors.

    Raises:
        UnknownTariffError: No such tariff; the message names those that there are.
        BadRateError: Negative, no amount, beyond reason, or for another unit; or the tariff is one
            of our own.
    """
    prefix = f"{where}: " if where else ""
    if name in HOUSE_TARIFFS:
        raise BadRateError(
            f"{prefix}{name} is sold by our own plans, whose prices are in the file of plans",
            tariff=name,
        )
    if name not in tariff_names():
        raise UnknownTariffError(
            f"{prefix}no tariff {name!r}{meant(name, tariff_names())}; there are "
            f"{', '.join(tariff_names())}",
            tariff=name,
        )
    tariff = load_tariff(name)
    try:
        price = usd_micros(usd, where=f"{prefix}the rate of {name}")
    except BadInputError as error:
        raise BadRateError(error.message, tariff=name, usd=usd) from error
    if not 0 <= price <= USD_MAX * MICROS_PER_USD:
        raise BadRateError(
            f"{prefix}a rate of {usd} USD for {name} will not do; from 0 to {USD_MAX:,} would",
            tariff=name,
            usd=usd,
        )
    if per.casefold() not in {tariff.unit.casefold(), plural(tariff.unit).casefold()}:
        raise BadRateError(
            f"{prefix}{name} does not count in {per!r} but in {tariff.unit}:"
            f" --per {tariff.unit} would be right",
            tariff=name,
            per=per,
            unit=tariff.unit,
        )
    return ContractRate(name, tariff.unit, price, as_of)


def check_known_by(today: date, rate: ContractRate) -> None:
    """Refuse a rate that is said to hold only from a day to come: it would count at once.

    Raises:
        BadRateError: It is.
    """
    if rate.as_of > today:
        raise BadRateError(
            f"rate of {rate.tariff}: as of {rate.as_of}, which is to come; a rate counts at once:"
            f" {today} or a day before it would be right",
            tariff=rate.tariff,
        )


def rated_tariff(name: str, at: date | None, rates: Rates) -> Tariff:
    """The version of a tariff that is in force on a day, at the contract rate if there is one.

    Args:
        name: One of ``tariff_names()``.
        at: The day; None: the newest version.
        rates: The contract rates.

    Raises:
        UnknownTariffError: No such tariff.
    """
    return at_contract_rate(load_tariff(name, at), rates.get(name))


def at_contract_rate(tariff: Tariff, rate: ContractRate | None) -> Tariff:
    """The same rule at the price of a unit that is paid; as it is, where that unit is not its."""
    if rate is None or rate.unit != tariff.unit:
        return tariff
    return replace(
        tariff,
        usd_micros_per_unit=rate.usd_micros_per_unit,
        unit_tiers=(),
        price_from=None,
        no_price=None,
        machines_of=None,
        contract_rate=rate,
    )
