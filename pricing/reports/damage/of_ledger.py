"""What must hold in the ledger: transactions, postings, and what runs reserved."""

from __future__ import annotations

from pricing.reports.damage.rule import DamageRule, of_one_account

LEDGER_RULES = (
    DamageRule(
        "transactions",
        "its postings sum to {off} {unit}, not to 0",
        """
        SELECT t.natural_key AS row, t.account_id AS account, p.unit AS unit, sum(p.amount) AS off
        FROM transactions t JOIN postings p ON p.transaction_id = t.id
        GROUP BY t.id, t.natural_key, t.account_id, p.unit HAVING sum(p.amount) <> 0
        """,
    ),
    DamageRule(
        "transactions",
        "it has no postings",
        """
        SELECT t.natural_key AS row, t.account_id AS account FROM transactions t
        WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.transaction_id = t.id)
        """,
    ),
    DamageRule(
        "transactions",
        "its key does not begin with its cause, {cause}",
        """
        SELECT t.natural_key AS row, t.account_id AS account, t.cause AS cause
        FROM transactions t
        WHERE (t.cause = '' OR substr(t.natural_key, 1, length(t.cause)) <> t.cause)
          AND NOT EXISTS (SELECT 1 FROM transactions u WHERE t.cause LIKE 'healing:%'
            AND t.natural_key = 'healing:' || u.natural_key AND u.account_id = t.account_id)
        """,
    ),
    DamageRule(
        "transactions",
        "it counts at {at}, before the account was opened",
        """
        SELECT t.natural_key AS row, t.account_id AS account, t.effective_at AS at
        FROM transactions t JOIN accounts a ON a.id = t.account_id
        WHERE t.effective_at < a.opened_at AND t.effective_at < a.activated_at
        """,
    ),
    DamageRule(
        "transactions",
        "it is posted at {at}, which no month that was closed says",
        """
        SELECT t.natural_key AS row, t.account_id AS account, t.posting_at AS at
        FROM transactions t WHERE t.posting_at IS NOT NULL AND NOT (
          EXISTS (SELECT 1 FROM closed_months m
            WHERE t.effective_at < m.ends_at AND m.ends_at <= t.posting_at)
          AND (t.posting_at = t.recorded_at
            OR EXISTS (SELECT 1 FROM closed_months m WHERE m.ends_at = t.posting_at)))
        """,
    ),
    of_one_account("postings", "transaction", "transactions"),
    DamageRule(
        "postings",
        "{ledger} is no lot of the account",
        """
        SELECT p.id AS row, p.account_id AS account, p.ledger_account AS ledger
        FROM postings p
        WHERE p.ledger_account LIKE 'lot:%' AND NOT EXISTS (SELECT 1 FROM lots l
          WHERE 'lot:' || l.id = p.ledger_account AND l.account_id = p.account_id)
        """,
    ),
    DamageRule(
        "balance_snapshots",
        "{ledger} is {kept} {unit} there, and its postings sum to {posted}",
        """
        SELECT account AS row, account, unit, ledger, sum(kept) AS kept, sum(posted) AS posted
        FROM (
          SELECT account_id AS account, unit, ledger_account AS ledger, amount AS kept, 0 AS posted
          FROM balance_snapshots
          UNION ALL
          SELECT p.account_id, p.unit, p.ledger_account, 0, p.amount FROM postings p
          JOIN snapshot_marks m ON m.account_id = p.account_id AND p.id <= m.up_to_posting_id
        ) both_sides
        GROUP BY account, unit, ledger HAVING sum(kept) <> sum(posted)
        """,
    ),
    DamageRule(
        "reservations",
        "it is {state}, and the ledger says otherwise",
        """
        SELECT r.run_id AS row, r.account_id AS account, r.state AS state FROM reservations r
        LEFT JOIN transactions t ON t.natural_key = 'run:' || r.run_id || ':start'
        WHERE (r.state = 'posted' AND t.id IS NULL) OR (r.state <> 'posted' AND t.id IS NOT NULL)
          OR (r.state = 'open' AND r.ended_at IS NOT NULL)
          OR (r.state <> 'open' AND r.ended_at IS NULL)
          OR t.account_id <> r.account_id
        """,
    ),
    DamageRule(
        "slices",
        "run {run} takes {amount} of lot {lot}, and the ledger says otherwise",
        """
        SELECT s.run_id AS row, r.account_id AS account, s.run_id AS run, s.lot_id AS lot,
          sum(s.amount) AS amount
        FROM slices s JOIN reservations r ON r.run_id = s.run_id AND r.state = 'posted'
        GROUP BY s.run_id, s.lot_id, r.account_id
        HAVING sum(s.amount) <> coalesce((SELECT -sum(p.amount) FROM postings p
          JOIN transactions t ON t.id = p.transaction_id
          WHERE t.natural_key = 'run:' || s.run_id || ':start'
            AND p.ledger_account = 'lot:' || s.lot_id), 0)
        """,
    ),
    DamageRule(
        "slices",
        "the ledger takes {amount} from {ledger} for it, and it reserved none of that",
        """
        SELECT t.cause AS row, t.account_id AS account, p.ledger_account AS ledger,
          -p.amount AS amount
        FROM transactions t JOIN postings p ON p.transaction_id = t.id
        WHERE t.natural_key LIKE 'run:%:start' AND p.ledger_account LIKE 'lot:%'
          AND NOT EXISTS (SELECT 1 FROM slices s WHERE 'run:' || s.run_id = t.cause
            AND 'lot:' || s.lot_id = p.ledger_account)
        """,
    ),
    DamageRule(
        "slices",
        "run {run} takes of lot {lot}, which is another account's",
        """
        SELECT s.run_id AS row, r.account_id AS account, s.run_id AS run, s.lot_id AS lot
        FROM slices s JOIN reservations r ON r.run_id = s.run_id JOIN lots l ON l.id = s.lot_id
        WHERE l.account_id <> r.account_id
        """,
    ),
    DamageRule(
        "reservations",
        "its instants do not follow each other, or are not the ledger's",
        """
        SELECT r.run_id AS row, r.account_id AS account FROM reservations r
        LEFT JOIN transactions t ON t.natural_key = 'run:' || r.run_id || ':start'
        WHERE r.ended_at < r.reserved_at OR r.run_ended_at < r.ended_at
          OR r.state = 'posted' AND t.effective_at <> r.ended_at
          OR r.rehearsal AND t.id IS NOT NULL
        """,
    ),
)
