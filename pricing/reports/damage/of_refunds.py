"""What must hold of refunds, and of adjustments."""

from __future__ import annotations

from pricing.payments.refunds import GIVEN_BACK, OPEN, RefundState
from pricing.reports.damage.rule import DamageRule, listed

_BOOKED = f"state IN {listed(GIVEN_BACK)}"

REFUND_RULES = (
    DamageRule(
        "refunds",
        "it is {state}, and {cash} micro-dollars left the cash for it, not {wanted}",
        f"""
        SELECT told.* FROM (
          SELECT r.id AS row, r.account_id AS account, r.state AS state,
            coalesce((SELECT -sum(p.amount) FROM transactions t
              JOIN postings p ON p.transaction_id = t.id
              WHERE t.natural_key = 'refund:' || r.id || ':cash' AND t.account_id = r.account_id
                AND p.ledger_account = 'cash'), 0) AS cash,
            CASE WHEN r.{_BOOKED} THEN r.usd_micros ELSE 0 END AS wanted
          FROM refunds r) told
        WHERE told.cash <> told.wanted
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "refunds",
        "it is {state}, and {cash} micro-dollars came back for it, not {wanted}",
        """
        SELECT told.* FROM (
          SELECT r.id AS row, r.account_id AS account, r.state AS state,
            coalesce((SELECT sum(p.amount) FROM transactions t
              JOIN postings p ON p.transaction_id = t.id
              WHERE t.natural_key = 'refund:' || r.id || ':returned'
                AND t.account_id = r.account_id AND p.ledger_account = 'cash'), 0) AS cash,
            CASE WHEN r.state = 'returned' THEN r.usd_micros ELSE 0 END AS wanted
          FROM refunds r) told
        WHERE told.cash <> told.wanted
        """,
    ),
    DamageRule(
        "refunds",
        "it is {state}, and {paid} micro-dollars of credit were paid out for it, not {wanted}",
        f"""
        SELECT told.* FROM (
          SELECT r.id AS row, r.account_id AS account, r.state AS state,
            coalesce((SELECT sum(p.amount) FROM transactions t
              JOIN postings p ON p.transaction_id = t.id
              WHERE t.natural_key = 'refund:' || r.id || ':paid-out'
                AND t.account_id = r.account_id AND p.ledger_account = 'credit'), 0) AS paid,
            CASE WHEN r.{_BOOKED} THEN r.from_credit_usd_micros ELSE 0 END AS wanted
          FROM refunds r) told
        WHERE told.paid <> told.wanted
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "refunds",
        "its credit note is missing, or is not of {amount} micro-dollars",
        f"""
        SELECT r.id AS row, r.account_id AS account,
          r.usd_micros - r.from_credit_usd_micros AS amount FROM refunds r
        WHERE r.{_BOOKED} AND r.usd_micros - r.from_credit_usd_micros <> coalesce((
          SELECT sum(p.amount) FROM invoices i
          JOIN transactions t ON t.cause = i.cause AND t.account_id = i.account_id
          JOIN postings p ON p.transaction_id = t.id
          WHERE i.cause = 'refund:' || r.id AND i.account_id = r.account_id
            AND i.kind = 'credit_note'
            AND (p.ledger_account LIKE 'revenue:%' OR p.ledger_account LIKE 'tax:%')), 0)
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "refunds",
        "with the others {refunded} of {paid} micro-dollars are given back for {cause}",
        f"""
        SELECT max(r.id) AS row, r.account_id AS account, r.cause AS cause,
          sum(r.usd_micros) AS refunded, coalesce(max(p.usd_micros), 0) AS paid
        FROM refunds r LEFT JOIN payments p ON p.cause = r.cause AND p.state = 'accepted'
          AND p.account_id = r.account_id
        WHERE r.state IN {listed((RefundState.ACCEPTED, *OPEN))} GROUP BY r.cause, r.account_id
        HAVING sum(r.usd_micros) > coalesce(max(p.usd_micros), 0)
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "refunds",
        "its key, its amount, its currency or its request is another's",
        """
        SELECT r.id AS row, r.account_id AS account FROM refunds r
        LEFT JOIN payments p ON p.cause = r.cause
        LEFT JOIN invoices i ON i.number = r.invoice
        WHERE r.key NOT LIKE r.payment_key || ':refund:%:' || r.usd_micros
          OR p.key <> r.payment_key OR i.currency <> r.currency
          OR NOT EXISTS (SELECT 1 FROM requests q WHERE q.account_id = r.account_id
            AND q.request_id = r.request_id AND q.command = 'refund')
        """,
    ),
    DamageRule(
        "payments",
        "nothing was collected under its key, {key}",
        """
        SELECT p.cause AS row, p.account_id AS account, p.key AS key FROM payments p
        WHERE p.key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payment_attempts a
          WHERE a.key = p.key AND a.account_id = p.account_id AND a.state = 'accepted')
        """,
    ),
    DamageRule(
        "refunds",
        "its invoice {invoice} is not of {cause}",
        """
        SELECT r.id AS row, r.account_id AS account, r.invoice AS invoice, r.cause AS cause
        FROM refunds r WHERE NOT EXISTS (SELECT 1 FROM invoices i
          WHERE i.number = r.invoice AND i.account_id = r.account_id AND i.cause = r.cause)
        """,
    ),
    DamageRule(
        "refunds",
        "it is {state}, and when it was answered says otherwise",
        f"""
        SELECT id AS row, account_id AS account, state FROM refunds
        WHERE (state = 'pending') <> (answered_at IS NULL) OR state NOT IN
          {listed((*GIVEN_BACK, *OPEN, "declined", "apart"))} OR answered_at < asked_at
        """,  # noqa: S608 - words of ours
    ),
    DamageRule(
        "transactions",
        "there is no credit note, or no invoice, of the adjustment {cause}",
        """
        SELECT t.natural_key AS row, t.account_id AS account, t.cause AS cause
        FROM transactions t JOIN postings p ON p.transaction_id = t.id
          AND p.ledger_account = 'credit'
        WHERE t.cause LIKE 'adjustment:%' AND NOT EXISTS (SELECT 1 FROM invoices i
          WHERE i.cause = t.cause AND i.account_id = t.account_id
            AND i.kind = CASE WHEN p.amount < 0 THEN 'credit_note' ELSE 'invoice' END)
        """,
    ),
    DamageRule(
        "transactions",
        "there is no refund that it is of, {cause}",
        """
        SELECT t.natural_key AS row, t.account_id AS account, t.cause AS cause FROM transactions t
        WHERE t.cause LIKE 'refund:%' AND NOT EXISTS (SELECT 1 FROM refunds r
          WHERE 'refund:' || r.id = t.cause AND r.account_id = t.account_id)
        """,
    ),
)
