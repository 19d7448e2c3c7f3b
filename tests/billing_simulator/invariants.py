"""The invariants I1 to I18 over a whole database, by SQL: each query finds what breaks one.

I7 (repeats), I9 (the price of upgrades), I11 (after a downgrade), I12 and I13 (refusals), I15 and
I17 are held command by command, in ``client`` and against the model; I16 is about quotes alone.
"""

from __future__ import annotations

from sqlalchemy import Connection

from tests.billing_simulator.books import read

CHECKS = {
    "I1 a transaction sums to zero in each unit": """
        SELECT transaction_id, unit, sum(amount) FROM postings
        GROUP BY transaction_id, unit HAVING sum(amount) <> 0
    """,
    "I1 a transaction has postings": """
        SELECT id FROM transactions t
        WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.transaction_id = t.id)
    """,
    "I2 a lot holds neither less than nothing nor more than it was": """
        SELECT l.id, l.amount, sum(p.amount) FROM lots l JOIN postings p
          ON p.account_id = l.account_id AND p.ledger_account = 'lot:' || l.id
        GROUP BY l.id HAVING sum(p.amount) NOT BETWEEN 0 AND l.amount
    """,
    "I2 no more of a lot is reserved than it holds": """
        SELECT s.lot_id, sum(s.amount) FROM slices s
        JOIN reservations r ON r.run_id = s.run_id AND r.state = 'open'
        JOIN lots l ON l.id = s.lot_id AND l.kind <> 'extra'
        GROUP BY s.lot_id
        HAVING sum(s.amount) > (SELECT sum(amount) FROM postings p
          WHERE p.account_id = l.account_id AND p.ledger_account = 'lot:' || s.lot_id)
    """,
    "I3 every LI-minute that was issued is held, used or lost": """
        SELECT account_id, sum(amount) FROM postings WHERE unit = 'li_minutes'
        GROUP BY account_id HAVING sum(amount) <> 0
    """,
    "I3 a closed lot holds only what is reserved": """
        SELECT c.lot_id FROM lot_closures c
        JOIN postings p ON p.account_id = c.account_id AND p.ledger_account = 'lot:' || c.lot_id
        GROUP BY c.lot_id
        HAVING sum(p.amount) > coalesce((SELECT sum(s.amount) FROM slices s
          JOIN reservations r ON r.run_id = s.run_id
          WHERE s.lot_id = c.lot_id AND r.state = 'open'), 0)
    """,
    "I4 credits of a plan were paid for": """
        SELECT l.id, l.cause FROM lots l
        WHERE l.kind IN ('plan', 'upgrade', 'boost')
          AND l.id NOT IN (SELECT lot_id FROM department_lots)
          AND NOT EXISTS (SELECT 1 FROM payments p
            WHERE p.cause = l.cause AND p.state = 'accepted')
    """,
    "I4 what was paid for was charged": """
        SELECT p.cause, p.usd_micros, sum(q.amount) FROM payments p
        LEFT JOIN transactions t
          ON t.natural_key IN (p.cause || ':charge', p.cause || ':start', p.cause || ':extra')
        LEFT JOIN postings q ON q.transaction_id = t.id AND q.ledger_account = 'receivable'
        WHERE p.state = 'accepted' GROUP BY p.cause
        HAVING p.usd_micros + p.set_off_usd_micros > coalesce(sum(q.amount), 0)
          OR (p.cause NOT LIKE 'run:%' AND p.usd_micros + p.set_off_usd_micros < sum(q.amount))
    """,
    "I4 an accepted payment is in the books once, as large as it was": """
        SELECT p.cause, p.usd_micros, sum(q.amount) FROM payments p
        LEFT JOIN transactions t ON t.natural_key = p.cause || ':payment'
        LEFT JOIN postings q ON q.transaction_id = t.id AND q.ledger_account = 'cash'
        WHERE p.state = 'accepted' GROUP BY p.cause
        HAVING count(q.id) <> (p.usd_micros > 0) OR coalesce(sum(q.amount), 0) <> p.usd_micros
    """,
    "I4 cash is what was collected by accepted payments": """
        SELECT account_id, sum(usd) FROM (
          SELECT account_id, amount AS usd FROM postings WHERE ledger_account = 'cash'
          UNION ALL SELECT account_id, -usd_micros FROM payments WHERE state = 'accepted')
        GROUP BY account_id HAVING sum(usd) <> 0
    """,
    "I4 receivable is what runs have not paid": """
        SELECT cause, sum(usd) FROM (
          SELECT t.cause, p.amount AS usd FROM transactions t
          JOIN postings p ON p.transaction_id = t.id WHERE p.ledger_account = 'receivable'
          UNION ALL SELECT cause, -usd_micros FROM payments
          WHERE cause LIKE 'run:%' AND state IN ('due', 'declined', 'delayed'))
        GROUP BY cause HAVING sum(usd) <> 0
    """,
    "I4 an account has one trial": """
        SELECT account_id FROM lots
        WHERE kind = 'trial' AND id NOT IN (SELECT lot_id FROM department_lots)
        GROUP BY account_id HAVING count(*) > 1
    """,
    "I5 periods follow each other without gap or overlap": """
        SELECT a.subscription_id, a.n FROM periods a
        WHERE a.n > (SELECT min(n) FROM periods b WHERE b.subscription_id = a.subscription_id)
          AND NOT EXISTS (SELECT 1 FROM periods b WHERE b.subscription_id = a.subscription_id
            AND b.n = a.n - 1 AND b.ends_at = a.starts_at)
    """,
    "I5 a subscription's first period is the one in which it began": """
        SELECT s.id FROM subscriptions s JOIN periods p ON p.subscription_id = s.id
        WHERE p.n = s.first_period
          AND NOT (p.starts_at <= s.started_at AND s.started_at < p.ends_at)
    """,
    "I6 a paid period is charged and granted once, another never": """
        SELECT p.subscription_id, p.n, p.payment, count(t.id) FROM periods p
        LEFT JOIN transactions t ON t.natural_key IN (
          'subscription:' || p.subscription_id || ':period:' || p.n || ':charge',
          'subscription:' || p.subscription_id || ':period:' || p.n || ':grant')
        GROUP BY p.subscription_id, p.n
        HAVING count(t.id) <> CASE p.payment WHEN 'paid' THEN 2 ELSE 0 END
    """,
    "I6 natural keys are one of a kind": """
        SELECT natural_key FROM transactions GROUP BY natural_key HAVING count(*) > 1
    """,
    "I10 less is owed by payments and set-offs, and by corrections of runs only": """
        SELECT t.natural_key FROM transactions t JOIN postings p ON p.transaction_id = t.id
        WHERE p.ledger_account = 'receivable' AND p.amount < 0
          AND t.natural_key <> t.cause || ':payment'
          AND t.natural_key NOT LIKE t.cause || ':set-off%'
          AND NOT (t.cause LIKE 'run:%'
            AND t.natural_key IN (t.cause || ':correction', t.cause || ':taken-back'))
    """,
    "I10 no cash goes back": """
        SELECT transaction_id, amount FROM postings WHERE ledger_account = 'cash' AND amount < 0
    """,
    "I10 no more is set off than an account is in credit": """
        SELECT account_id, sum(amount) FROM postings WHERE ledger_account = 'credit'
        GROUP BY account_id HAVING sum(amount) > 0
    """,
    "I10 a run gives no more credit than its correction returned": """
        SELECT t.cause, sum(p.amount) FROM transactions t JOIN postings p ON p.transaction_id = t.id
        WHERE t.cause LIKE 'run:%' AND (
          (p.ledger_account = 'credit' AND t.natural_key NOT LIKE t.cause || ':set-off%')
          OR (p.ledger_account = 'receivable' AND t.natural_key = t.cause || ':correction'))
        GROUP BY t.cause
        HAVING -sum(p.amount * (p.ledger_account = 'credit'))
          > -sum(p.amount * (p.ledger_account = 'receivable'))
    """,
    "I10 a correction gives back no more than the start charged": """
        SELECT c.cause FROM transactions c
        JOIN transactions s ON s.cause = c.cause AND s.natural_key = c.cause || ':start'
        JOIN postings p ON p.transaction_id IN (c.id, s.id) AND p.ledger_account IN
          ('used:start-up', 'used:use', 'receivable')
        WHERE c.natural_key = c.cause || ':correction'
        GROUP BY c.cause, p.ledger_account HAVING sum(p.amount) < 0
    """,
    "I14 a run reserved of a lot only while it could be used": """
        SELECT r.run_id, l.id FROM slices s JOIN reservations r ON r.run_id = s.run_id
        JOIN lots l ON l.id = s.lot_id
        WHERE r.reserved_at < l.effective_at OR r.reserved_at >= l.expires_at
    """,
    "I14 nothing was used of a lot but through a reservation": """
        SELECT p.ledger_account, t.natural_key FROM transactions t
        JOIN postings p ON p.transaction_id = t.id
        WHERE t.natural_key LIKE 'run:%:start' AND p.ledger_account LIKE 'lot:%'
          AND NOT EXISTS (SELECT 1 FROM slices s WHERE 'run:' || s.run_id = t.cause
            AND 'lot:' || s.lot_id = p.ledger_account AND s.amount = -p.amount)
    """,
    "I15 a transaction and its postings are of one account": """
        SELECT t.id FROM transactions t JOIN postings p ON p.transaction_id = t.id
        WHERE t.account_id <> p.account_id
    """,
    "I15 a run takes from its own account's lots": """
        SELECT r.run_id FROM slices s JOIN reservations r ON r.run_id = s.run_id
        JOIN lots l ON l.id = s.lot_id WHERE l.account_id <> r.account_id
    """,
    "I18 a run is posted exactly if the journal says so": """
        SELECT r.run_id, r.state FROM reservations r
        LEFT JOIN transactions t ON t.natural_key = 'run:' || r.run_id || ':start'
        WHERE (r.state = 'posted') <> (t.id IS NOT NULL)
    """,
    "I18 every lot is in the journal, as large as it says": """
        SELECT l.id, l.amount FROM lots l
        LEFT JOIN reservations r ON l.cause = 'run:' || r.run_id || ':extra'
        LEFT JOIN postings p ON p.ledger_account = 'lot:' || l.id AND p.amount > 0
          AND p.id = (SELECT min(id) FROM postings
            WHERE account_id = l.account_id AND ledger_account = 'lot:' || l.id)
        WHERE coalesce(r.state, 'posted') = 'posted' AND p.amount IS NOT l.amount
    """,
    "I18 time only goes forward in the journal": """
        SELECT a.id FROM transactions a WHERE a.effective_at < (SELECT max(b.effective_at)
          FROM (SELECT effective_at FROM transactions c
                WHERE c.account_id = a.account_id AND c.id < a.id
                ORDER BY c.id DESC LIMIT 1) b)
    """,
    "an invoice's lines are the postings of its cause": """
        SELECT i.number, i.cause FROM invoices i
        JOIN (SELECT invoice_id, sum(usd_micros) AS usd, count(*) AS lines
              FROM invoice_lines GROUP BY invoice_id) n ON n.invoice_id = i.id
        LEFT JOIN (SELECT t.cause, -sum(p.amount) AS usd, count(*) AS lines FROM transactions t
              JOIN postings p ON p.transaction_id = t.id
              WHERE p.ledger_account LIKE 'revenue:%' GROUP BY t.cause) r ON r.cause = i.cause
        WHERE r.cause IS NOT NULL AND (n.usd <> r.usd OR n.lines <> r.lines)
    """,
    "what is invoiced and not charged is what unpaid periods are asked for": """
        SELECT account_id, sum(usd) FROM (
          SELECT i.account_id, l.usd_micros AS usd FROM invoices i
          JOIN invoice_lines l ON l.invoice_id = i.id
          WHERE NOT EXISTS (SELECT 1 FROM transactions t
            JOIN postings p ON p.transaction_id = t.id
            WHERE t.cause = i.cause AND p.ledger_account LIKE 'revenue:%')
          UNION ALL SELECT p.account_id, -p.usd_micros - p.set_off_usd_micros FROM payments p
          JOIN periods q ON p.cause = 'subscription:' || q.subscription_id || ':period:' || q.n
          WHERE q.payment = 'unpaid')
        GROUP BY account_id HAVING sum(usd) <> 0
    """,
    "a credit note takes back what an invoice asked for": """
        SELECT i.number FROM invoices i
        JOIN invoice_lines l ON l.invoice_id = i.id
        WHERE i.kind = 'credit_note' GROUP BY i.id
        HAVING sum(l.usd_micros) >= 0 OR sum(l.usd_micros) <> -(
          SELECT sum(m.usd_micros) FROM invoice_lines m JOIN invoices j ON j.id = m.invoice_id
          WHERE j.number IN (SELECT value FROM json_each(i.corrects)))
    """,
    "an account's invoices are numbered without a gap": """
        SELECT account_id FROM invoices GROUP BY account_id
        HAVING count(*) <> max(sequence) OR min(sequence) <> 1
    """,
    "what was charged is invoiced, once a run has ended": """
        SELECT t.cause FROM transactions t JOIN postings p ON p.transaction_id = t.id
        LEFT JOIN invoices i ON i.cause = t.cause
        WHERE p.ledger_account LIKE 'revenue:%' AND t.cause NOT LIKE 'run:%' AND i.id IS NULL
    """,
    "an account has one running subscription and one plan": """
        SELECT account_id FROM terms WHERE ended_at IS NULL
        GROUP BY account_id HAVING count(*) > 1
    """,
    "every reference leads to a row": "PRAGMA foreign_key_check",
}


def broken(conn: Connection) -> list[str]:
    """Every invariant that does not hold, with the first rows that break it."""
    found = []
    for name, sql in CHECKS.items():
        rows = read(conn, sql)
        if rows:
            found.append(f"{name}: {len(rows)} rows, {rows[:3]}")
    return found
