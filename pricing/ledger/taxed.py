"""Charges with their tax: prices are net, what is owed is gross.

The tax is worked out once for each transaction of the ledger, on the sum of its revenue, and
rounded half up to whole cents. It is posted to ``tax:<country>`` beside the revenue, in the same
transaction, and a line on record says how it came about. What corrects a charge is taxed as that
was: together they have the tax of what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, bindparam, func, select

from pricing.ledger.invoices import REVENUE
from pricing.ledger.ledger import Posting, Transaction
from pricing.plans.quotes import Unit
from pricing.tables import TAX_LINES, TRANSACTIONS, insert_once
from pricing.taxes.model import TAX_ACCOUNT, Taxation, TaxLine, Treatment
from pricing.taxes.on_record import taxation_of

RECEIVABLE = "receivable"
"""Ledger account of what the customer owes."""

_LINE = select(TAX_LINES).where(TAX_LINES.c.natural_key == bindparam("of"))
_IS_POSTED = select(TRANSACTIONS.c.id).where(TRANSACTIONS.c.natural_key == bindparam("of"))


def taxed(
    conn: Connection, transaction: Transaction, *, corrects: str | None = None
) -> Transaction:
    """A charge with its tax: owed besides, and posted to the country's account.

    Args:
        conn: An open write transaction; the account's books are locked.
        transaction: A charge, net; ``receivable`` takes its revenue.
        corrects: Natural key of the charge that it takes something back of; None: it is a charge.

    Returns:
        What is to be posted; the same as was given where no tax is computed.
    """
    net = -sum(each.amount for each in transaction.postings if _is_revenue(each))
    line = tax_line_for(
        conn,
        transaction.account_id,
        transaction.natural_key,
        transaction.cause,
        net,
        at=transaction.effective_at,
        corrects=corrects,
    )
    return with_tax(transaction, line)


def with_tax(transaction: Transaction, line: TaxLine | None) -> Transaction:
    """A charge with a line of tax: owed besides, and posted to the country's account."""
    if line is None or not line.tax_usd_micros:
        return transaction
    tax = line.tax_usd_micros
    postings = [
        replace(each, amount=each.amount + tax) if each.ledger_account == RECEIVABLE else each
        for each in transaction.postings
    ]
    postings.append(Posting(f"{TAX_ACCOUNT}{line.country}", Unit.USD, -tax))
    return replace(transaction, postings=tuple(each for each in postings if each.amount))


def tax_line_for(
    conn: Connection,
    account_id: str,
    natural_key: str,
    cause: str,
    net_usd_micros: int,
    *,
    at: datetime,
    corrects: str | None = None,
) -> TaxLine | None:
    """The line of tax of a charge: as it was agreed, or worked out now and put on record.

    Args:
        conn: An open write transaction; the account's books are locked.
        account_id: Who is charged.
        natural_key: Of the charge's transaction, which may be posted later.
        cause: What both belong to.
        net_usd_micros: What is taxed; negative: what is given back.
        at: When the charge counts.
        corrects: Natural key of the charge that it takes something back of; None: it is a charge.

    Returns:
        The line; None: no tax is computed, or the charge was posted without one.
    """
    agreed = conn.execute(_LINE, {"of": natural_key}).one_or_none()
    if agreed is not None:
        return _line(agreed)
    if corrects is None:
        taxation = taxation_of(conn, account_id, at)
        if taxation is None or conn.execute(_IS_POSTED, {"of": natural_key}).one_or_none():
            return None
        line = line_of(taxation, net_usd_micros)
    else:
        before = conn.execute(_LINE, {"of": corrects}).one_or_none()
        if before is None:
            return None
        taxation = Taxation(Treatment(before.treatment), before.country, before.rate_ppm)
        kept = taxation.tax_on(before.net_usd_micros + net_usd_micros)
        tax = kept - before.tax_usd_micros
        line = replace(line_of(taxation, net_usd_micros), tax_usd_micros=tax)
    row = {"account_id": account_id, "natural_key": natural_key, "cause": cause, **asdict(line)}
    insert_once(conn, TAX_LINES, ["natural_key"], row)
    return line


def line_of(taxation: Taxation, net_usd_micros: int) -> TaxLine:
    """The line of tax of an amount."""
    return TaxLine(
        taxation.treatment,
        taxation.country,
        taxation.rate_ppm,
        net_usd_micros,
        taxation.tax_on(net_usd_micros),
    )


def gross_of(
    conn: Connection, account_id: str, cause: str, net_usd_micros: int, *, at: datetime
) -> int:
    """What is asked for where a price is charged under ``<cause>:charge``: its tax included.

    The tax is agreed with that: the charge has it when it is posted, whatever was changed between.
    """
    key = charge_key(cause)
    line = tax_line_for(conn, account_id, key, cause, net_usd_micros, at=at)
    return net_usd_micros + (0 if line is None else line.tax_usd_micros)


def agreed_gross(conn: Connection, cause: str, net_usd_micros: int) -> int:
    """What a price comes to with the tax that was agreed for ``<cause>:charge``, if any was."""
    row = conn.execute(_LINE, {"of": charge_key(cause)}).one_or_none()
    return net_usd_micros + (0 if row is None else int(row.tax_usd_micros))


def tax_lines_of(conn: Connection, natural_keys: Sequence[str]) -> tuple[TaxLine, ...]:
    """The tax of some transactions, added up by treatment, country and rate."""
    rows = conn.execute(
        select(
            TAX_LINES.c.treatment,
            TAX_LINES.c.country,
            TAX_LINES.c.rate_ppm,
            func.sum(TAX_LINES.c.net_usd_micros).label("net_usd_micros"),
            func.sum(TAX_LINES.c.tax_usd_micros).label("tax_usd_micros"),
        )
        .where(TAX_LINES.c.natural_key.in_(natural_keys))
        .group_by(TAX_LINES.c.treatment, TAX_LINES.c.country, TAX_LINES.c.rate_ppm)
        .order_by(TAX_LINES.c.treatment, TAX_LINES.c.country, TAX_LINES.c.rate_ppm)
    )
    return tuple(_line(row) for row in rows)


def charge_key(cause: str) -> str:
    """The natural key of the charge of a price."""
    return f"{cause}:charge"


def owed_by(transaction: Transaction) -> int:
    """Micro-dollars that a charge adds to what the customer owes."""
    return sum(each.amount for each in transaction.postings if each.ledger_account == RECEIVABLE)


def undone_tax(conn: Connection, natural_key: str, *, undoing_key: str, cause: str) -> None:
    """Put the line of tax on record that takes back the one of a transaction that is undone."""
    row = conn.execute(_LINE, {"of": natural_key}).one_or_none()
    if row is None:
        return
    line = _line(row)
    undone = {
        **asdict(line),
        "net_usd_micros": -line.net_usd_micros,
        "tax_usd_micros": -line.tax_usd_micros,
    }
    row_of = {"account_id": row.account_id, "natural_key": undoing_key, "cause": cause, **undone}
    insert_once(conn, TAX_LINES, ["natural_key"], row_of)


def _is_revenue(posting: Posting) -> bool:
    return posting.unit is Unit.USD and posting.ledger_account.startswith(REVENUE)


def _line(row: Any) -> TaxLine:  # noqa: ANN401 - a row of either statement
    return TaxLine(
        Treatment(row.treatment),
        row.country,
        row.rate_ppm,
        int(row.net_usd_micros),
        int(row.tax_usd_micros),
    )
