"""What an account is in credit, and what of that is free.

Credit is money that was collected and is owed to the account: paid for runs that cost less in the
end, collected for what could not be had, credited by hand. It is on the ledger account ``credit``.
What a refund that is under way pays out of it is not free.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select, text

from pricing.ledger.ledger import balance
from pricing.plans.quotes import Unit
from pricing.tables import REFUNDS
from pricing.tables.refunds import OPEN_REFUND

CREDIT = "credit"
"""Ledger account of what an account has paid and got back; negative, since it is owed to it."""

_UNDER_WAY = select(func.coalesce(func.sum(REFUNDS.c.from_credit_usd_micros), 0)).where(
    REFUNDS.c.account_id == bindparam("of"), text(OPEN_REFUND)
)


def credit_of(conn: Connection, account_id: str) -> int:
    """Micro-dollars that an account is in credit."""
    return -balance(conn, account_id, CREDIT, Unit.USD)


def free_credit_of(conn: Connection, account_id: str) -> int:
    """Micro-dollars of an account's credit that nothing is on the way for."""
    credit = credit_of(conn, account_id)
    if credit <= 0:
        return 0
    return max(credit - int(conn.execute(_UNDER_WAY, {"of": account_id}).scalar_one()), 0)


def set_off_key(cause: str) -> str:
    """How the natural keys begin of what of a charge was set off against credit."""
    return f"{cause}:set-off"
