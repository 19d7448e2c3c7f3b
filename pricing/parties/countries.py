"""Countries by their ISO 3166-1 codes, as the time zone database lists them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from kernel.errors import BadInputError
from kernel.near_names import meant


class UnknownCountryError(BadInputError):
    """Not the code of a country; facts: ``country``."""

    code = "unknown_country"


@cache
def countries() -> Mapping[str, str]:
    """Every country's name in English, by its code of two capital letters."""
    listed = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in listed.splitlines() if not line.startswith("#"))
    return {code: _NAMES.get(code, name) for code, name in rows}


def check_country(code: str) -> str:
    """The code, in capital letters.

    Raises:
        UnknownCountryError: No country has it; a name that one has is answered with its code.
    """
    found = code.strip().upper()
    if found in countries():
        return found
    by_name = {name.casefold(): code for code, name in countries().items()}
    named = by_name.get(code.strip().casefold())
    instead = f"; {code.strip()} is {named}" if named else meant(found, countries())
    raise UnknownCountryError(
        f"country {code[:40]!r}: two letters of ISO 3166 like DE would be right{instead}",
        country=code[:40],
    )


def country_name(code: str) -> str:
    """The name of a country in English; a code that no country has stands for itself."""
    return countries().get(code, code)


# The list abbreviates, which does for a choice of time zones and not for an address.
_NAMES = {
    "AE": "United Arab Emirates",
    "BA": "Bosnia and Herzegovina",
    "CD": "Democratic Republic of the Congo",
    "CG": "Republic of the Congo",
    "CZ": "Czechia",
    "GB": "United Kingdom",
    "KP": "North Korea",
    "KR": "South Korea",
    "MM": "Myanmar",
    "US": "United States",
}
