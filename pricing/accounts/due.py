"""When something next falls due for an account by itself, so that an index finds what is due.

``accounts.next_due_at`` is never later than what really falls due. Only the sweep over all accounts
sets it, from the books as it leaves them; whatever else is done to an account empties it, so that
the next sweep looks anew. What a look finds due:

    a period begins, or a change that has a date takes effect
    a lot expires
    a payment waits to be asked for
    who owes is reminded, asked again or suspended

What a correction or a given-up reservation puts back into a closed lot follows from a command,
after which the sweep looks anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from pricing.payments.gateway import PaymentState
from pricing.periods import period
from pricing.subscriptions.changes import dated_changes
from pricing.subscriptions.dunning import next_step_at
from pricing.subscriptions.lot_expiry import with_returns
from pricing.subscriptions.running import running_of
from pricing.tables import ACCOUNTS, LOT_CLOSURES, LOTS, PAYMENTS, among, update_many

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Nothing falls due by itself."""

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Something is due already."""

_EXPIRIES = (
    select(LOTS.c.account_id, func.min(LOTS.c.expires_at).label("at"))
    .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
    .where(
        among(LOTS.c.account_id, "accounts"),
        LOTS.c.expires_at.is_not(None),
        LOT_CLOSURES.c.lot_id.is_(None),
    )
    .group_by(LOTS.c.account_id)
)
_TO_BE_ASKED_FOR = select(PAYMENTS.c.account_id).where(
    among(PAYMENTS.c.account_id, "accounts"), PAYMENTS.c.state == PaymentState.DUE
)
_OWING = (
    select(ACCOUNTS.c.id, ACCOUNTS.c.last_command_at)
    .join(PAYMENTS, PAYMENTS.c.account_id == ACCOUNTS.c.id)
    .where(among(ACCOUNTS.c.id, "accounts"), PAYMENTS.c.state == PaymentState.DECLINED)
    .distinct()
)
_NOTED = (
    select(ACCOUNTS.c.id, ACCOUNTS.c.next_due_at)
    .where(ACCOUNTS.c.id > bindparam("after"), ACCOUNTS.c.next_due_at.is_not(None))
    .order_by(ACCOUNTS.c.id)
    .limit(bindparam("most"))
)


class Overlooked(Struct, frozen=True):
    """An account for which something falls due before its books say; the sweep would be late."""

    account_id: str
    noted_at: datetime
    due_at: datetime


def due_dates(conn: Connection, account_ids: Sequence[str]) -> dict[str, datetime]:
    """When something next falls due by itself for each of some accounts.

    Args:
        conn: An open connection.
        account_ids: Whose, brought up to date in the same transaction.
    """
    due = dict.fromkeys(account_ids, NEVER)

    def is_due(account_id: str, at: datetime) -> None:
        due[account_id] = min(at, due[account_id])

    running = running_of(conn, account_ids)
    for account_id, each in running.items():
        subscription = each.subscription
        if subscription.has_periods:
            is_due(account_id, period(subscription.anchor, each.next_period).start)
    of_subscriptions = [each.subscription.id for each in running.values()]
    for account_id, at in dated_changes(conn, of_subscriptions):
        is_due(account_id, at)
    for account_id, at in next_expiries(conn, account_ids).items():
        is_due(account_id, at)
    for row in conn.execute(_TO_BE_ASKED_FOR, {"accounts": account_ids}):
        is_due(row.account_id, AT_ONCE)
    for row in conn.execute(_OWING, {"accounts": account_ids}).all():
        at_step = next_step_at(conn, row.id, row.last_command_at)
        if at_step is not None:
            is_due(row.id, at_step)
    return due


def next_expiries(conn: Connection, account_ids: Sequence[str]) -> dict[str, datetime]:
    """When the next lot expires of each of some accounts that have such a lot."""
    return dict(conn.execute(_EXPIRIES, {"accounts": account_ids}).all())


def note_due(conn: Connection, account_ids: Sequence[str]) -> None:
    """Keep when something next falls due for accounts that were just brought up to date."""
    noted = list(due_dates(conn, account_ids).items())
    update_many(conn, ACCOUNTS, ("id",), ("next_due_at",), noted)


def overlooked(conn: Connection, *, page: int = 500) -> Iterator[Overlooked]:
    """Every account for which something falls due before ``next_due_at``; there is none.

    Args:
        conn: An open connection.
        page: Accounts that are looked at together.
    """
    after = ""
    while rows := conn.execute(_NOTED, {"after": after, "most": page}).all():
        noted = {row.id: row.next_due_at for row in rows}
        for account_id, at in _really_due(conn, noted).items():
            if at < noted[account_id]:
                yield Overlooked(account_id, noted[account_id], at)
        after = rows[-1].id


def _really_due(conn: Connection, noted: Mapping[str, datetime]) -> dict[str, datetime]:
    ids = list(noted)
    at_once = dict.fromkeys(with_returns(conn, ids), AT_ONCE)
    return {**due_dates(conn, ids), **at_once}
