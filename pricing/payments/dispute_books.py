"""How a dispute stands in the books: money out, what is contested, the fee, and how it ends (C75).

Under its own cause, ``dispute:3``, each once, whatever was heard first:

- ``dispute:3:withdrawn``: the money has left; ``disputed`` is what may come again;
- ``dispute:3:fee``: what the gateway takes for it, an expense;
- ``dispute:3:won``: the money is back;
- ``dispute:3:lost``: it is not: ``written-off``.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pricing.ledger.ledger import Posting, Transaction, post
from pricing.payments.disputes import Dispute, DisputeState
from pricing.payments.payment import CASH
from pricing.plans.quotes import Unit

DISPUTED = "disputed"
"""Ledger account of what was paid, was taken away again, and may come back."""

WRITTEN_OFF = "written-off"
"""Ledger account of what was earned and is lost."""

FEES = "fees:disputes"
"""Ledger account of what gateways take for disputes."""


def book_dispute(conn: Connection, dispute: Dispute, *, at: datetime) -> None:
    """Write into the books what has happened of a dispute and is not there yet.

    Args:
        conn: An open write transaction; the account's books are locked.
        dispute: As it is on record.
        at: When what is new counts.
    """
    if not dispute.is_booked:
        return
    amount, name = dispute.usd_micros, dispute.name
    if dispute.withdrawn_at is not None:
        _book(conn, dispute, "withdrawn", f"dispute {name}", (CASH, DISPUTED), amount, at)
        if dispute.state is DisputeState.WON:
            _book(conn, dispute, "won", f"dispute {name}, won", (DISPUTED, CASH), amount, at)
        elif dispute.state is DisputeState.LOST:
            sides = (DISPUTED, WRITTEN_OFF)
            _book(conn, dispute, "lost", f"dispute {name}, lost", sides, amount, at)
    if dispute.fee_usd_micros:
        fee = dispute.fee_usd_micros
        _book(conn, dispute, "fee", f"dispute {name}, fee", (CASH, FEES), fee, at)


def _book(
    conn: Connection,
    dispute: Dispute,
    name: str,
    description: str,
    sides: tuple[str, str],
    usd_micros: int,
    at: datetime,
) -> None:
    """Move an amount from one ledger account to another, once."""
    one, other = sides
    cause = dispute.ledger_cause
    post(
        conn,
        Transaction(
            account_id=dispute.account_id,
            natural_key=f"{cause}:{name}",
            cause=cause,
            description=description,
            effective_at=at,
            recorded_at=at,
            postings=(
                Posting(one, Unit.USD, -usd_micros),
                Posting(other, Unit.USD, usd_micros),
            ),
        ),
    )
