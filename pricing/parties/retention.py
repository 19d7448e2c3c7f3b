"""How long what is kept, as dated data: by kind, and by the law of the seller's country.

What belongs to an account goes with it (C62, C79). Invoices and the ledger stay for as long as the
law wants; nothing here deletes them, and nobody else's law is guessed: where none is on record, how
long is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from pricing.strict_toml import Text, numbered, read_toml, wrong_field

BUNDLED_RETENTION = Path(__file__).parent / "data" / "retention.toml"
YEARS_MAX = 100


class DataKind(StrEnum):
    """What is kept of customers."""

    BILLING_DETAILS = "billing-details"
    NAMES_AND_CARDS = "names-and-cards"
    DIGESTS = "digests"
    RUN_HISTORY = "run-history"
    INVOICES = "invoices"
    LEDGER = "ledger"


class Until(StrEnum):
    """What ends the keeping, where that is no number of years."""

    DELETION = "deletion"
    MONTH_AFTER_END = "month-after-end"


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long one kind of data is kept.

    Attributes:
        kind: Which.
        first_day: From when on that counts, also for what is kept already.
        law: What says so.
        source: Where that can be read.
        country: The seller's, whose law it is; None: whoever sells.
        years: From the end of the calendar year on; None: ``until`` says it.
        until: What ends it; None: ``years`` do.
    """

    kind: DataKind
    first_day: date = field(name="from")
    law: Text
    source: Text
    country: Text | None = None
    years: Annotated[int, Meta(ge=1, le=YEARS_MAX)] | None = None
    until: Until | None = None

    def last_day_of(self, made_on: date) -> date | None:
        """Until when, inclusive, something is to be kept; None: no number of years says it.

        Args:
            made_on: When it was issued or entered.
        """
        return None if self.years is None else date(made_on.year + self.years, 12, 31)


class _RetentionFile(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: date
    rules: Annotated[tuple[Retention, ...], Meta(min_length=1)]


def retention(
    country: str | None, day: date, *, path: Path = BUNDLED_RETENTION
) -> Mapping[DataKind, Retention | None]:
    """How long each kind of data is kept, by what is in force on a day.

    Args:
        country: The seller's; None: it is not on record.
        day: The day.
        path: The file of rules; default: the one that ships.

    Returns:
        By kind, all of them; None: no law of that country is on record.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    in_force = [each for each in _rules(path) if each.first_day <= day]
    found: dict[DataKind, Retention | None] = dict.fromkeys(DataKind)
    for each in in_force:
        if each.country in {None, country}:
            found[each.kind] = each
    return found


@cache
def _rules(path: Path) -> Sequence[Retention]:
    """The rules, those that came into force last at the end."""
    rules = read_toml(path, _RetentionFile).rules
    seen = set()
    for number, rule in enumerate(rules, 1):
        where = numbered(path, "rules", number)
        if (rule.years is None) == (rule.until is None):
            raise wrong_field(where, "years", "give either years or until")
        if (rule.years is None) != (rule.country is None):
            raise wrong_field(where, "country", "years are by the law of a country")
        key = (rule.kind, rule.country, rule.first_day)
        if key in seen:
            raise wrong_field(where, "from", f"{rule.first_day} is there twice")
        seen.add(key)
    return sorted(rules, key=lambda each: each.first_day)
