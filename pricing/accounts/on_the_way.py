"""What money of an account is on record as asked for, and is carried out by whoever comes next."""

from __future__ import annotations

from sqlalchemy import Connection

from pricing.money import format_usd
from pricing.payments.attempts import open_attempts
from pricing.payments.refunds import open_refunds


def on_the_way(conn: Connection, account_id: str) -> str:
    """Payments and refunds that an answer or a place is to come of, for people; empty: none is.

    Args:
        conn: An open connection.
        account_id: Whose.
    """
    asked = [
        *(
            f"a payment of {format_usd(each.request.usd_micros)} {each.request.currency}"
            for each in open_attempts(conn, account_id)
        ),
        *(
            f"a refund of {format_usd(each.usd_micros)} {each.currency}"
            for each in open_refunds(conn, account_id)
        ),
    ]
    if not asked:
        return ""
    rest = f" and {len(asked) - 1} more" if asked[1:] else ""
    return (
        f"{asked[0]}{rest} is on record as pending and will be carried out: make room, and the"
        f" same command, or `loadmuster account reconcile {account_id}`, goes on with it"
    )
