"""Something that must hold between the rows of the books."""

from __future__ import annotations

from msgspec import Struct

SHOWN_MAX = 100
"""Rows that one rule tells; a damaged file would otherwise fill the screen."""


class DamageRule(Struct, frozen=True):
    """Something that must hold.

    Attributes:
        table: Whose rows are looked at.
        words: What is wrong with a row, with the query's figures in braces.
        sql: Finds such rows.
    """

    table: str
    words: str
    sql: str
