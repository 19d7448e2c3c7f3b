"""Plain accounts: those of which nothing is due but what every month brings.

Nothing is asked for and waits, nothing is owed or set aside, and no department has a share: all
that passing time does to such an account is to begin its periods, and to end its lots. What that
takes to know is read here for many accounts at once; ``renewals`` says what comes of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select, text, union_all

from pricing.ledger.balances import held_on_lots_of
from pricing.ledger.numbering import last_places
from pricing.parties.of_many import AccountParties, parties_of_many
from pricing.payments.gateway import PaymentState
from pricing.plans.channels import Channel
from pricing.subscriptions.lot_expiry import closing_cause
from pricing.subscriptions.running import Running, running_of
from pricing.tables import (
    ACCOUNTS,
    CHANGES,
    DEPARTMENTS,
    INVOICES,
    LOT_CLOSURES,
    LOTS,
    PAYMENTS,
    POSTINGS,
    RESERVATIONS,
    TOLD_TAXES,
    TRANSACTIONS,
    among,
)
from pricing.tables.ledger import OF_CREDIT

_HOW_THEY_PAY = select(ACCOUNTS.c.id, ACCOUNTS.c.channel, ACCOUNTS.c.card).where(
    among(ACCOUNTS.c.id, "accounts")
)
_NOT_PLAIN = union_all(
    select(CHANGES.c.account_id).where(
        among(CHANGES.c.account_id, "accounts"), CHANGES.c.ended_at.is_(None)
    ),
    # What another tax service has told of it is looked up charge by charge.
    select(TOLD_TAXES.c.account_id).where(among(TOLD_TAXES.c.account_id, "accounts")),
    select(DEPARTMENTS.c.account_id).where(among(DEPARTMENTS.c.account_id, "accounts")),
    # What is in credit is set off first.
    select(POSTINGS.c.account_id)
    .where(among(POSTINGS.c.account_id, "accounts"), text(OF_CREDIT))
    .group_by(POSTINGS.c.account_id)
    .having(func.sum(POSTINGS.c.amount) != 0),
    # Whatever is not paid, a period or a run, has a payment that says so.
    select(PAYMENTS.c.account_id).where(
        among(PAYMENTS.c.account_id, "accounts"),
        PAYMENTS.c.state.in_((PaymentState.DUE, PaymentState.DECLINED, PaymentState.DELAYED)),
    ),
    select(RESERVATIONS.c.account_id).where(
        among(RESERVATIONS.c.account_id, "accounts"), RESERVATIONS.c.state == "open"
    ),
)
_EXPIRED = (
    select(LOTS.c.account_id, LOTS.c.id, LOTS.c.expires_at)
    .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
    .where(
        among(LOTS.c.account_id, "accounts"),
        LOTS.c.expires_at <= bindparam("until"),
        LOT_CLOSURES.c.lot_id.is_(None),
    )
    .order_by(LOTS.c.expires_at, LOTS.c.id)
)
_CLOSED = select(LOT_CLOSURES.c.account_id).where(among(LOT_CLOSURES.c.lot_id, "lots"))
_CLOSINGS = (
    select(TRANSACTIONS.c.cause, func.count().label("times"))
    .where(among(TRANSACTIONS.c.cause, "causes"))
    .group_by(TRANSACTIONS.c.cause)
)
_LAST_SEQUENCES = (
    select(INVOICES.c.account_id, func.max(INVOICES.c.sequence).label("sequence"))
    .where(among(INVOICES.c.account_id, "accounts"))
    .group_by(INVOICES.c.account_id)
)


class ExpiringLot(Struct, frozen=True, gc=False):
    """A lot that has expired and is not closed yet.

    Attributes:
        id: Its number.
        expires_at: When.
        remaining: LI-minutes that it holds.
        closings: How often its rest was posted away before.
    """

    id: int
    expires_at: datetime
    remaining: int
    closings: int = 0


class PlainAccount(Struct, frozen=True, gc=False):
    """What there is to know of a plain account.

    Attributes:
        id: Its id.
        channel: How it pays.
        card: The channel's own name for its card.
        running: Its subscription; None: it has cancelled.
        expiring: Its lots that have expired, the first to expire first.
        last_invoice: How many invoices it has.
        own_place: Which place was given last in its own series of invoices.
        parties: Who sells to it, and who it is.
    """

    id: str
    channel: Channel
    card: str | None
    running: Running | None
    expiring: tuple[ExpiringLot, ...]
    last_invoice: int
    own_place: int
    parties: AccountParties


def plain_accounts(
    conn: Connection, account_ids: Sequence[str], now: datetime, *, touched: Collection[str]
) -> tuple[PlainAccount, ...]:
    """Those of some accounts that are plain, in their order; their books are locked.

    Args:
        conn: An open write transaction.
        account_ids: Which.
        now: Up to when lots expire.
        touched: Those to which a command may have put something back into a closed lot.
    """
    accounts = {"accounts": account_ids}
    others = set(conn.execute(_NOT_PLAIN, accounts).scalars())
    plain = [each for each in account_ids if each not in others]
    accounts = {"accounts": plain}
    expired = conn.execute(_EXPIRED, {**accounts, "until": now}).all()
    holders = {row.account_id for row in expired}
    held = held_on_lots_of(conn, [of for of in plain if of in holders or of in touched])
    others = set(conn.execute(_CLOSED, {"lots": _positive(held)}).scalars())
    causes = {"causes": [closing_cause(row.id) for row in expired]}
    rows = conn.execute(_CLOSINGS, causes).all() if expired else ()
    closings = {row.cause: row.times for row in rows}
    expiring: dict[str, list[ExpiringLot]] = {}
    for row in expired:
        times = closings.get(closing_cause(row.id), 0)
        lot = ExpiringLot(row.id, row.expires_at, held.get(row.id, 0), times)
        expiring.setdefault(row.account_id, []).append(lot)
    pay = {row.id: row for row in conn.execute(_HOW_THEY_PAY, accounts).all()}
    running = running_of(conn, plain)
    issued = dict(conn.execute(_LAST_SEQUENCES, accounts).all())
    places = last_places(conn, plain)
    parties = parties_of_many(conn, plain)
    return tuple(
        PlainAccount(
            id=of,
            channel=Channel(pay[of].channel),
            card=pay[of].card,
            running=running.get(of),
            expiring=tuple(expiring.get(of, ())),
            last_invoice=issued.get(of, 0),
            own_place=places[of],
            parties=parties[of],
        )
        for of in plain
        if of not in others
    )


def _positive(held: Mapping[int, int]) -> list[int]:
    return [lot_id for lot_id, li in held.items() if li > 0]
