"""All damage of the books, found in one transaction that only reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from pricing.reports.damage.issued import gaps_in_numbers, not_as_issued
from pricing.reports.damage.late import late
from pricing.reports.damage.of_ledger import LEDGER_RULES
from pricing.reports.damage.of_lots import LOT_RULES
from pricing.reports.damage.of_plans import PLAN_RULES
from pricing.reports.damage.of_refunds import REFUND_RULES
from pricing.reports.damage.of_sales import SALES_RULES
from pricing.reports.damage.of_taxes import TAX_RULES
from pricing.reports.damage.reading import Damage
from pricing.reports.damage.rule import SHOWN_MAX, DamageRule
from pricing.reports.damage.values import (
    dangling,
    misfiled,
    off_their_anchor,
    unreadable,
    wrong_types,
)

RULES = (*LEDGER_RULES, *LOT_RULES, *SALES_RULES, *REFUND_RULES, *TAX_RULES, *PLAN_RULES)


def find_damage(conn: Connection) -> Iterator[Damage]:
    """Every row that is not what it was, with what does not hold.

    Of one rule at most ``SHOWN_MAX`` rows are told.

    Args:
        conn: A connection that only reads.
    """
    yield from wrong_types(conn)
    yield from dangling(conn)
    yield from unreadable(conn)
    yield from off_their_anchor(conn)
    yield from misfiled(conn)
    yield from not_as_issued(conn)
    yield from gaps_in_numbers(conn)
    yield from late(conn)
    for rule in RULES:
        yield from _broken(conn, rule)


def _broken(conn: Connection, rule: DamageRule) -> Iterator[Damage]:
    try:
        with conn.begin_nested():
            # No colon of a rule names a parameter.
            sql = text(rule.sql.replace(":", r"\:"))
            rows = list(islice(conn.execute(sql).mappings(), SHOWN_MAX))
    except (SQLAlchemyError, ValueError, TypeError) as error:
        # A value that cannot even be computed with is told by its type, above.
        yield Damage(rule.table, "?", None, f"its rows cannot be read: {_first_line(error)}")
        return
    for row in rows:
        figures = {name: value for name, value in row.items() if name not in {"row", "account"}}
        yield Damage(rule.table, str(row["row"]), str(row["account"]), rule.words.format(**figures))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
