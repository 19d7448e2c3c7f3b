"""How a refund stands in the books: the invoice taken back by so much, and the money out (C73).

An accepted refund is up to four transactions under its own cause, ``refund:7``:

- ``refund:7:credit``: the customer owes less, ``revenue:refunds`` and the tax are taken back;
- ``refund:7:cash``: the money has left;
- ``refund:7:paid-out``: what of it was the account's credit is so no more;
- ``refund:7:lot``: of the LI-minutes that came with what is given back, what is left of them.

The credit note lists the first of them and names the invoice; there is none where all of it was in
credit, since the books took that back before. The tax of all refunds of an invoice together is in
proportion to what they take back, in whole cents, and in the end the invoice's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, select

from pricing.ledger.invoices import Invoice, find_invoice
from pricing.ledger.issuing import issue_credit_note
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.ledger.lots import held_of, ledger_account
from pricing.ledger.taxed import RECEIVABLE
from pricing.money import divide_half_up, to_cents_half_up
from pricing.payments.credit import CREDIT
from pricing.payments.payment import CASH
from pricing.payments.refunds import Refund
from pricing.payments.taken_back import TakenBack, taken_back
from pricing.plans.quotes import Unit
from pricing.tables import LOT_CLOSURES, LOTS, TAX_LINES, insert_once
from pricing.taxes.model import TAX_ACCOUNT, TaxLine

REFUNDED = "revenue:refunds"
"""Ledger account of what was earned and given back."""

TAKEN_BACK = "taken-back"
"""Ledger account of LI-minutes that were given back for money."""


class Portion(Struct, frozen=True):
    """A part of what is given back, all of it taxed in one way.

    Attributes:
        net_usd_micros: Without tax.
        tax_usd_micros: The tax that comes with it.
        of: The tax of the invoice that it is a part of; None: no tax was computed.
    """

    net_usd_micros: int
    tax_usd_micros: int
    of: TaxLine | None


def book_refund(conn: Connection, refund: Refund, *, is_rehearsed: bool, at: datetime) -> None:
    """Write an accepted refund into the books and issue its credit note, once.

    Args:
        conn: An open write transaction; the account's books are locked.
        refund: It; on record as accepted.
        is_rehearsed: Whether no money has moved.
        at: When it counts.
    """
    invoice = find_invoice(conn, refund.account_id, refund.invoice)
    before = taken_back(conn, refund.account_id).get(invoice.number) or TakenBack(invoice)
    parts = portions(invoice, before.booked_usd_micros, refund.of_invoice_usd_micros)
    for number, portion in enumerate(parts, start=1):
        _take_back(conn, refund, portion, number, at)
    words = "rehearsed refund" if is_rehearsed else "refund"
    cash = (
        Posting(CASH, Unit.USD, -refund.usd_micros),
        Posting(RECEIVABLE, Unit.USD, refund.usd_micros),
    )
    post(conn, _entry(refund, "cash", f"{words} of {refund.invoice}", cash, at))
    if refund.from_credit_usd_micros:
        credit = (
            Posting(CREDIT, Unit.USD, refund.from_credit_usd_micros),
            Posting(RECEIVABLE, Unit.USD, -refund.from_credit_usd_micros),
        )
        what = f"credit of {refund.invoice}, paid out"
        post(conn, _entry(refund, "paid-out", what, credit, at))
    if not refund.keeps_credits:
        _take_credits_back(conn, refund, before, at)
    issue_credit_note(conn, refund.ledger_cause, at, corrects=(refund.invoice,))


def book_returned(conn: Connection, refund: Refund, *, at: datetime) -> None:
    """The customer's bank has sent a refund back: the money is there, and owed to the account."""
    back = (
        Posting(CASH, Unit.USD, refund.usd_micros),
        Posting(CREDIT, Unit.USD, -refund.usd_micros),
    )
    what = f"refund of {refund.invoice} came back, in credit"
    post(conn, _entry(refund, "returned", what, back, at))


