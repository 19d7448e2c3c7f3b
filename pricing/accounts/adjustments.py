"""Adjustments: what the seller's side credits to an account, or takes of its credit again (C76).

A credit is a credit note, and what the account is in credit afterwards; a debit is an invoice that
is set off against that at once. So nobody is asked for money by one, and nobody's credit is ever
below nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import asdict
from sqlalchemy import Connection

from kernel.errors import BadInputError, RefusedError
from pricing.accounts.account import check_not_deleted
from pricing.accounts.advance import advance
from pricing.ledger import idempotency
from pricing.ledger.invoices import (
    ADJUSTMENT_CAUSE,
    Invoice,
    invoice_of,
)
from pricing.ledger.issuing import issue, issue_credit_note
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.ledger.taxed import charge_key
from pricing.money import MICROS_PER_CENT, divide_half_up, format_usd, to_cents_half_up
from pricing.payments.attempts import digest
from pricing.payments.credit import CREDIT, free_credit_of
from pricing.payments.gateway import PaymentGateway
from pricing.payments.taken_back import TakenBack, newest_over, taken_back
from pricing.plans.quotes import Unit
from pricing.tables import TAX_LINES, insert_once
from pricing.taxes.model import PPM, TAX_ACCOUNT, TaxLine
from pricing.taxes.on_record import taxation_of

ADJUSTED = "revenue:adjustments"
"""Ledger account of what was earned, and credited or taken by hand."""

REASON_LETTERS_MAX = 200


class AdjustmentTooLargeError(RefusedError):
    """It is beyond what can be taken back, or beyond the credit; facts: ``account``, ``most``."""

    code = "adjustment_too_large"


def adjust(
    conn: Connection,
    account_id: str,
    *,
    usd_micros: int,
    reason: str,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> Invoice:
    """Credit an account, or take of its credit; the same request is answered the same.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        usd_micros: Tax included, in whole cents; above nothing it is credited, below it is taken.
        reason: Why; it stands in the ledger and on the document.
        now: The command's instant.
        request_id: The caller's, or one that was made for it.
        gateway: Collects what is due by now.

    Returns:
        The credit note, or the invoice.

    Raises:
        BadInputError: If the amount or the reason will not do.
        AdjustmentTooLargeError: If more would be credited than invoices charge and nothing took
            back, or taken than is credited.
    """
    _check_words(usd_micros, reason)
    content = {"usd": format_usd(usd_micros), "reason": reason}
    instant = advance(conn, account_id, now, gateway=gateway)
    cause = f"{ADJUSTMENT_CAUSE}{digest(account_id, request_id)}"
    if idempotency.remember(
        conn, account_id, request_id, command="adjust", content=content, now=instant
    ):
        check_not_deleted(conn, account_id)
        invoices = tuple(taken_back(conn, account_id).values())
        _check_bounds(conn, account_id, usd_micros, invoices)
        post(conn, _charge(conn, account_id, cause, usd_micros, reason, instant))
        if usd_micros > 0:
            # A credit note names what it corrects (Directive 2006/112/EC, art. 219).
            corrects = newest_over(invoices, usd_micros)
            issue_credit_note(conn, cause, instant, corrects=corrects)
        else:
            issue(conn, cause, instant, is_locked=True)
    issued = invoice_of(conn, cause)
    assert issued is not None, cause
    return issued


def _charge(
    conn: Connection, account_id: str, cause: str, usd_micros: int, reason: str, at: datetime
) -> Transaction:
    """What is credited, or taken, with the tax that is in it."""
    key = charge_key(cause)
    taxation = taxation_of(conn, account_id, at)
    tax = 0
    if taxation is not None:
        part = divide_half_up(abs(usd_micros) * taxation.rate_ppm, PPM + taxation.rate_ppm)
        tax = to_cents_half_up(part) * (1 if usd_micros > 0 else -1)
        line = TaxLine(
            taxation.treatment, taxation.country, taxation.rate_ppm, tax - usd_micros, -tax
        )
        row = {"account_id": account_id, "natural_key": key, "cause": cause, **asdict(line)}
        insert_once(conn, TAX_LINES, ["natural_key"], row)
    postings = [
        Posting(ADJUSTED, Unit.USD, usd_micros - tax),
        Posting(CREDIT, Unit.USD, -usd_micros),
    ]
    if taxation is not None and tax:
        postings.append(Posting(f"{TAX_ACCOUNT}{taxation.country}", Unit.USD, tax))
    return Transaction(
        account_id=account_id,
        natural_key=key,
        cause=cause,
        description=f"adjustment, {reason}",
        effective_at=at,
        recorded_at=at,
        postings=tuple(postings),
    )


def _check_bounds(
    conn: Connection, account_id: str, usd_micros: int, invoices: Sequence[TakenBack]
) -> None:
    if usd_micros > 0:
        most = sum(each.left_usd_micros for each in invoices)
        what = "of what it was charged by invoice are not taken back"
    else:
        most, what = free_credit_of(conn, account_id), "of its credit are free"
    if abs(usd_micros) > most:
        verb = "credited to" if usd_micros > 0 else "taken of"
        raise AdjustmentTooLargeError(
            f"account {account_id}: {format_usd(abs(usd_micros))} USD cannot be {verb} it;"
            f" {format_usd(most)} USD {what}",
            account=account_id,
            most=format_usd(most),
        )


def _check_words(usd_micros: int, reason: str) -> None:
    if not usd_micros or usd_micros % MICROS_PER_CENT:
        raise BadInputError(
            f"an adjustment is of whole cents and not of nothing, not {format_usd(usd_micros)} USD",
            usd=format_usd(usd_micros),
        )
    if not reason.strip() or len(reason) > REASON_LETTERS_MAX or not reason.isprintable():
        raise BadInputError(
            f"the reason {reason[:40]!r} will not do; 1 to {REASON_LETTERS_MAX} printable letters"
            " would, such as 'goodwill for the outage of May 4'"
        )
