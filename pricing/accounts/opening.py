"""Opening an account: what it is opened with, and that it is opened once."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from kernel.errors import BadInputError
from pricing.accounts.account import (
    Account,
    check_not_deleted,
    day_and_time,
    find_account,
    shown,
)
from pricing.accounts.administrators import check_names
from pricing.accounts.advance import advance
from pricing.accounts.opened_with import WantedAccount, check_opened_with
from pricing.accounts.owner import OWNER
from pricing.currencies import DOLLARS, check_currency
from pricing.ledger import idempotency
from pricing.parties.party import is_email
from pricing.payments.cards import check_card
from pricing.payments.gateway import PaymentGateway
from pricing.periods import check_timezone, check_year
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.subscriptions.activation import activate
from pricing.tables import ACCOUNTS, ADMINISTRATORS, insert_once

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class BadAccountIdError(BadInputError):
    """Not usable as the id of an account; facts: ``account``."""

    code = "bad_account_id"


class NoPriceError(BadInputError):
    """The plan is not sold in that currency; facts: ``plan``, ``currency``."""

    code = "no_price"


def check_opening(
    account_id: str,
    *,
    timezone: str,
    activated_at: datetime | None,
    now: datetime,
    card: str | None = None,
) -> None:
    """Whether an account could be opened like that; needs no database.

    Raises:
        BadCardError: If the card is no name of one.
        BadAccountIdError: If the id has other characters.
        UnknownTimezoneError: If the zone is none.
        YearOutOfRangeError: If the clock or the activation is in an impossible year.
        BadInputError: If the activation is later than now.
    """
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise BadAccountIdError(
            f"account id {account_id!r} will not do: 1-64 letters, digits and . _ @ + - would,"
            " beginning with a letter or a digit",
            account=account_id,
        )
    check_timezone(timezone)
    check_year(now.year, where="the clock")
    if card is not None:
        check_card(card)
    if activated_at is None:
        return
    check_year(activated_at.year, where="activation")
    if activated_at > now:
        raise BadInputError(
            f"activation at {day_and_time(activated_at)}: now ({day_and_time(now)}) or an instant"
            " before it would be right",
            activated_at=shown(activated_at),
        )


def check_currency_of(plan: Plan, currency: str) -> None:
    """Whether an account could be opened on a plan in a currency.

    Raises:
        UnsupportedCurrencyError: If the books are not kept in it.
        NoPriceError: If the plan has no price in it.
    """
    found = check_currency(currency)
    if found.code != DOLLARS:
        raise NoPriceError(
            f"plan {plan.name} has no price in {found.code}: {DOLLARS} would be right",
            plan=plan.name,
            currency=found.code,
        )


def open_account(  # noqa: PLR0913 - what an account is opened with
    conn: Connection,
    account_id: str,
    plan: Plan,
    *,
    timezone: str,
    activated_at: datetime | None = None,
    now: datetime,
    request_id: str | None = None,
    channel: Channel = Channel.CARD,
    card: str | None = None,
    administrators: Sequence[str] = (),
    agreed_with: str | None = None,
    gateway: PaymentGateway,
) -> Account:
    """Open an account; a subscription's first period is charged and granted at once.

    Opening it again with the same content answers the same and does nothing.

    Args:
        conn: An open write transaction.
        account_id: 1-64 letters, digits and ``. _ @ + -``, beginning with a letter or a digit.
        plan: What it is on.
        timezone: IANA zone in which its billing days are.
        activated_at: When it was activated elsewhere, which decides its billing day (R17, R18);
            only the current period and later ones are charged here. Default: now.
        now: The command's instant.
        request_id: The caller's id of this request.
        channel: How it pays.
        card: The channel's own name for its card.
        administrators: Who may cancel (R56); nobody named: the owner of the installation.
        agreed_with: The representative who agreed to the sale, for the record.
        gateway: Collects the money.

    Raises:
        BadInputError: What ``check_opening`` refuses.
        ChannelCannotError: If the plan is not sold through the channel.
        PaymentFailedError: If the first period could not be collected.
        AccountDeletedError: If an account of that id was deleted.
        AccountConflictError: If the account is open with another plan, zone or activation.
        RequestConflictError: If the request id stands for something else.
    """
    check_opening(account_id, timezone=timezone, activated_at=activated_at, now=now, card=card)
    check_names(account_id, administrators)
    content: dict[str, str | int | None] = {
        "account": account_id,
        "plan": plan.name,
        "timezone": timezone,
        "activated_at": activated_at.astimezone(UTC).isoformat() if activated_at else None,
    }
    if plan.credits is not None:
        content["credits"] = plan.li_minutes
    if channel is not Channel.CARD or card is not None:
        content["payment"] = f"{channel} {card}"
    if administrators:
        content["administrators"] = json.dumps(sorted(set(administrators)))
    activation = activated_at or now
    is_new = insert_once(
        conn,
        ACCOUNTS,
        ["id"],
        {
            "id": account_id,
            "timezone": timezone,
            "activated_at": activation,
            "opened_at": now,
            "opening_hash": "",
            "last_command_at": now,
            "channel": channel,
            "card": card,
        },
    )
    hashes = idempotency.content_hashes(conn, account_id, content)
    if is_new:
        # With the account's secret, which it has by now.
        its = ACCOUNTS.update().where(ACCOUNTS.c.id == account_id)
        conn.execute(its.values(opening_hash=hashes[0]))
        _check_no_address(account_id)
    else:
        # Its books stay under its id for good, so that nobody else has them.
        check_not_deleted(conn, account_id, instead="choose another id")
    idempotency.remember(
        conn,
        account_id,
        request_id,
        command="open",
        content=content,
        now=now,
        also={"agreed_with": agreed_with},
        is_done=not is_new,
    )
    if is_new:
        for name in sorted(set(administrators) or {OWNER}):
            conn.execute(ADMINISTRATORS.insert().values(account_id=account_id, name=name))
        activate(conn, account_id, plan, at=now.astimezone(UTC), gateway=gateway, request_id=None)
        advance(conn, account_id, now, gateway=gateway)
    else:
        wanted = WantedAccount(plan, timezone, activated_at, channel, card, administrators)
        check_opened_with(conn, account_id, wanted, hashes)
    return find_account(conn, account_id)


def _check_no_address(account_id: str) -> None:
    """Nobody's address is in books that nobody may change (C79).

    Raises:
        BadAccountIdError: If the id is an e-mail address.
    """
    if is_email(account_id):
        raise BadAccountIdError(
            f"account id {account_id!r} is an e-mail address, and could never be forgotten, since"
            " ids stay in the books: choose another id; the address goes into `loadmuster billing"
            " set ID --email ADDRESS`",
            account=account_id,
        )
