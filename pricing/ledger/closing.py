"""Closed months: what was reported of them stays as it was reported.

The books have calendar months in UTC, which are closed in their order. A transaction counts when
it counts (``effective_at``), however late it is written; it is posted at the same instant, unless
that lies in a closed month: then it is posted in the first open one, when it is written (C61). What
customers see, periods, usage, invoices, goes by when things count; what is reported of a month, by
when they were posted. Triggers refuse what would be posted in a closed month.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select, text

from pricing.tables import CLOSED_MONTHS

_CLOSED_UNTIL = "loadmuster_closed_until"
_LAST_END = select(func.max(CLOSED_MONTHS.c.ends_at, type_=CLOSED_MONTHS.c.ends_at.type))


class ClosedMonth(Struct, frozen=True):
    """A month that takes no posting any more.

    Attributes:
        month: As ``2026-11``.
        ends_at: Where it ends, in UTC; half-open.
        closed_at: When it was closed, by the clock of who closed it.
        command: Number of the command in the log; None: not known.
    """

    month: str
    ends_at: datetime
    closed_at: datetime
    command: int | None


def closed_until(conn: Connection) -> datetime | None:
    """Where the last closed month ends; None: none is closed."""
    until: datetime | None = conn.execute(_LAST_END).scalar_one()
    return until


def posting_instant(
    conn: Connection, effective_at: datetime, recorded_at: datetime
) -> datetime | None:
    """When a transaction is posted that is written now; None: when it counts.

    Args:
        conn: An open write transaction, which asks the database once.
        effective_at: When it counts.
        recorded_at: When it is written.
    """
    options = conn.get_execution_options()
    if _CLOSED_UNTIL not in options:
        conn.execution_options(**{_CLOSED_UNTIL: closed_until(conn)})
        options = conn.get_execution_options()
    until: datetime | None = options[_CLOSED_UNTIL]
    if until is None or effective_at >= until:
        return None
    return max(recorded_at, until)


def closed_months(conn: Connection) -> Sequence[ClosedMonth]:
    """Every month that was closed by name, oldest first."""
    rows = conn.execute(select(CLOSED_MONTHS).order_by(CLOSED_MONTHS.c.ends_at))
    return tuple(ClosedMonth(row.month, row.ends_at, row.closed_at, row.command_id) for row in rows)


def wait_for_writers(conn: Connection) -> None:
    """Let every transaction that is posting end first, and keep others waiting until this one does.

    On SQLite, which has one writer, a write transaction has waited already.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE transactions IN SHARE ROW EXCLUSIVE MODE"))
