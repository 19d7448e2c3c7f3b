"""What must hold of disputes."""

from __future__ import annotations

from pricing.reports.damage.rule import DamageRule

_POSTED = """coalesce((SELECT sum(p.amount) FROM transactions t
              JOIN postings p ON p.transaction_id = t.id
              WHERE t.natural_key = 'dispute:' || d.id || '{name}'
                AND t.account_id = d.account_id AND p.ledger_account = '{ledger}'), 0)"""


def _of(name: str, ledger: str, wanted: str) -> DamageRule:
    """What is posted under a dispute's key is what its row says.

    Args:
        name: How the key ends.
        ledger: The ledger account that is looked at.
        wanted: What it gains there, of a row ``d``.
    """
    posted = _POSTED.format(name=name, ledger=ledger)
    return DamageRule(
        "disputes",
        f"{{posted}} micro-dollars are posted as {name.lstrip(':')}, not {{wanted}}",
        f"""
        SELECT told.* FROM (
          SELECT d.id AS row, d.account_id AS account, {posted} AS posted,
            CASE WHEN d.booked = 'yes' AND {wanted} ELSE 0 END AS wanted
          FROM disputes d) told
        WHERE told.posted <> told.wanted
        """,  # noqa: S608 - words of ours
    )


DISPUTE_RULES = (
    _of(":withdrawn", "disputed", "d.withdrawn_at IS NOT NULL THEN d.usd_micros"),
    _of(":won", "cash", "d.withdrawn_at IS NOT NULL AND d.state = 'won' THEN d.usd_micros"),
    _of(":lost", "written-off", "d.state = 'lost' THEN d.usd_micros"),
    _of(":fee", "fees:disputes", "d.fee_usd_micros > 0 THEN d.fee_usd_micros"),
    DamageRule(
        "disputes",
        "it is {state}, and when that was decided, or the money taken, says otherwise",
        """
        SELECT id AS row, account_id AS account, state FROM disputes
        WHERE (state = 'open') <> (closed_at IS NULL) OR state NOT IN ('open', 'won', 'lost')
          OR state = 'lost' AND withdrawn_at IS NULL OR booked NOT IN ('yes', 'apart')
          OR withdrawn_at < opened_at OR closed_at < opened_at OR name = ''
        """,
    ),
    DamageRule(
        "disputes",
        "with the others more is contested of {key} than was collected",
        """
        SELECT max(d.id) AS row, d.account_id AS account, d.payment_key AS key FROM disputes d
        LEFT JOIN payment_attempts a ON a.key = d.payment_key AND a.account_id = d.account_id
          AND coalesce(a.collected_currency, a.currency) = d.currency
          AND a.state IN ('accepted', 'disputed')
        WHERE d.state <> 'won' GROUP BY d.payment_key, d.account_id
        HAVING sum(d.usd_micros) > coalesce(max(coalesce(a.collected_micros, a.usd_micros)), 0)
        """,
    ),
    DamageRule(
        "transactions",
        "there is no dispute that it is of, {cause}",
        """
        SELECT t.natural_key AS row, t.account_id AS account, t.cause AS cause FROM transactions t
        WHERE t.cause LIKE 'dispute:%' AND NOT EXISTS (SELECT 1 FROM disputes d
          WHERE 'dispute:' || d.id = t.cause AND d.account_id = t.account_id)
        """,
    ),
)
