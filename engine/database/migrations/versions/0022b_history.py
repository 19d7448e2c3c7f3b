"""Triggers for every table of money: history never changes, and what is kept never goes."""

from alembic import op

revision = "0022b_history"
down_revision = "0022_commands"

_HISTORY = ("slices", "department_runs", "extra_purchases", "healings")
_KEPT = {
    "accounts": "id, timezone, activated_at, opened_at",
    "requests": "account_id, request_id, command, made_at",
    "subscriptions": "id, account_id, anchor_day, timezone, first_period, started_at",
    "periods": "subscription_id, n, starts_at, ends_at",
    "terms": "id, account_id, subscription_id, plan, document, started_at",
    "changes": "id, account_id, subscription_id, kind, requested_at",
    "payments": "cause, account_id",
    "reservations": "run_id, account_id, quote, rehearsal, reserved_at",
    "lot_closures": "lot_id, account_id, reason",
    "departments": "id, account_id, created_at",
    "department_lots": "lot_id, department_id, source_lot_id",
    "extra_credit_limits": "account_id",
}
# When a row is history; what lies after its account's last command may go when that is healed.
_OF_ACCOUNT = "(SELECT last_command_at FROM accounts WHERE id = OLD.account_id)"
_IS_HISTORY = {
    "periods": "OLD.starts_at <= (SELECT last_command_at FROM accounts JOIN subscriptions"
    " ON subscriptions.account_id = accounts.id WHERE subscriptions.id = OLD.subscription_id)",
    "terms": f"OLD.started_at <= {_OF_ACCOUNT}",
    "lot_closures": f"OLD.closed_at <= {_OF_ACCOUNT}",
    "department_lots": "EXISTS (SELECT 1 FROM lots JOIN accounts ON accounts.id = lots.account_id"
    " WHERE lots.id = OLD.lot_id AND lots.effective_at <= accounts.last_command_at)",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _protect_on_postgresql()
    else:
        _protect_on_sqlite()


def _protect_on_sqlite() -> None:
    for table in _HISTORY:
        _refuse(table, "no_update", "UPDATE")
        _refuse(table, "no_delete", "DELETE")
    for table, fixed in _KEPT.items():
        _refuse(table, "fixed", f"UPDATE OF {fixed}")
        _refuse(table, "no_delete", "DELETE", _IS_HISTORY.get(table))


def _refuse(table: str, name: str, event: str, condition: str | None = None) -> None:
    when = "" if condition is None else f" WHEN {condition}"
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table}{when}"
        f" BEGIN SELECT RAISE(ABORT, '{table} are history; correct with new rows'); END"
    )


def _protect_on_postgresql() -> None:
    refuse = "EXECUTE FUNCTION loadmuster_history()"
    for table in _HISTORY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW {refuse}"
        )
    for table, fixed in _KEPT.items():
        op.execute(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OF {fixed} ON {table}"
            f" FOR EACH ROW {refuse}"
        )
        function = "loadmuster_history"
        if table in _IS_HISTORY:
            function = f"loadmuster_{table}_history"
            # A trigger's own condition cannot look at other tables.
            op.execute(
                f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF {_IS_HISTORY[table]} THEN"
                " RAISE EXCEPTION '% are history; correct with new rows', TG_TABLE_NAME"
                " USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    for table in (*_HISTORY, *_KEPT):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT {refuse}"
        )
