"""Something that must hold between the rows of the books."""

from __future__ import annotations

from collections.abc import Iterable

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


def of_one_account(table: str, whole: str, whole_table: str) -> DamageRule:
    """What belongs to a row of another table is of the same account as that.

    Args:
        table: Whose rows are looked at.
        whole: What each belongs to, as its reference is called without ``_id``.
        whole_table: Where that is.
    """
    return DamageRule(
        table,
        f"its {whole} is of account {{other}}",
        f"""
        SELECT a.id AS row, a.account_id AS account, b.account_id AS other
        FROM {table} a JOIN {whole_table} b ON b.id = a.{whole}_id
        WHERE b.account_id <> a.account_id
        """,  # noqa: S608 - names of our tables
    )


def listed(words: Iterable[str]) -> str:
    """The words that there are for something, as SQL has them behind ``IN``."""
    return f"({', '.join(repr(str(word)) for word in words)})"