def portions(invoice: Invoice, before_usd_micros: int, usd_micros: int) -> Iterator[Portion]:
    """What a refund gives back, by how that was taxed.

    Args:
        invoice: What was paid.
        before_usd_micros: What was taken back of it before, tax included.
        usd_micros: What is taken back now.
    """
    after = before_usd_micros + usd_micros
    for had, has in zip(_given(invoice, before_usd_micros), _given(invoice, after), strict=True):
        net = has.net_usd_micros - had.net_usd_micros
        tax = has.tax_usd_micros - had.tax_usd_micros
        if net or tax:
            yield Portion(net, tax, has.of)


def _given(invoice: Invoice, usd_micros: int) -> Iterator[Portion]:
    """So much of an invoice in all, each tax in proportion; the last one takes the remainder."""
    parts: list[tuple[int, TaxLine | None]] = [
        (line.net_usd_micros + line.tax_usd_micros, line) for line in invoice.taxes
    ]
    untaxed = invoice.total_usd_micros - sum(gross for gross, _ in parts)
    if untaxed or not parts:
        parts.append((untaxed, None))
    left, gross_left = usd_micros, invoice.total_usd_micros
    for gross, line in parts:
        share = to_cents_half_up(divide_half_up(left * gross, gross_left)) if gross_left else 0
        share = left if gross == gross_left else min(share, gross, left)
        tax = 0
        if line is not None and gross:
            tax = to_cents_half_up(divide_half_up(share * line.tax_usd_micros, gross))
        yield Portion(share - tax, tax, line)
        left, gross_left = left - share, gross_left - gross


def _take_back(
    conn: Connection, refund: Refund, portion: Portion, number: int, at: datetime
) -> None:
    """The customer owes so much less, and the tax office is owed so much less."""
    name = "credit" if number == 1 else f"credit:{number}"
    line = portion.of
    postings = [
        Posting(RECEIVABLE, Unit.USD, -portion.net_usd_micros - portion.tax_usd_micros),
        Posting(REFUNDED, Unit.USD, portion.net_usd_micros),
    ]
    if line is not None and portion.tax_usd_micros:
        postings.append(Posting(f"{TAX_ACCOUNT}{line.country}", Unit.USD, portion.tax_usd_micros))
    entry = _entry(
        refund, name, f"refund of {refund.invoice}", tuple(p for p in postings if p.amount), at
    )
    if line is not None:
        taken = TaxLine(
            line.treatment,
            line.country,
            line.rate_ppm,
            -portion.net_usd_micros,
            -portion.tax_usd_micros,
        )
        row = {
            "account_id": refund.account_id,
            "natural_key": entry.natural_key,
            "cause": entry.cause,
            **asdict(taken),
        }
        insert_once(conn, TAX_LINES, ["natural_key"], row)
    post(conn, entry)


def _take_credits_back(conn: Connection, refund: Refund, before: TakenBack, at: datetime) -> None:
    """Take the same part of the LI-minutes that came with it, as far as they are there and free."""
    lot = conn.execute(
        select(LOTS.c.id, LOTS.c.amount, LOTS.c.expires_at)
        .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
        .where(
            LOTS.c.account_id == refund.account_id,
            LOTS.c.cause == refund.cause,
            LOT_CLOSURES.c.lot_id.is_(None),
        )
    ).one_or_none()
    if lot is None or (lot.expires_at is not None and lot.expires_at <= at):
        return
    total, had = before.invoice.total_usd_micros, before.refunded_usd_micros
    has = had + refund.of_invoice_usd_micros
    part = lot.amount * has // total - lot.amount * had // total
    held = held_of(conn, refund.account_id, lot.id)
    taken = min(part, held.remaining - held.reserved)
    if taken > 0:
        postings = (
            Posting(ledger_account(lot.id), Unit.LI_MINUTES, -taken),
            Posting(TAKEN_BACK, Unit.LI_MINUTES, taken),
        )
        what = f"LI-minutes of {refund.invoice}, refunded"
        post(conn, _entry(refund, "lot", what, postings, at))


def _entry(
    refund: Refund, name: str, description: str, postings: tuple[Posting, ...], at: datetime
) -> Transaction:
    cause = refund.ledger_cause
    return Transaction(
        account_id=refund.account_id,
        natural_key=f"{cause}:{name}",
        cause=cause,
        description=description,
        effective_at=at,
        recorded_at=at,
        postings=postings,
    )
