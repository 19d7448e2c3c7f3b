"""What is bought between two billing dates: money and credits, both or neither (R79)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from pricing.accounts.command import CommandContext
from pricing.ledger.issuing import issue
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.ledger.lots import Grant, LotKind, grant
from pricing.ledger.taxed import charge_key, gross_of, taxed
from pricing.payments.attempts import digest
from pricing.payments.collecting import book_payment, collect_at_once
from pricing.payments.gateway import PaymentGateway
from pricing.plans.quotes import Unit


class Purchase(Struct, frozen=True):
    """Credits for money.

    Attributes:
        kind: Of the lot.
        cause: Natural key of the purchase.
        description: For the books and the invoice.
        usd_micros: What it costs, net of tax.
        li_minutes: What it grants.
        rollover: Whether the credits outlive the period.
        revenue: Ledger account that the money is earned on.
    """

    kind: LotKind
    cause: str
    description: str
    usd_micros: int
    li_minutes: int
    rollover: bool
    revenue: str


def buy(
    conn: Connection, context: CommandContext, bought: Purchase, *, gateway: PaymentGateway
) -> None:
    """Collect the price, book it, grant the credits and issue the invoice.

    Raises:
        ChannelCannotError: If the account's channel charges on billing dates only.
        PaymentFailedError: If the price could not be collected; nothing was done.
    """
    account_id, at, cause = context.account_id, context.at, bought.cause
    if bought.usd_micros:
        gross = gross_of(conn, account_id, cause, bought.usd_micros, at=at)
        collect_at_once(
            conn,
            account_id,
            cause,
            gross,
            gateway=gateway,
            now=at,
            purpose=f"{bought.kind}:{digest(account_id, context.request_id)}",
        )
        post(conn, taxed(conn, _charge(account_id, bought, at)))
        book_payment(conn, cause, bought.description, at=at, now=at)
    if bought.li_minutes > 0:
        grant(
            conn,
            account_id,
            Grant(
                kind=bought.kind,
                amount=bought.li_minutes,
                effective_at=at,
                expires_at=None if bought.rollover else context.period.end,
                cause=cause,
                description=bought.description,
            ),
            now=at,
        )
    issue(conn, cause, at)


def _charge(account_id: str, bought: Purchase, at: datetime) -> Transaction:
    """The price of what was bought, net of tax."""
    return Transaction(
        account_id=account_id,
        natural_key=charge_key(bought.cause),
        cause=bought.cause,
        description=bought.description,
        effective_at=at,
        recorded_at=at,
        postings=(
            Posting("receivable", Unit.USD, bought.usd_micros),
            Posting(bought.revenue, Unit.USD, -bought.usd_micros),
        ),
    )
