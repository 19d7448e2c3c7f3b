"""What must hold of lots, and of how they were closed."""

from __future__ import annotations

from pricing.reports.damage.rule import DamageRule, listed
from pricing.subscriptions.lot_expiry import ExpiryReason

LOT_RULES = (
    DamageRule(
        "lots",
        "it holds {held} of {amount} LI-minutes",
        """
        SELECT l.id AS row, l.account_id AS account, l.amount AS amount, sum(p.amount) AS held
        FROM lots l
        JOIN postings p ON p.account_id = l.account_id AND p.ledger_account = 'lot:' || l.id
        GROUP BY l.id, l.account_id, l.amount
        HAVING sum(p.amount) < 0 OR sum(p.amount) > l.amount
        """,
    ),
    DamageRule(
        "lots",
        "it is of {amount} LI-minutes, and {posted} were posted to it",
        """
        SELECT l.id AS row, l.account_id AS account, l.amount AS amount, p.amount AS posted
        FROM lots l JOIN postings p ON p.id = (SELECT min(f.id) FROM postings f
          WHERE f.account_id = l.account_id AND f.ledger_account = 'lot:' || l.id)
        WHERE p.amount <> l.amount
        """,
    ),
    DamageRule(
        "lots",
        "nothing was ever posted to it",
        """
        SELECT l.id AS row, l.account_id AS account FROM lots l
        LEFT JOIN reservations r ON l.cause = 'run:' || r.run_id || ':extra'
        WHERE coalesce(r.state, 'posted') = 'posted' AND NOT EXISTS (SELECT 1 FROM postings p
          WHERE p.account_id = l.account_id AND p.ledger_account = 'lot:' || l.id)
        """,
    ),
    DamageRule(
        "lots",
        "a lot of kind {kind} does not burn at priority {priority}",
        """
        SELECT id AS row, account_id AS account, kind, priority FROM lots
        WHERE priority <> CASE kind WHEN 'trial' THEN 10 WHEN 'plan' THEN 20
          WHEN 'upgrade' THEN 20 WHEN 'boost' THEN 30 WHEN 'extra' THEN 90 ELSE -1 END
        """,
    ),
    DamageRule(
        "lots",
        "it expires at {until}, before it begins",
        """
        SELECT id AS row, account_id AS account, expires_at AS until FROM lots
        WHERE expires_at < effective_at AND kind <> 'plan'
        """,
    ),
    DamageRule(
        "lots",
        "nothing was paid for it",
        """
        SELECT l.id AS row, l.account_id AS account FROM lots l
        WHERE l.kind IN ('plan', 'upgrade', 'boost')
          AND l.id NOT IN (SELECT lot_id FROM department_lots)
          AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.cause = l.cause
            AND p.account_id = l.account_id AND p.state = 'accepted')
          AND NOT EXISTS (SELECT 1 FROM transactions u
            WHERE u.natural_key IN ('healing:' || l.cause || ':grant', 'healing:' || l.cause))
        """,
    ),
    DamageRule(
        "lot_closures",
        "lot {lot} is of another account, or was closed for no known reason: {reason}",
        f"""
        SELECT c.lot_id AS row, c.account_id AS account, c.lot_id AS lot, c.reason AS reason
        FROM lot_closures c JOIN lots l ON l.id = c.lot_id
        WHERE l.account_id <> c.account_id OR c.reason NOT IN {listed(ExpiryReason)}
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "lot_closures",
        "lot {lot} is closed, and holds {held} LI-minutes that no run has reserved",
        """
        SELECT c.lot_id AS row, c.account_id AS account, c.lot_id AS lot, sum(p.amount) AS held
        FROM lot_closures c
        JOIN postings p ON p.account_id = c.account_id AND p.ledger_account = 'lot:' || c.lot_id
        GROUP BY c.lot_id, c.account_id
        HAVING sum(p.amount) > coalesce((SELECT sum(s.amount) FROM slices s
          JOIN reservations r ON r.run_id = s.run_id
          WHERE s.lot_id = c.lot_id AND r.state = 'open'), 0)
          AND NOT EXISTS (SELECT 1 FROM reservations o JOIN accounts a ON a.id = o.account_id
            WHERE o.account_id = c.account_id
              AND (o.run_ended_at IS NULL OR o.run_ended_at >= a.last_command_at))
        """,
    ),
    DamageRule(
        "lots",
        "it begins at {at}, and was posted as of {posted}",
        """
        SELECT l.id AS row, l.account_id AS account, l.effective_at AS at,
          t.effective_at AS posted
        FROM lots l JOIN postings p ON p.id = (SELECT min(f.id) FROM postings f
          WHERE f.account_id = l.account_id AND f.ledger_account = 'lot:' || l.id)
        JOIN transactions t ON t.id = p.transaction_id
        WHERE t.effective_at < l.effective_at
          OR t.effective_at > l.effective_at AND l.kind IN ('upgrade', 'boost', 'trial')
        """,
    ),
    DamageRule(
        "lots",
        "its expiry is not that of lot {source}, of which it is a share",
        """
        SELECT l.id AS row, l.account_id AS account, o.id AS source
        FROM department_lots d JOIN lots l ON l.id = d.lot_id JOIN lots o ON o.id = d.source_lot_id
        WHERE coalesce(CAST(l.expires_at AS TEXT), '') <> coalesce(CAST(o.expires_at AS TEXT), '')
        """,
    ),
    DamageRule(
        "lots",
        "it expires at {until}, and its period ends at another instant",
        """
        SELECT l.id AS row, l.account_id AS account, l.expires_at AS until FROM lots l
        JOIN subscriptions s ON l.cause LIKE 'subscription:' || s.id || ':period:%'
        JOIN periods p ON p.subscription_id = s.id
          AND l.cause = 'subscription:' || s.id || ':period:' || p.n
        WHERE l.expires_at <> p.ends_at AND l.kind = 'plan'
        """,
    ),
    DamageRule(
        "lots",
        "a run bought it, and the purchase is not on record",
        """
        SELECT l.id AS row, l.account_id AS account FROM lots l
        WHERE l.kind = 'extra' AND NOT EXISTS (SELECT 1 FROM extra_purchases x
          WHERE x.lot_id = l.id AND 'run:' || x.run_id || ':extra' = l.cause)
        """,
    ),
    DamageRule(
        "lot_closures",
        "lot {lot} expired at {until}, and was not closed",
        """
        SELECT l.id AS row, l.account_id AS account, l.id AS lot, l.expires_at AS until
        FROM lots l JOIN accounts a ON a.id = l.account_id
        WHERE l.expires_at < a.last_command_at AND a.deleted_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM lot_closures c WHERE c.lot_id = l.id)
          AND coalesce((SELECT sum(p.amount) FROM postings p WHERE p.account_id = l.account_id
            AND p.ledger_account = 'lot:' || l.id), 0) > 0
        """,
    ),
    DamageRule(
        "lot_closures",
        "there is none for what the ledger closed, {cause}",
        """
        SELECT DISTINCT t.cause AS row, t.account_id AS account, t.cause AS cause
        FROM transactions t
        WHERE t.cause LIKE 'lot:%:close' AND NOT EXISTS (SELECT 1 FROM lot_closures c
          WHERE 'lot:' || c.lot_id || ':close' = t.cause AND c.account_id = t.account_id)
        """,
    ),
    DamageRule(
        "lots",
        "it begins at {at}, before its period",
        """
        SELECT l.id AS row, l.account_id AS account, l.effective_at AS at FROM lots l
        JOIN subscriptions s ON l.cause LIKE 'subscription:' || s.id || ':period:%'
        JOIN periods p ON p.subscription_id = s.id
          AND l.cause = 'subscription:' || s.id || ':period:' || p.n
        WHERE l.effective_at < p.starts_at
        """,
    ),
)
