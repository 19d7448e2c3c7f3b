"""What must hold of invoices and payments."""

from __future__ import annotations

from pricing.ledger.invoices import InvoiceKind
from pricing.payments.gateway import PaymentState
from pricing.payments.run_payments import UNCOLLECTED
from pricing.plans.channels import Channel
from pricing.reports.damage.rule import DamageRule, listed

_RUN_MONEY = f"state IN {listed((PaymentState.DUE, *UNCOLLECTED))}"

SALES_RULES = (
    DamageRule(
        "invoices",
        "its lines sum to {lines} micro-dollars, and {sold} were charged for {cause}",
        """
        SELECT told.* FROM (
          SELECT i.number AS row, i.account_id AS account, i.cause AS cause,
            coalesce((SELECT sum(n.usd_micros) FROM invoice_lines n WHERE n.invoice_id = i.id), 0)
              AS lines,
            coalesce((SELECT -sum(p.amount) FROM transactions t
              JOIN postings p ON p.transaction_id = t.id
              WHERE t.cause = i.cause AND p.ledger_account LIKE 'revenue:%'), 0) AS sold
          FROM invoices i
          WHERE EXISTS (SELECT 1 FROM transactions t WHERE t.cause = i.cause)) told
        WHERE told.lines <> told.sold
        """,
    ),
    DamageRule(
        "invoices",
        "it has no lines",
        """
        SELECT i.number AS row, i.account_id AS account FROM invoices i
        WHERE NOT EXISTS (SELECT 1 FROM invoice_lines n WHERE n.invoice_id = i.id)
        """,
    ),
    DamageRule(
        "invoices",
        "nothing in the ledger is what it is for, {cause}",
        """
        SELECT i.number AS row, i.account_id AS account, i.cause AS cause FROM invoices i
        WHERE i.cause NOT LIKE 'healing:%' AND i.cause NOT LIKE 'heal:%'
          AND NOT EXISTS (SELECT 1 FROM transactions t
            WHERE t.cause = i.cause AND t.account_id = i.account_id)
          AND NOT EXISTS (SELECT 1 FROM payments p
            WHERE p.account_id = i.account_id AND p.cause LIKE 'subscription:%:period:%'
              AND (p.cause = i.cause AND p.state <> 'accepted'
                OR i.cause IN (p.cause || ':void', p.cause || ':anew')))
        """,
    ),
    DamageRule(
        "invoices",
        "it was issued at {at}, before anything was charged for it",
        """
        SELECT i.number AS row, i.account_id AS account, i.issued_at AS at FROM invoices i
        WHERE i.cause NOT LIKE 'healing:%'
          AND i.issued_at < (SELECT min(t.effective_at) FROM transactions t
            WHERE t.cause = i.cause)
          AND NOT EXISTS (SELECT 1 FROM periods p
            WHERE p.starts_at <= i.issued_at
              AND (i.cause = 'subscription:' || p.subscription_id || ':period:' || p.n
                OR i.cause LIKE 'subscription:' || p.subscription_id || ':period:' || p.n
                  || ':again:%'))
        """,
    ),
    DamageRule(
        "invoices",
        "the account has {count} invoices, numbered up to {last}",
        """
        SELECT account_id AS row, account_id AS account, count(*) AS count, max(sequence) AS last
        FROM invoices GROUP BY account_id HAVING count(*) <> max(sequence) OR min(sequence) <> 1
        """,
    ),
    DamageRule(
        "invoices",
        "there is none for what was charged",
        """
        SELECT DISTINCT t.cause AS row, t.account_id AS account FROM transactions t
        JOIN postings p ON p.transaction_id = t.id
        LEFT JOIN invoices i ON i.cause = t.cause
        WHERE p.ledger_account LIKE 'revenue:%' AND t.cause LIKE 'subscription:%' AND i.id IS NULL
        """,
    ),
    DamageRule(
        "invoices",
        "there is no kind of it called {kind}",
        f"""
        SELECT number AS row, account_id AS account, kind FROM invoices
        WHERE kind NOT IN {listed(InvoiceKind)}
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "invoices",
        "its amounts are in {currency}, and its account's in {wanted}",
        """
        SELECT i.number AS row, i.account_id AS account, i.currency AS currency,
          a.currency AS wanted
        FROM invoices i JOIN accounts a ON a.id = i.account_id WHERE i.currency <> a.currency
        """,
    ),
    DamageRule(
        "invoices",
        "it is a credit note, and its lines sum to {lines} micro-dollars",
        """
        SELECT i.number AS row, i.account_id AS account, sum(n.usd_micros) AS lines
        FROM invoices i JOIN invoice_lines n ON n.invoice_id = i.id
        WHERE i.kind = 'credit_note' GROUP BY i.id, i.number, i.account_id
        HAVING sum(n.usd_micros) > 0
        """,
    ),
    DamageRule(
        "payments",
        "it was accepted for {amount} micro-dollars, and {cash} are in cash",
        """
        SELECT p.cause AS row, p.account_id AS account, p.usd_micros AS amount,
          coalesce(sum(q.amount), 0) AS cash
        FROM payments p
        LEFT JOIN transactions t ON t.natural_key = p.cause || ':payment'
          AND t.account_id = p.account_id
        LEFT JOIN postings q ON q.transaction_id = t.id AND q.ledger_account = 'cash'
        WHERE p.state = 'accepted' GROUP BY p.cause, p.account_id, p.usd_micros
        HAVING coalesce(sum(q.amount), 0) <> p.usd_micros
        """,
    ),
    DamageRule(
        "payments",
        "there is none for {cash} micro-dollars that are in cash",
        """
        SELECT t.cause AS row, t.account_id AS account, sum(q.amount) AS cash
        FROM transactions t JOIN postings q ON q.transaction_id = t.id
        WHERE q.ledger_account = 'cash' AND t.natural_key = t.cause || ':payment'
          AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.cause = t.cause
            AND p.account_id = t.account_id AND p.state = 'accepted')
          AND NOT EXISTS (SELECT 1 FROM transactions u
            WHERE u.natural_key = 'healing:' || t.natural_key)
        GROUP BY t.cause, t.account_id
        """,
    ),
    DamageRule(
        "payments",
        "what is owed for {cause} differs from it by {off} micro-dollars",
        f"""
        SELECT cause AS row, account, cause, sum(usd) AS off FROM (
          SELECT t.cause AS cause, t.account_id AS account, p.amount AS usd FROM transactions t
          JOIN postings p ON p.transaction_id = t.id WHERE p.ledger_account = 'receivable'
          UNION ALL SELECT cause, account_id, -usd_micros FROM payments
          WHERE cause LIKE 'run:%' AND {_RUN_MONEY}) owed
        WHERE cause LIKE 'run:%' GROUP BY cause, account HAVING sum(usd) <> 0
        """,  # noqa: S608 - constants of this module
    ),
    DamageRule(
        "payments",
        "it was accepted, and {off} micro-dollars are still owed for it in the ledger",
        """
        SELECT p.cause AS row, p.account_id AS account, sum(q.amount) AS off FROM payments p
        JOIN transactions t ON t.cause = p.cause
        JOIN postings q ON q.transaction_id = t.id AND q.ledger_account = 'receivable'
        WHERE p.state = 'accepted' GROUP BY p.cause, p.account_id HAVING sum(q.amount) <> 0
        """,
    ),
    DamageRule(
        "payments",
        "there is no channel {channel}",
        f"""
        SELECT cause AS row, account_id AS account, channel FROM payments
        WHERE channel NOT IN {listed(Channel)}
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "invoice_lines",
        "it is for {cause}, and its invoice is for {whole}",
        """
        SELECT n.id AS row, i.account_id AS account, n.cause AS cause, i.cause AS whole
        FROM invoice_lines n JOIN invoices i ON i.id = n.invoice_id
        WHERE EXISTS (SELECT 1 FROM transactions t WHERE t.cause = i.cause)
          AND n.cause <> i.cause
          AND NOT EXISTS (SELECT 1 FROM transactions k
            WHERE k.natural_key = n.cause AND k.account_id = i.account_id)
        """,
    ),
)
