"""What must hold of subscriptions, requests, departments and accounts."""

from __future__ import annotations

from pricing.ledger.idempotency import FORGOTTEN
from pricing.reports.damage.rule import DamageRule, listed, of_one_account
from pricing.subscriptions.changes import ChangeKind, ChangeState
from pricing.subscriptions.subscriptions import PeriodPayment

PLAN_RULES = (
    DamageRule(
        "subscriptions",
        "it began at {at}, outside its first period",
        """
        SELECT s.id AS row, s.account_id AS account, s.started_at AS at
        FROM subscriptions s JOIN periods p ON p.subscription_id = s.id AND p.n = s.first_period
        WHERE NOT (p.starts_at <= s.started_at AND s.started_at < p.ends_at)
        """,
    ),
    DamageRule(
        "subscriptions",
        "its first period, {first}, is none of its periods",
        """
        SELECT s.id AS row, s.account_id AS account, s.first_period AS first
        FROM subscriptions s
        WHERE EXISTS (SELECT 1 FROM periods p WHERE p.subscription_id = s.id)
          AND s.first_period <> (SELECT min(p.n) FROM periods p WHERE p.subscription_id = s.id)
        """,
    ),
    DamageRule(
        "subscriptions",
        "its time zone is not its account's",
        """
        SELECT s.id AS row, s.account_id AS account FROM subscriptions s
        JOIN accounts a ON a.id = s.account_id WHERE s.timezone <> a.timezone
        """,
    ),
    DamageRule(
        "subscriptions",
        "it and its last plan did not end together",
        """
        SELECT s.id AS row, s.account_id AS account FROM subscriptions s
        WHERE s.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM terms t
          WHERE t.subscription_id = s.id AND t.ended_at IS NULL)
          OR s.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM terms t
            WHERE t.subscription_id = s.id AND t.ended_at IS NULL)
        """,
    ),
    DamageRule(
        "periods",
        "period {n} does not begin where the one before ends",
        """
        SELECT b.subscription_id AS row, s.account_id AS account, b.n AS n
        FROM periods b JOIN subscriptions s ON s.id = b.subscription_id
        WHERE b.n > s.first_period AND NOT EXISTS (SELECT 1 FROM periods a
          WHERE a.subscription_id = b.subscription_id AND a.n = b.n - 1
            AND a.ends_at = b.starts_at)
        """,
    ),
    DamageRule(
        "periods",
        "period {n} ends at {until}, where it begins or before",
        """
        SELECT p.subscription_id AS row, s.account_id AS account, p.n AS n, p.ends_at AS until
        FROM periods p JOIN subscriptions s ON s.id = p.subscription_id
        WHERE p.ends_at <= p.starts_at
        """,
    ),
    DamageRule(
        "periods",
        "period {n} is {payment}, and the ledger says otherwise",
        f"""
        SELECT p.subscription_id AS row, s.account_id AS account, p.n AS n, p.payment AS payment
        FROM periods p JOIN subscriptions s ON s.id = p.subscription_id
        WHERE p.payment NOT IN {listed(PeriodPayment)}
          OR p.payment = 'paid' AND NOT EXISTS (SELECT 1 FROM lots l
            WHERE l.cause = 'subscription:' || p.subscription_id || ':period:' || p.n
              OR l.cause LIKE 'subscription:' || p.subscription_id || ':period:' || p.n
                || ':again:%')
          OR p.payment <> 'paid' AND EXISTS (SELECT 1 FROM transactions t
            WHERE t.natural_key = 'subscription:' || p.subscription_id || ':period:' || p.n
              || ':grant') AND coalesce(CAST(s.undone_from AS TEXT), 'null') = 'null'
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "periods",
        "there is none of number {n}, which was granted",
        """
        SELECT l.cause AS row, l.account_id AS account, l.cause AS n FROM lots l
        JOIN subscriptions s ON l.cause LIKE 'subscription:' || s.id || ':period:%'
        WHERE coalesce(CAST(s.undone_from AS TEXT), 'null') = 'null'
          AND NOT EXISTS (SELECT 1 FROM periods p
          WHERE p.subscription_id = s.id
            AND l.cause = 'subscription:' || s.id || ':period:' || p.n)
        """,
    ),
    DamageRule(
        "terms",
        "the account is on {count} plans at once",
        """
        SELECT account_id AS row, account_id AS account, count(*) AS count FROM terms
        WHERE ended_at IS NULL GROUP BY account_id HAVING count(*) > 1
        """,
    ),
    of_one_account("terms", "subscription", "subscriptions"),
    DamageRule(
        "terms",
        "it ends before it begins, or begins where no other ends",
        """
        SELECT t.id AS row, t.account_id AS account FROM terms t
        JOIN subscriptions s ON s.id = t.subscription_id
        WHERE t.ended_at < t.started_at
          OR t.started_at <> s.started_at AND NOT EXISTS (SELECT 1 FROM terms b
            WHERE b.account_id = t.account_id AND b.id <> t.id AND b.ended_at = t.started_at)
        """,
    ),
    DamageRule(
        "changes",
        "it is {state}, and {ended}",
        """
        SELECT c.id AS row, c.account_id AS account, c.state AS state,
          CASE WHEN c.ended_at IS NULL THEN 'has not ended' ELSE 'has ended' END AS ended
        FROM changes c JOIN subscriptions s ON s.id = c.subscription_id
        WHERE (c.ended_at IS NULL) <> (c.state IN ('requested', 'pending'))
        """,
    ),
    of_one_account("changes", "subscription", "subscriptions"),
    DamageRule(
        "requests",
        "there is none, and something was bought by it",
        """
        SELECT p.cause AS row, p.account_id AS account FROM payments p
        WHERE p.cause LIKE 'subscription:%:boost:%' AND p.state = 'accepted'
          AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.account_id = p.account_id
            AND p.cause LIKE '%:boost:' || r.request_id)
        """,
    ),
    DamageRule(
        "requests",
        "what it asked for is not on record as a digest",
        f"""
        SELECT r.request_id AS row, r.account_id AS account FROM requests r
        WHERE length(r.content_hash) <> 64 AND NOT (r.content_hash = '{FORGOTTEN}'
          AND EXISTS (SELECT 1 FROM accounts a
            WHERE a.id = r.account_id AND a.deleted_at IS NOT NULL))
        """,  # noqa: S608 - a word of ours
    ),
    DamageRule(
        "department_lots",
        "lot {lot} is of another account than its department, or than the lot that it is of",
        """
        SELECT d.lot_id AS row, l.account_id AS account, d.lot_id AS lot
        FROM department_lots d JOIN lots l ON l.id = d.lot_id
        JOIN lots o ON o.id = d.source_lot_id JOIN departments e ON e.id = d.department_id
        WHERE l.account_id <> e.account_id OR l.account_id <> o.account_id OR o.kind <> l.kind
        """,
    ),
    DamageRule(
        "department_runs",
        "its department is of another account than its run",
        """
        SELECT d.run_id AS row, r.account_id AS account FROM department_runs d
        JOIN reservations r ON r.run_id = d.run_id JOIN departments e ON e.id = d.department_id
        WHERE e.account_id <> r.account_id
        """,
    ),
    DamageRule(
        "extra_purchases",
        "run {run} bought for {usd} micro-dollars, and {sold} were charged",
        """
        SELECT x.run_id AS row, r.account_id AS account, x.run_id AS run, x.usd_micros AS usd,
          coalesce(-sum(p.amount), 0) AS sold
        FROM extra_purchases x JOIN reservations r ON r.run_id = x.run_id AND r.state = 'posted'
        LEFT JOIN transactions t ON t.cause = 'run:' || x.run_id
        LEFT JOIN postings p ON p.transaction_id = t.id
          AND p.ledger_account = 'revenue:extra-credits'
        GROUP BY x.run_id, r.account_id, x.usd_micros
        HAVING coalesce(-sum(p.amount), 0) <> x.usd_micros
        """,
    ),
    DamageRule(
        "accounts",
        "its last command came before it was opened",
        """
        SELECT id AS row, id AS account FROM accounts WHERE last_command_at < opened_at
        """,
    ),
    DamageRule(
        "subscriptions",
        "it and its last plan ended at two instants",
        """
        SELECT s.id AS row, s.account_id AS account FROM subscriptions s
        WHERE s.ended_at IS NOT NULL AND s.ended_at <> (SELECT max(t.ended_at) FROM terms t
          WHERE t.subscription_id = s.id)
        """,
    ),
    DamageRule(
        "changes",
        "{kind} and {state} are no change and no state that there is",
        f"""
        SELECT id AS row, account_id AS account, kind, state FROM changes
        WHERE kind NOT IN {listed(ChangeKind)} OR state NOT IN {listed(ChangeState)}
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "changes",
        "its instants do not follow each other",
        """
        SELECT c.id AS row, c.account_id AS account FROM changes c
        JOIN subscriptions s ON s.id = c.subscription_id
        WHERE c.requested_at < s.started_at OR c.confirmed_at < c.requested_at
          OR c.ended_at < c.requested_at OR c.effective_at < c.requested_at
        """,
    ),
    DamageRule(
        "changes",
        "it waits for period {n}, which does not come next",
        """
        SELECT c.id AS row, c.account_id AS account, c.effective_period AS n FROM changes c
        WHERE c.effective_period IS NOT NULL AND c.ended_at IS NULL AND c.kind <> 'new_terms'
          AND NOT EXISTS (SELECT 1 FROM periods p
            WHERE p.subscription_id = c.subscription_id AND p.n = c.effective_period - 1)
        """,
    ),
    DamageRule(
        "department_runs",
        "run {run} takes what is a department's, and no department is on record for it",
        """
        SELECT DISTINCT s.run_id AS row, r.account_id AS account, s.run_id AS run
        FROM slices s JOIN reservations r ON r.run_id = s.run_id
        JOIN department_lots d ON d.lot_id = s.lot_id
        WHERE NOT EXISTS (SELECT 1 FROM department_runs e
          WHERE e.run_id = s.run_id AND e.department_id = d.department_id)
        """,
    ),
    DamageRule(
        "accounts",
        "its credits are suspended, and no switch to on demand waits",
        """
        SELECT id AS row, id AS account FROM accounts a
        WHERE a.suspended_since IS NOT NULL AND NOT EXISTS (SELECT 1 FROM changes c
          WHERE c.account_id = a.id AND c.kind = 'on_demand' AND c.ended_at IS NULL)
        """,
    ),
)
