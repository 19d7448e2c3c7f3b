"""An account that is open already: was it opened with this, and if not, what differs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.account import Account, day_and_time, find_account, shown
from pricing.accounts.administrators import administrators_of
from pricing.accounts.owner import OWNER
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.subscriptions.terms import all_terms
from pricing.tables import ACCOUNTS


class AccountConflictError(RefusedError):
    """It is open, with other content; facts: ``account``, ``plan``, ``timezone``, ``differs``."""

    code = "account_conflict"


class WantedAccount(Struct, frozen=True):
    """What an account is to be opened with.

    Attributes:
        plan: What it is on.
        timezone: Of its billing days.
        activated_at: When it was activated elsewhere; None: nobody said so.
        channel: How it pays.
        card: The channel's own name for its card; None: none.
        administrators: Who may cancel; empty: the owner of the installation.
    """

    plan: Plan
    timezone: str
    activated_at: datetime | None
    channel: Channel
    card: str | None
    administrators: Sequence[str]


def check_opened_with(
    conn: Connection, account_id: str, wanted: WantedAccount, hashes: Collection[str]
) -> None:
    """The account that is open already was opened with this content.

    What differs is told by how the account is: what it was opened with is on record as a digest.

    Args:
        conn: An open transaction.
        account_id: Which.
        wanted: What it is to be opened with.
        hashes: Digests of that, as ``content_hashes`` has them.

    Raises:
        AccountConflictError: If it was opened with other content.
    """
    record = select(ACCOUNTS.c.opening_hash, ACCOUNTS.c.channel, ACCOUNTS.c.card).where(
        ACCOUNTS.c.id == account_id
    )
    row = conn.execute(record).one()
    if row.opening_hash in hashes:
        return
    account = find_account(conn, account_id)
    found = dict(_differences(conn, account, wanted, Channel(row.channel), row.card))
    said = "; ".join(found.values()) or "what it was opened with has been changed since"
    raise AccountConflictError(
        f"account {account_id} is open already, and otherwise: {said}",
        account=account_id,
        plan=account.plan,
        timezone=account.timezone,
        activated_at=shown(account.activated_at),
        differs=", ".join(found),
    )


def _differences(
    conn: Connection, account: Account, wanted: WantedAccount, channel: Channel, card: str | None
) -> Iterator[tuple[str, str]]:
    """What is not as it is wanted, by the name of the option, and said for people."""
    first = all_terms(conn, account.id)[0].plan
    if (first.name, first.credits is not None and first.li_minutes) != (
        wanted.plan.name,
        wanted.plan.credits is not None and wanted.plan.li_minutes,
    ):
        plans = [_plan_in_words(each) for each in (first, wanted.plan)]
        yield "plan", f"plan {plans[0]}, not {plans[1]}"
    if account.timezone != wanted.timezone:
        yield "timezone", f"time zone {account.timezone}, not {wanted.timezone}"
    activated_at = wanted.activated_at or account.opened_at
    if account.activated_at != activated_at:
        at, not_at = (day_and_time(each) for each in (account.activated_at, activated_at))
        yield "activated", f"activated {at}, not {not_at}"
    if channel is not wanted.channel:
        yield "channel", f"pays by {channel}, not {wanted.channel}"
    elif card != wanted.card:
        yield "card", _card_in_words(card, wanted.card)
    there, asked = (
        sorted(each)
        for each in (administrators_of(conn, account.id), set(wanted.administrators) or {OWNER})
    )
    if there != asked:
        yield "administrator", f"administrators {', '.join(there)}, not {', '.join(asked)}"


def _plan_in_words(plan: Plan) -> str:
    return (
        plan.name
        if plan.credits is None
        else f"{plan.name} with {counted(plan.li_minutes, 'credit')}"
    )


def _card_in_words(card: str | None, wanted: str | None) -> str:
    """Of cards, nothing is told."""
    if card is None:
        return "no card on file"
    return "a card on file" if wanted is None else "another card on file"
