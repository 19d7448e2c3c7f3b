"""An account's books as SQL shows them, to be held against the model and against themselves."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from sqlalchemy import Connection

from tests.billing_simulator.model import Account

Row = tuple[object, ...]

_SUMS = """
    SELECT CASE WHEN ledger_account LIKE 'lot:%' THEN 'held'
                WHEN ledger_account LIKE 'used:%' THEN 'used'
                WHEN ledger_account IN ('void', 'expired') THEN 'lost'
                ELSE ledger_account END AS what,
           sum(amount)
    FROM postings WHERE account_id = ? GROUP BY what
"""
_STATE = """
    SELECT (SELECT plan FROM terms WHERE account_id = a.id ORDER BY id DESC LIMIT 1),
           (SELECT count(*) FROM subscriptions WHERE account_id = a.id),
           EXISTS (SELECT 1 FROM subscriptions WHERE account_id = a.id AND ended_at IS NULL),
           (SELECT count(*) FROM periods JOIN subscriptions s ON s.id = subscription_id
             WHERE account_id = a.id AND payment = 'paid'),
           deleted_at IS NOT NULL,
           suspended_since IS NOT NULL
    FROM accounts a WHERE a.id = ?
"""
_UNPAID = """
    SELECT n FROM periods JOIN subscriptions s ON s.id = subscription_id
    WHERE account_id = ? AND payment = 'unpaid' ORDER BY n
"""
_DEBTS = """
    SELECT substr(cause, 5), state, usd_micros FROM payments
    WHERE account_id = ? AND cause LIKE 'run:%' AND state IN ('due', 'declined', 'delayed')
"""
_WAITING = "SELECT kind, effective_at FROM changes WHERE account_id = ? AND ended_at IS NULL"
_LOTS = """
    SELECT l.kind, l.amount, coalesce(sum(p.amount), 0)
    FROM lots l LEFT JOIN postings p
      ON p.account_id = l.account_id AND p.ledger_account = 'lot:' || l.id
    WHERE l.account_id = ? GROUP BY l.id ORDER BY l.id
"""
_MARK = """
    SELECT (SELECT max(id) FROM transactions WHERE account_id = a.id),
           (SELECT max(id) FROM lots WHERE account_id = a.id),
           (SELECT max(id) FROM invoices WHERE account_id = a.id),
           (SELECT count(*) FROM lot_closures WHERE account_id = a.id),
           (SELECT count(*) FROM requests WHERE account_id = a.id),
           (SELECT group_concat(state, '') FROM reservations WHERE account_id = a.id),
           (SELECT group_concat(id || state || coalesce(effective_at, ''), '')
              FROM changes WHERE account_id = a.id),
           (SELECT group_concat(id || plan || coalesce(ended_at, ''), '')
              FROM terms WHERE account_id = a.id),
           (SELECT group_concat(state || usd_micros, '') FROM payments WHERE account_id = a.id),
           (SELECT group_concat(payment, '') FROM periods JOIN subscriptions s
              ON s.id = subscription_id WHERE account_id = a.id),
           (SELECT group_concat(name || allocation_li_minutes || '/' || limit_usd_micros, '')
              FROM departments WHERE account_id = a.id),
           (SELECT limit_li_minutes FROM extra_credit_limits WHERE account_id = a.id),
           a.*
    FROM accounts a WHERE a.id = ?
"""
_HEADS = """
    SELECT (SELECT coalesce(max(id), 0) FROM transactions),
           (SELECT coalesce(max(id), 0) FROM lots),
           (SELECT coalesce(max(id), 0) FROM invoices),
           (SELECT coalesce(max(id), 0) FROM terms)
"""
_OTHERS = """
    SELECT (SELECT count(*) FROM transactions WHERE id > ? AND account_id <> ?)
         + (SELECT count(*) FROM lots WHERE id > ? AND account_id <> ?)
         + (SELECT count(*) FROM invoices WHERE id > ? AND account_id <> ?)
         + (SELECT count(*) FROM terms WHERE id > ? AND account_id <> ?)
"""
_JOURNAL = """
    SELECT t.natural_key, t.cause, t.description, t.effective_at, t.recorded_at,
           p.ledger_account, p.unit, p.amount
    FROM transactions t JOIN postings p ON p.transaction_id = t.id
    WHERE t.account_id = ? ORDER BY t.id, p.id
