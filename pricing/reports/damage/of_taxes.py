"""What must hold of lines of tax: they are what the ledger and the invoices have."""

from __future__ import annotations

from pricing.money import MICROS_PER_CENT
from pricing.reports.damage.rule import DamageRule, listed
from pricing.taxes.model import PPM, Treatment

TAX_RULES = (
    DamageRule(
        "tax_lines",
        "its tax is {tax} micro-dollars for {country}, and {posted} were posted",
        """
        SELECT x.natural_key AS row, x.account_id AS account, x.country AS country,
          x.tax_usd_micros AS tax, coalesce(-sum(p.amount), 0) AS posted
        FROM tax_lines x JOIN transactions t ON t.natural_key = x.natural_key
        LEFT JOIN postings p ON p.transaction_id = t.id AND p.ledger_account = 'tax:' || x.country
        GROUP BY x.natural_key, x.account_id, x.country, x.tax_usd_micros
        HAVING coalesce(-sum(p.amount), 0) <> x.tax_usd_micros
        """,
    ),
    DamageRule(
        "tax_lines",
        "it taxes {net} micro-dollars, and {sold} were charged",
        """
        SELECT x.natural_key AS row, x.account_id AS account, x.net_usd_micros AS net,
          coalesce(-sum(p.amount), 0) AS sold
        FROM tax_lines x JOIN transactions t ON t.natural_key = x.natural_key
        LEFT JOIN postings p ON p.transaction_id = t.id AND p.ledger_account LIKE 'revenue:%'
        GROUP BY x.natural_key, x.account_id, x.net_usd_micros
        HAVING coalesce(-sum(p.amount), 0) <> x.net_usd_micros
        """,
    ),
    DamageRule(
        "tax_lines",
        "it taxes {net} micro-dollars, and invoice {number} has {lines} of it",
        """
        SELECT x.natural_key AS row, x.account_id AS account, x.net_usd_micros AS net,
          i.number AS number, sum(n.usd_micros) AS lines
        FROM tax_lines x JOIN invoice_lines n ON n.cause = x.natural_key
        JOIN invoices i ON i.id = n.invoice_id
        GROUP BY x.natural_key, x.account_id, x.net_usd_micros, i.id, i.number
        HAVING sum(n.usd_micros) <> x.net_usd_micros
        """,
    ),
    DamageRule(
        "tax_lines",
        "its account and its cause are not those of what it taxes",
        """
        SELECT x.natural_key AS row, x.account_id AS account
        FROM tax_lines x LEFT JOIN transactions t ON t.natural_key = x.natural_key
        WHERE t.account_id <> x.account_id OR t.cause <> x.cause
          OR t.id IS NULL AND substr(x.natural_key, 1, length(x.cause)) <> x.cause
        """,
    ),
    DamageRule(
        "tax_lines",
        "the ledger has tax of {tax} micro-dollars for {ledger}, and no line says why",
        """
        SELECT t.natural_key AS row, t.account_id AS account, p.ledger_account AS ledger,
          -p.amount AS tax
        FROM postings p JOIN transactions t ON t.id = p.transaction_id
        WHERE p.ledger_account LIKE 'tax:%'
          AND NOT EXISTS (SELECT 1 FROM tax_lines x WHERE x.natural_key = t.natural_key)
        """,
    ),
    # Tax is rounded once a charge, and what corrects one has the difference of two such sums.
    DamageRule(
        "tax_lines",
        "{tax} micro-dollars are not the tax on {net} at {rate} millionths, {treatment}",
        f"""
        SELECT natural_key AS row, account_id AS account, treatment, rate_ppm AS rate,
          net_usd_micros AS net, tax_usd_micros AS tax FROM tax_lines
        WHERE treatment NOT IN {listed(Treatment)} OR rate_ppm < 0
          OR treatment <> '{Treatment.STANDARD}' AND (rate_ppm <> 0 OR tax_usd_micros <> 0)
          OR abs(CAST(tax_usd_micros AS NUMERIC) * {PPM} - CAST(net_usd_micros AS NUMERIC)
            * rate_ppm) > {MICROS_PER_CENT * PPM}
        """,  # noqa: S608 - words and figures of ours
    ),
)
