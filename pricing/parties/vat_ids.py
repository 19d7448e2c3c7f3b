"""Tax ids: checked by the format and the check digits of their country, and written in one way.

The rules of each country come from python-stdnum (https://arthurdejong.org/python-stdnum/). That a
number is well formed does not say that it was given to anybody: only the tax authorities know
that, whom a tax service may ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

EU = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
"""The member states (https://european-union.europa.eu/principles-countries-history/eu-countries)."""

TAX_ID_MAX = 40

_CHECKED = EU | {"CH", "GB", "NO"}
"""Elsewhere businesses have several kinds of ids, and one is not wrong for being another kind."""

_PREFIXES = {"GR": "EL"}
"""Where a VAT number begins with other letters than the country's code (Directive 2006/112/EC,
art. 215)."""


class BadTaxIdError(BadInputError):
    """Not a tax id of that country; facts: ``tax_id``, ``country``."""

    code = "bad_tax_id"


def check_tax_id(tax_id: str, country: str) -> str:
    """A tax id as its country writes it: in the EU with the letters of the country before it.

    Args:
        tax_id: With or without blanks, dots, and the letters of the country.
        country: ISO code; a country whose ids nobody here knows takes any text.

    Raises:
        BadTaxIdError: It is no VAT number of that country: a digit is wrong, or missing.
    """
    given = " ".join(tax_id.split())
    if len(given) > TAX_ID_MAX or not given.isprintable():
        raise _bad(given[:TAX_ID_MAX], country, f"at most {TAX_ID_MAX} letters and digits")
    prefix = _PREFIXES.get(country, country) if country in EU else ""
    module = _vat_module(country)
    if module is None:
        return given
    bare = given.upper().removeprefix(prefix) if prefix else given
    try:
        compact: Callable[[str], str] = module.validate
        found = compact(bare)
    except ValueError as error:
        raise _bad(given, country, _reason(error)) from error
    return prefix + found.removeprefix(prefix) if prefix else found


def _vat_module(country: str) -> Any:  # noqa: ANN401 - a module of python-stdnum
    """The rules of a country's VAT numbers; None: they are not known."""
    if country not in _CHECKED:
        return None
    from stdnum import get_cc_module

    return get_cc_module(country.lower(), "vat")


def _reason(error: ValueError) -> str:
    """What python-stdnum says, as the end of a line."""
    said = str(getattr(error, "message", "")) or "it is malformed"
    return said[0].lower() + said[1:].rstrip(".")


def _bad(tax_id: str, country: str, why: str) -> BadTaxIdError:
    return BadTaxIdError(
        f"tax id {tax_id!r} is no VAT number of {country}: {why}", tax_id=tax_id, country=country
    )
