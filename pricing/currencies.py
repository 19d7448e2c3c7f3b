"""Currencies: data, of which the books take as many as there are.

In the ledger an amount of money is millionths of its currency. The unit of a posting says which:
``usd_micros`` of US dollars, ``eur_micros`` of euros. Postings of one currency never balance those
of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from kernel.errors import BadInputError
from pricing.strict_toml import NotNegative, Text, numbered, read_toml, wrong_field

CURRENCIES_FILE = Path(__file__).with_name("currencies.toml")
DOLLARS = "USD"
"""What plans and tariffs are priced in."""

DECIMALS = 2
"""Of every currency: amounts are rounded to hundredths when they are charged."""

MICROS = "_micros"
"""How the unit of an amount of money ends."""

Code = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}\Z", extra={"right": 'must be three capital letters like "EUR"'})
]


class UnsupportedCurrencyError(BadInputError):
    """A currency that the books are not kept in; facts: ``currency``."""

    code = "unsupported_currency"


class Currency(Struct, frozen=True, forbid_unknown_fields=True):
    """A currency that the books are kept in.

    Attributes:
        code: ISO 4217, three capital letters.
        name: In English, for people.
        decimals: Of its amounts on invoices.
    """

    code: Code
    name: Text
    decimals: NotNegative

    @property
    def unit(self) -> str:
        """The unit of its amounts in the ledger: millionths of it."""
        return f"{self.code.lower()}{MICROS}"


class _CurrenciesFile(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: date
    sources: Annotated[tuple[Text, ...], Meta(min_length=1)]
    currencies: Annotated[tuple[Currency, ...], Meta(min_length=1)]


def currencies() -> Mapping[str, Currency]:
    """Every currency by its code.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    return _read(CURRENCIES_FILE)


def check_currency(code: str) -> Currency:
    """The currency of that code.

    Raises:
        UnsupportedCurrencyError: The books are not kept in it.
    """
    found = currencies().get(code.upper())
    if found is None:
        raise _unsupported(code)
    return found


def currency_of_unit(unit: str) -> Currency:
    """The currency whose amounts have that unit in the ledger.

    Raises:
        UnsupportedCurrencyError: There is none.
    """
    for each in currencies().values():
        if each.unit == unit:
            return each
    raise _unsupported(unit.removesuffix(MICROS).upper())


def _unsupported(code: str) -> UnsupportedCurrencyError:
    right = " or ".join(currencies())
    return UnsupportedCurrencyError(
        f"currency {code[:20]!r} is not supported: {right} would be right", currency=code[:20]
    )


@cache
def _read(path: Path) -> Mapping[str, Currency]:
    found: dict[str, Currency] = {}
    for number, each in enumerate(read_toml(path, _CurrenciesFile).currencies, 1):
        if each.code in found:
            raise wrong_field(
                numbered(path, "currencies", number), "code", f"{each.code!r} is there twice"
            )
        if each.decimals != DECIMALS:
            raise wrong_field(
                numbered(path, "currencies", number),
                "decimals",
                f"must be {DECIMALS}: amounts are rounded to hundredths",
            )
        found[each.code] = each
    return found
