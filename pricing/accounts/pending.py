"""What a purchase is told whose payment has no answer, and how the next try finds it again."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, func, select

from kernel.errors import RefusedError
from pricing.ledger.ledger import lock_ledger
from pricing.money import format_usd
from pricing.payments.attempts import Attempt, digest, unfinished_attempts
from pricing.tables import REQUESTS, TRANSACTIONS

PAY = "pay"
"""The command that collects what is overdue."""

MADE = "once-"
"""How a request id begins that was made for a caller who gave none."""


class PaymentPendingError(RefusedError):
    """The gateway has not answered; facts: ``account``, ``usd``, ``key``, ``reason``."""

    code = "payment_pending"


class PurchaseOutdatedError(RefusedError):
    """What was paid for can no longer be had: the money is the account's credit.

    Facts: ``account``, ``usd``, ``reason``.
    """

    code = "purchase_outdated"


def pending_error(attempt: Attempt, silence: str) -> PaymentPendingError:
    """What is told of a purchase whose payment has no answer."""
    request = attempt.request
    usd = format_usd(request.usd_micros)
    return PaymentPendingError(
        f"account {request.account_id}: the payment gateway has not answered for {usd} USD"
        f" ({silence}) and may have collected them; nothing was bought yet. The same command again"
        f" goes on with this payment, and `loadmuster account reconcile {request.account_id}`"
        " finishes it",
        account=request.account_id,
        usd=usd,
        key=request.key,
        reason=silence,
    )


def made_id(conn: Connection, account_id: str, command: str, content: dict[str, Any]) -> str:
    """The request id of a command whose caller gave none.

    That of its own unfinished payment, if there is one; otherwise one that no other command has:
    every command that is done moves the position of the books on.
    """
    lock_ledger(conn, account_id)
    for each in unfinished_attempts(conn, account_id):
        its = each.waiting
        if its is None or not its.request_id.startswith(MADE):
            continue
        if (its.command, its.content) == (command, content):
            return its.request_id
    requests = select(func.count()).where(REQUESTS.c.account_id == account_id)
    written = select(func.max(TRANSACTIONS.c.id)).where(TRANSACTIONS.c.account_id == account_id)
    position = f"{conn.execute(requests).scalar_one()}:{conn.execute(written).scalar_one()}"
    return f"{MADE}{digest(account_id, command, json.dumps(content, sort_keys=True), position)}"
