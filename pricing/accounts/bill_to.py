"""Whom an account's invoices are for, from now on; what was issued before stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from pricing.accounts.command import begin_command
from pricing.parties.billing_details import find_billing_details, put_billing_details
from pricing.parties.party import Party, with_changes
from pricing.payments.gateway import PaymentGateway


def set_billing_details(
    conn: Connection,
    account_id: str,
    changes: Mapping[str, str | None],
    *,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> Party:
    """Change the customer's name, address, country, e-mail or tax id.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        changes: By field of ``Party``; an empty text takes a field away, None leaves it.
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now, on invoices for the former details.

    Returns:
        All of them, as they are on record now.

    Raises:
        BadInputError: What ``with_changes`` refuses; nothing was done.
        UnknownAccountError: If there is no such account.
        AccountDeletedError: If it was deleted.
        RequestConflictError: If the request id stands for something else.
    """
    context = begin_command(
        conn,
        account_id,
        "billing",
        changes,
        request_id=request_id,
        gateway=gateway,
        now=now,
    )
    party = find_billing_details(conn, account_id)
    if context is None:
        return party
    changed = with_changes(party, changes)
    put_billing_details(conn, account_id, changed, now=context.at)
    return changed
