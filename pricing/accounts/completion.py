"""A purchase that was paid for, made by somebody else than who began it.

What it takes to make it again is on record with its payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from kernel.errors import InvariantBrokenError
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import renew
from pricing.accounts.clock import keep_clock
from pricing.accounts.opening import open_account
from pricing.accounts.plan_changes import upgrade
from pricing.payments.attempts import Waiting
from pricing.payments.gateway import PaymentGateway
from pricing.plans.channels import Channel
from pricing.plans.file import plan_from_json, plan_to_json
from pricing.plans.model import Plan

OPEN, UPGRADE, BOOST, RENEW = "open", "upgrade", "boost", "renew"


def opening_content(  # noqa: PLR0913 - what an account is opened with
    plan: Plan,
    *,
    timezone: str,
    activated_at: datetime | None,
    request_id: str | None,
    channel: Channel,
    card: str | None,
    administrators: tuple[str, ...],
    agreed_with: str | None,
    is_test: bool,
) -> dict[str, Any]:
    """What it takes to open an account again."""
    return {
        "plan": plan_to_json(plan),
        "timezone": timezone,
        "activated_at": None if activated_at is None else activated_at.isoformat(),
        "request_id": request_id,
        "channel": channel,
        "card": card,
        "administrators": list(administrators),
        "agreed_with": agreed_with,
        "is_test": is_test,
    }


def content_of(arguments: Mapping[str, object]) -> dict[str, Any]:
    """What it takes to do a command again: its arguments as JSON, plans as they are sold now."""
    return {
        name: plan_to_json(value) if isinstance(value, Plan) else value
        for name, value in arguments.items()
    }


def do_again(
    conn: Connection,
    account_id: str,
    waiting: Waiting,
    *,
    now: datetime,
    gateway: PaymentGateway,
) -> None:
    """Make a purchase whose payment is on record.

    Raises:
        LoadmusterError: What the command raises.
    """
    content, request_id = waiting.content, waiting.request_id
    if waiting.command == BOOST:
        boost(conn, account_id, now=now, request_id=request_id, gateway=gateway)
    elif waiting.command == RENEW:
        renew(conn, account_id, now=now, request_id=request_id, gateway=gateway)
    elif waiting.command == UPGRADE:
        upgrade(
            conn,
            account_id,
            plan_from_json(content["wanted"]),
            agreed_with=content["agreed_with"],
            now=now,
            request_id=request_id,
            gateway=gateway,
        )
    elif waiting.command == OPEN:
        _open(conn, account_id, content, now=now, gateway=gateway)
    else:
        raise InvariantBrokenError(f"account {account_id}: {waiting.command} buys nothing")


def _open(
    conn: Connection,
    account_id: str,
    content: dict[str, Any],
    *,
    now: datetime,
    gateway: PaymentGateway,
) -> None:
    activated = content["activated_at"]
    open_account(
        conn,
        account_id,
        plan_from_json(content["plan"]),
        timezone=content["timezone"],
        activated_at=None if activated is None else datetime.fromisoformat(activated),
        now=now,
        request_id=content["request_id"],
        channel=Channel(content["channel"]),
        card=content["card"],
        administrators=content["administrators"],
        agreed_with=content["agreed_with"],
        gateway=gateway,
    )
    keep_clock(conn, account_id, is_test=content["is_test"])
