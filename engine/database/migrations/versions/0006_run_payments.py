"""Payments of runs that are due, payments in the ledger, and when each run had ended."""

import sqlalchemy as sa
from alembic import op

revision = "0006_run_payments"
down_revision = "0005_snapshots"

_INSTANT = sa.DateTime(timezone=True)
_UNCOLLECTED = sa.text("state IN ('due', 'declined', 'delayed')")
_NOT_ENDED = sa.text("run_ended_at IS NULL")


def upgrade() -> None:
    op.add_column("reservations", sa.Column("run_ended_at", _INSTANT))
    _end_runs()
    op.create_index(
        "ix_reservations_at_once",
        "reservations",
        ["account_id"],
        sqlite_where=_NOT_ENDED,
        postgresql_where=_NOT_ENDED,
    )
    with op.batch_alter_table("payments") as payments:
        payments.drop_constraint("ck_payments_state", type_="check")
        payments.create_check_constraint(
            "ck_payments_state", "state IN ('due', 'accepted', 'declined', 'delayed', 'abandoned')"
        )
    op.create_index(
        "ix_payments_uncollected",
        "payments",
        ["account_id"],
        sqlite_where=_UNCOLLECTED,
        postgresql_where=_UNCOLLECTED,
    )
    _book_payments()
    _let_runs_be_due()


def _end_runs() -> None:
    """What was given up is over; a run that was launched is over when the run's record says so."""
    op.execute("UPDATE reservations SET run_ended_at = ended_at WHERE state = 'void'")
    op.execute(
        "UPDATE reservations SET run_ended_at ="
        " (SELECT runs.ended_at FROM runs WHERE runs.id = reservations.run_id)"
        " WHERE state = 'posted'"
    )


def _book_payments() -> None:
    """What was collected so far was not in the ledger."""
    op.execute(
        "INSERT INTO transactions"
        " (account_id, natural_key, cause, description, effective_at, recorded_at)"
        " SELECT account_id, cause || '\\:payment', cause, 'payment by ' || channel, asked_at,"
        " asked_at FROM payments WHERE state = 'accepted' AND usd_micros > 0 ORDER BY asked_at"
    )
    op.execute(
        "INSERT INTO postings (transaction_id, account_id, ledger_account, unit, amount)"
        " SELECT t.id, t.account_id, side.name, 'usd_micros', side.sign * p.usd_micros"
        " FROM payments p JOIN transactions t ON t.natural_key = p.cause || '\\:payment'"
        " CROSS JOIN (SELECT 'cash' AS name, 1 AS sign UNION ALL SELECT 'receivable', -1) side"
    )


def _let_runs_be_due() -> None:
    """What runs were charged in money, less what was corrected, was never asked for."""
    op.execute(
        "INSERT INTO payments"
        " (cause, account_id, usd_micros, channel, state, reason, asked_at)"
        " SELECT t.cause, t.account_id, SUM(p.amount), a.channel, 'due', '', MIN(t.effective_at)"
        " FROM transactions t JOIN postings p ON p.transaction_id = t.id"
        " JOIN accounts a ON a.id = t.account_id"
        " WHERE t.cause LIKE 'run:%' AND p.ledger_account = 'receivable' AND p.unit = 'usd_micros'"
        " AND a.deleted_at IS NULL"
        " GROUP BY t.cause, t.account_id, a.channel HAVING SUM(p.amount) > 0"
    )