"""
_NUMBERED = re.compile(r"\b(subscription|lot|department)([: ])(\d+)\b")


def read(conn: Connection, sql: str, *parameters: object) -> list[Row]:
    """All rows."""
    return [tuple(row) for row in conn.exec_driver_sql(sql, parameters)]


def differences(conn: Connection, account_id: str, model: Account) -> list[str]:
    """Where an account's books are not as the model has them; both as of the same instant."""
    sums = {str(what): amount for what, amount in read(conn, _SUMS, account_id)}
    (state,) = read(conn, _STATE, account_id)
    found = {
        "sums": {what: amount for what, amount in sums.items() if amount},
        "state": (*state[:2], *map(bool, state[2:3]), state[3], *map(bool, state[4:])),
        "unpaid": [row[0] for row in read(conn, _UNPAID, account_id)],
        "waiting": {kind: _instant(at) for kind, at in read(conn, _WAITING, account_id)},
        "debts": {run: (state, usd) for run, state, usd in read(conn, _DEBTS, account_id)},
    }
    credits_, money = model.credits, model.money
    expected_sums = {
        "held": credits_.held,
        "used": credits_.used,
        "lost": credits_.lost,
        "issued": -credits_.issued,
        "cash": money.cash,
        "credit": -money.credit,
        "receivable": money.receivable,
        **{f"revenue:{kind}": -amount for kind, amount in model.revenue.items()},
    }
    expected = {
        "sums": {what: amount for what, amount in expected_sums.items() if amount},
        "state": (
            model.plan.name,
            model.subscriptions,
            not model.ended,
            model.periods,
            model.deleted,
            model.suspended,
        ),
        "unpaid": model.unpaid,
        "waiting": {kind: at for kind, (_, at) in model.waiting.items()},
        "debts": {run: (debt.state, debt.usd_micros) for run, debt in money.debts.items()},
    }
    return [
        f"{what}: books {found[what]}, model {expected[what]}"
        for what in found
        if found[what] != expected[what]
    ]


def lot_differences(conn: Connection, account_id: str, model: Account) -> list[str]:
    """Where what is left of a lot is not as the model has it, lot by lot in order of creation."""
    found = read(conn, _LOTS, account_id)
    expected = [(lot.kind, lot.amount, lot.left) for lot in model.credits.lots]
    if found == expected:
        return []
    pairs = [(f, e) for f, e in zip(found, expected, strict=False) if f != e]
    return [f"lots: {len(found)} in the books, {len(expected)} in the model, differ in {pairs}"]


def mark(conn: Connection, account_id: str) -> list[Row]:
    """All that a command could change; equal before and after what does nothing."""
    return read(conn, _MARK, account_id)


def heads(conn: Connection) -> Row:
    """The newest rows of the database."""
    return read(conn, _HEADS)[0]


def written_to_others(conn: Connection, account_id: str, before: Row) -> int:
    """Rows that a command on one account wrote into another's books (I15)."""
    parameters = [value for head in before for value in (head, account_id)]
    (row,) = read(conn, _OTHERS, *parameters)
    count = row[0]
    assert isinstance(count, int)
    return count


def digest(conn: Connection, account_id: str) -> str:
    """Of an account's journal; the same whatever other accounts share the database.

    The database numbers subscriptions, lots and departments across accounts; here each counts
    from the account's first.
    """
    numbers: dict[tuple[str, str], str] = {}

    def renumber(match: re.Match[str]) -> str:
        kind, mark_, number = match.groups()
        own = numbers.setdefault((kind, number), str(sum(k == kind for k, _ in numbers)))
        return f"{kind}{mark_}{own}"

    journal = "\n".join(
        _NUMBERED.sub(renumber, "|".join(str(value) for value in row))
        for row in read(conn, _JOURNAL, account_id)
    )
    return hashlib.sha256(journal.encode()).hexdigest()


def _instant(stored: object) -> datetime | None:
    """SQLite keeps UTC without saying so."""
    return None if stored is None else datetime.fromisoformat(str(stored)).replace(tzinfo=UTC)
