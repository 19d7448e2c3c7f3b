"""A party to an invoice: name, address, country, e-mail, tax id; checked as it is put on record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from kernel.errors import BadInputError
from kernel.words import counted
from pricing.parties.countries import check_country, country_name
from pricing.parties.vat_ids import check_tax_id

NAME_MAX = 200
ADDRESS_LINES_MAX = 8
EMAIL_MAX = 254
"""RFC 5321: a path has 256 octets, two of which are its angle brackets."""

_EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]+\.[^@\s<>,;.]+")


class BadPartyError(BadInputError):
    """A name, address or e-mail that cannot stand on an invoice; facts: ``field``."""

    code = "bad_party"


class Party(Struct, frozen=True):
    """Who sends an invoice, or whom it is for.

    Attributes:
        name: Of the business or person; None: not on record.
        address: Street and place, on as many lines as they need, without the country.
        country: ISO 3166-1 code of two capital letters.
        email: Where invoices and letters go.
        tax_id: VAT number, in the EU with the letters of its country before it.
    """

    name: str | None = None
    address: str | None = None
    country: str | None = None
    email: str | None = None
    tax_id: str | None = None

    @property
    def text(self) -> str:
        """All of it as an invoice shows it, line by line."""
        country = None if self.country is None else country_name(self.country)
        tax_id = None if self.tax_id is None else f"Tax id {self.tax_id}"
        return "\n".join(
            line for line in (self.name, self.address, country, self.email, tax_id) if line
        )


def is_email(text: str) -> bool:
    """Whether a text is an e-mail address, like a@example.com."""
    return len(text) <= EMAIL_MAX and _EMAIL.fullmatch(text) is not None


def with_changes(party: Party, changes: Mapping[str, str | None]) -> Party:
    """A party with some fields said anew; an empty text takes a field away.

    Args:
        party: As it is on record.
        changes: By field of ``Party``; None: as it was.

    Raises:
        BadPartyError: A text is too long, has characters that cannot be printed, or is no e-mail.
        UnknownCountryError: The country is none.
        BadTaxIdError: The tax id is none of the country's.
    """
    said = {field: value.strip() or None for field, value in changes.items() if value is not None}
    return check_party(replace(party, **said))


def check_party(party: Party) -> Party:
    """The party as it is put on record: country and tax id in their one way of writing.

    Raises:
        BadPartyError: A text is too long, has characters that cannot be printed, or is no e-mail.
        UnknownCountryError: The country is none.
        BadTaxIdError: The tax id is none of the country's.
    """
    address = None if party.address is None else _address(party.address)
    country = None if party.country is None else check_country(party.country)
    if party.name is not None:
        _check_text("name", party.name, NAME_MAX)
    if party.email is not None and not is_email(party.email):
        raise _bad("email", f"{party.email[:EMAIL_MAX]!r} is no e-mail address like a@example.com")
    if party.tax_id is None:
        return replace(party, address=address, country=country)
    if country is None:
        raise _bad("tax_id", "a tax id is of a country: say which, like --country DE")
    tax_id = check_tax_id(party.tax_id, country)
    return replace(party, address=address, country=country, tax_id=tax_id)


def party_to_json(party: Party) -> dict[str, Any]:
    """A party as it is stored, and as documents show it."""
    return asdict(party)


def party_from_json(document: Mapping[str, Any] | None) -> Party | None:
    """The party that ``party_to_json`` wrote."""
    return None if document is None else Party(**document)


def _address(address: str) -> str:
    lines = [line.strip() for line in address.replace("\r\n", "\n").split("\n")]
    kept = [line for line in lines if line]
    if len(kept) > ADDRESS_LINES_MAX:
        raise _bad(
            "address",
            f"has {counted(len(kept), 'line')}; at most {ADDRESS_LINES_MAX} would be right",
        )
    for line in kept:
        _check_text("address", line, NAME_MAX)
    return "\n".join(kept)


def _check_text(field: str, text: str, most: int) -> None:
    if len(text) > most:
        raise _bad(
            field, f"has {counted(len(text), 'character')}; at most {most} a line would be right"
        )
    if not text.isprintable():
        raise _bad(field, f"{text[:40]!r} has characters that cannot be printed")


def _bad(field: str, problem: str) -> BadPartyError:
    return BadPartyError(f"{field.replace('_', ' ')}: {problem}", field=field)
