"""An account with years of runs behind it, written in bulk as its commands would have written it.

Each run has its reservation, its charge of three postings and, if it was paid in money, its
invoice; if it was paid with LI-minutes, its slice of the account's lot.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Integer,
    Table,
    Text,
    cast,
    func,
    literal,
    select,
    union_all,
)

from pricing.ledger.invoices import REVENUE
from pricing.ledger.lots import Grant, LotKind, grant, ledger_account, open_lots
from pricing.plans.model import Plan
from pricing.plans.quotes import Unit, quote_run, quote_to_json
from pricing.tables import (
    INVOICE_LINES,
    INVOICES,
    POSTINGS,
    RESERVATIONS,
    SLICES,
    TRANSACTIONS,
)
from pricing.tariffs import LoadSize

POSTINGS_A_RUN = 3
_STARTUP, _USE = 2, 1
_USAGE = LoadSize(injectors=1, users=100, duration_s=60)


def write_history(
    conn: Connection, account_id: str, plan: Plan, runs: int, *, at: datetime
) -> None:
    """Runs that were charged at ``at``: odd ones in money, even ones with LI-minutes.

    Args:
        conn: An open write transaction.
        account_id: Whose; its books are empty but for its periods.
        plan: What the quotes are on.
        runs: How many.
        at: When all of them were reserved, charged and billed.
    """
    given = Grant(
        kind=LotKind.BOOST,
        amount=runs * (_STARTUP + _USE) + 1_000_000,
        effective_at=at,
        expires_at=None,
        cause=f"gift:{account_id}",
        description="a gift",
    )
    grant(conn, account_id, given, now=at)
    lot_id = open_lots(conn, account_id, at)[-1].id
    numbers = _numbers(runs)
    run_id = literal(f"{account_id}-r").concat(cast(numbers.c.n, Text))
    _write_reservations(conn, account_id, plan, numbers, run_id, at=at)
    in_credits = select(run_id, literal(0), literal(lot_id), literal(_STARTUP + _USE))
    _copy(
        conn,
        SLICES,
        ("run_id", "position", "lot_id", "amount"),
        in_credits.where(numbers.c.n % 2 == 0),
    )
    cause = literal("run:").concat(run_id)
    charge = select(
        literal(account_id), cause.concat(":start"), cause, run_id, _instant(at), _instant(at)
    )
    _copy(
        conn,
        TRANSACTIONS,
        ("account_id", "natural_key", "cause", "description", "effective_at", "recorded_at"),
        charge,
    )
    _write_postings(conn, account_id, lot_id)
    _write_invoices(conn, account_id, numbers, cause, at=at)


def _write_reservations(
    conn: Connection,
    account_id: str,
    plan: Plan,
    numbers: CTE,
    run_id: ColumnElement[str],
    *,
    at: datetime,
) -> None:
    quote = literal(quote_to_json(quote_run(plan, _USAGE)), RESERVATIONS.c.quote.type)
    rows = select(
        run_id,
        literal(account_id),
        quote,
        literal(value=False),
        literal("posted"),
        _instant(at),
        _instant(at),
    ).select_from(numbers)
    columns = ("run_id", "account_id", "quote", "rehearsal", "state", "reserved_at", "ended_at")
    _copy(conn, RESERVATIONS, columns, rows)


def _write_postings(conn: Connection, account_id: str, lot_id: int) -> None:
    """Three of each run's transaction; by turns in money and in LI-minutes."""
    money = (
        ("receivable", 9_000_000),
        (f"{REVENUE}start-up", -7_500_000),
        (f"{REVENUE}use", -1_500_000),
    )
    li_minutes = (
        (ledger_account(lot_id), -_STARTUP - _USE),
        ("used:start-up", _STARTUP),
        ("used:use", _USE),
    )
    prefix = f"run:{account_id}-r"
    charges = (TRANSACTIONS.c.account_id == account_id, TRANSACTIONS.c.cause.startswith(prefix))
    number = cast(func.substr(TRANSACTIONS.c.cause, len(prefix) + 1), Integer)
    lines = [
        select(
            TRANSACTIONS.c.id,
            literal(account_id),
            literal(name),
            literal(unit.value),
            literal(amount, POSTINGS.c.amount.type),
        ).where(*charges, number % 2 == parity)
        for parity, unit, postings in ((1, Unit.USD, money), (0, Unit.LI_MINUTES, li_minutes))
        for name, amount in postings
    ]
    columns = ("transaction_id", "account_id", "ledger_account", "unit", "amount")
    _copy(conn, POSTINGS, columns, union_all(*lines))


def _write_invoices(
    conn: Connection, account_id: str, numbers: CTE, cause: ColumnElement[str], *, at: datetime
) -> None:
    last = select(func.coalesce(func.max(INVOICES.c.sequence), 0)).where(
        INVOICES.c.account_id == account_id
    )
    sequence = numbers.c.n + conn.execute(last).scalar_one()
    rows = select(
        literal(account_id),
        sequence,
        literal(f"{account_id}-").concat(cast(sequence, Text)),
        cause,
        _instant(at),
    ).where(numbers.c.n % 2 == 1)
    columns = ("account_id", "sequence", "number", "cause", "issued_at")
    _copy(conn, INVOICES, columns, rows)
    for line, usd_micros in (("start-up", 7_500_000), ("use", 1_500_000)):
        billed = select(
            INVOICES.c.id,
            literal(f"a run: {line}"),
            literal(usd_micros, INVOICE_LINES.c.usd_micros.type),
            INVOICES.c.cause.concat(":start"),
        ).where(INVOICES.c.account_id == account_id, INVOICES.c.cause.startswith("run:"))
        _copy(conn, INVOICE_LINES, ("invoice_id", "description", "usd_micros", "cause"), billed)


def _numbers(runs: int) -> CTE:
    """1 to ``runs``, as a table."""
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    return numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < runs))


def _instant(at: datetime) -> ColumnElement[datetime]:
    return literal(at, TRANSACTIONS.c.effective_at.type)


def _copy(conn: Connection, table: Table, columns: tuple[str, ...], rows: Any) -> None:  # noqa: ANN401 - any select
    conn.execute(table.insert().from_select(list(columns), rows))
