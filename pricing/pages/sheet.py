"""A sheet of paper that is sent: what stands on it, whatever it is drawn as.

HTML and PDF are drawn from the same values, so they say the same.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from pricing.money import format_usd


class Fact(Struct, frozen=True):
    """A name and what stands under it.

    Attributes:
        name: ``Issued``, ``Period``.
        value: One line, or for a party several.
        is_party: The first line is a name.
    """

    name: str
    value: str
    is_party: bool = False


class Row(Struct, frozen=True):
    """A line of the table.

    Attributes:
        what: What it is for.
        amount: As written: ``1,234.50``.
        more: What stands under it in plain print, and then in small print; empty: nothing.
    """

    what: str
    amount: str
    more: str = ""
    small: str = ""


class Sum(Struct, frozen=True):
    """A line under the table; the total is the last, and in bold."""

    name: str
    amount: str
    is_total: bool = False


class Sheet(Struct, frozen=True):
    """What stands on a page.

    Attributes:
        title: ``Invoice``, ``Credit note``, ``Payment reminder``.
        number: Under it.
        seller: Who sends it: a name, and lines below.
        facts: Beside each other.
        text: Paragraphs before the table.
        head: Of the table: what its lines are, and their currency.
        rows: At least one.
        sums: Under them.
        closing: Paragraphs after the table.
        notes: In small print at the end.
        day: Of its date.
    """

    title: str
    number: str
    seller: str
    facts: tuple[Fact, ...]
    head: tuple[str, str]
    rows: tuple[Row, ...]
    sums: tuple[Sum, ...]
    notes: tuple[str, ...]
    day: date
    text: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()


def amount_in_words(usd_micros: int) -> str:
    """``1,234.50``: at least two decimals, and thousands parted."""
    whole, point, decimals = format_usd(usd_micros).partition(".")
    return f"{int(whole):,}{point}{decimals}" if int(whole) else f"{whole}{point}{decimals}"


def day_in_words(day: date) -> str:
    """``1 February 2027``."""
    return f"{day.day} {day:%B %Y}"
