"""Invoices of periods that could not be collected: issued all the same, and taken back if void.

A period that was not paid grants nothing and is not in the ledger (C24, C59); its invoice asks for
it, with the tax that was agreed and a due date. If it is paid after all, that is its invoice; if it
is given up, a credit note takes it back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pricing.ledger.invoices import invoice_of
from pricing.ledger.issuing import issue, issue_credit_note
from pricing.ledger.ledger import Posting, Transaction, entries_of
from pricing.ledger.taxed import charge_key, undone_tax
from pricing.plans.quotes import Unit


def issue_unpaid(conn: Connection, charge: Transaction) -> None:
    """Issue the invoice of a charge that is not in the books, once; the books are locked.

    Args:
        conn: An open write transaction.
        charge: What is asked for, with its tax; it will be posted when it is paid.
    """
    issue(conn, charge.cause, charge.effective_at, is_locked=True, charges=(charge,))


def take_back_unpaid(conn: Connection, cause: str, *, at: datetime) -> None:
    """Take an unpaid period's invoice back by a credit note, once; nothing if it has none.

    Args:
        conn: An open write transaction; the books are locked.
        cause: The period's.
        at: When it is given up.
    """
    invoice = invoice_of(conn, cause)
    if invoice is None:
        return
    void = f"{cause}:void"
    undone_tax(conn, charge_key(cause), undoing_key=charge_key(void), cause=void)
    what = invoice.lines[0].description.rpartition(":")[0]
    given_up = Transaction(
        account_id=invoice.account_id,
        natural_key=charge_key(void),
        cause=void,
        description=f"void: {what}",
        effective_at=at,
        recorded_at=at,
        postings=(
            Posting("receivable", Unit.USD, -invoice.usd_micros),
            Posting("revenue:subscription", Unit.USD, invoice.usd_micros),
        ),
    )
    issue_credit_note(conn, void, at, corrects=(invoice.number,), charges=(given_up,))


def issue_anew(conn: Connection, cause: str, *, at: datetime) -> None:
    """Issue another invoice of a period that was paid after its invoice had been taken back.

    That is so where a clock that ran ahead gave the period up, and it was owed again.
    """
    if invoice_of(conn, f"{cause}:void") is not None:
        charges = entries_of(conn, cause)
        issue(conn, f"{cause}:anew", at, is_locked=True, charges=charges)
