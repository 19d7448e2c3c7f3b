"""Accounts: opened once, on a plan, with a time zone and the day that their periods count from.

Nothing happens by itself when a period begins: ``advance`` renews what is due, exactly once, and
every command on an account calls it first. So the books are always as of the command's instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Select, func, select

from kernel.errors import BadInputError, RefusedError
from pricing import requests
from pricing.invoices import REVENUE
from pricing.ledger import lock_books
from pricing.lots import Lot, open_lots
from pricing.periods import Period, anchor_of, check_timezone, check_year
from pricing.plans import Plan
from pricing.quotes import Unit
from pricing.subscriptions import renew, running, subscribe
from pricing.tables import ACCOUNTS, POSTINGS, SUBSCRIPTIONS, insert_once

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an account's clock may seem to go back: the clocks of two controllers differ a little,
and commands under one test clock each start at the same instant. Within it, an account's time
stands still; it never goes back."""

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class BadAccountIdError(BadInputError):
    """Not usable as the id of an account; facts: ``account``."""

    code = "bad_account_id"


class UnknownAccountError(BadInputError):
    """There is no such account; facts: ``account``."""

    code = "unknown_account"


class AccountConflictError(RefusedError):
    """The account is open, with other content; facts: ``account``, ``plan``, ``timezone``."""

    code = "account_conflict"


class ClockBackwardsError(RefusedError):
    """The account has been dealt with at a later instant; facts: ``account``, ``last``, ``now``."""

    code = "clock_backwards"


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs and pays.

    Attributes:
        id: The caller's name for it.
        plan: Name of the plan that it is on.
        timezone: IANA zone in which its billing days are.
        activated_at: When it was activated, here or where it was brought over from.
        opened_at: When it was opened here.
        status: ``active``.
    """

    id: str
    plan: str
    timezone: str
    activated_at: datetime
    opened_at: datetime
    status: str = "active"


@dataclass(frozen=True, slots=True)
class NextCharge:
    """What the next period's start will charge."""

    at: datetime
    usd_micros: int


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it stands at an instant.

    Attributes:
        account: Who.
        period: The current billing period; None on demand.
        lots: What can be used, in burn order.
        charged_usd_micros: All that was charged so far, less what was corrected.
        next_charge: None on demand.
    """

    account: Account
    period: Period | None
    lots: tuple[Lot, ...]
    charged_usd_micros: int
    next_charge: NextCharge | None

    @property
    def balance_li_minutes(self) -> int:
        """LI-minutes that are left, those that runs have reserved included."""
        return sum(lot.remaining for lot in self.lots)

    @property
    def reserved_li_minutes(self) -> int:
        """LI-minutes that accepted runs hold and have not been charged yet."""
        return sum(lot.reserved for lot in self.lots)


def check_opening(
    account_id: str, *, timezone: str, activated_at: datetime | None, now: datetime
) -> None:
    """Whether an account could be opened like that; needs no database.

    Raises:
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
    if activated_at is None:
        return
    check_year(activated_at.year, where="activation")
    if activated_at > now:
        raise BadInputError(
            f"activation at {_shown(activated_at)}: now ({_shown(now)}) or an instant before it"
            " would be right",
            activated_at=_shown(activated_at),
        )


def open_account(
    conn: Connection,
    account_id: str,
    plan: Plan,
    *,
    timezone: str,
    activated_at: datetime | None = None,
    now: datetime,
    request_id: str | None = None,
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

    Raises:
        BadInputError: What ``check_opening`` refuses.
        AccountConflictError: If the account is open with another plan, zone or activation.
        RequestConflictError: If the request id stands for something else.
    """
    check_opening(account_id, timezone=timezone, activated_at=activated_at, now=now)
    content = {
        "account": account_id,
        "plan": plan.name,
        "timezone": timezone,
        "activated_at": activated_at.astimezone(UTC).isoformat() if activated_at else None,
    }
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
            "opening_hash": requests.content_hash(content),
            "last_command_at": now,
        },
    )
    if request_id is not None:
        requests.remember(conn, account_id, request_id, command="open", content=content, now=now)
    if is_new:
        subscribe(conn, account_id, plan, anchor_of(activation, timezone), now)
        advance(conn, account_id, now)
    else:
        _check_opened_with(conn, account_id, requests.content_hash(content))
    return find_account(conn, account_id)


def find_account(conn: Connection, account_id: str) -> Account:
    """The account of that id.

    Raises:
        UnknownAccountError: If there is none.
    """
    row = conn.execute(_select_accounts().where(ACCOUNTS.c.id == account_id)).one_or_none()
    if row is None:
        raise _unknown(account_id)
    return Account(**row._asdict())


def list_accounts(conn: Connection) -> tuple[Account, ...]:
    """Every account, by id."""
    rows = conn.execute(_select_accounts().order_by(ACCOUNTS.c.id))
    return tuple(Account(**row._asdict()) for row in rows)


def account_view(conn: Connection, account_id: str, now: datetime) -> AccountView:
    """An account as it stands at ``now``, with everything due until then done.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        now: The command's instant.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    instant = advance(conn, account_id, now)
    subscription = running(conn, account_id)
    period = subscription.period_at(instant)
    charged = select(-func.coalesce(func.sum(POSTINGS.c.amount), 0)).where(
        POSTINGS.c.account_id == account_id,
        POSTINGS.c.unit == Unit.USD,
        POSTINGS.c.ledger_account.startswith(REVENUE),
    )
    return AccountView(
        account=find_account(conn, account_id),
        period=period,
        lots=open_lots(conn, account_id, instant),
        charged_usd_micros=int(conn.execute(charged).scalar_one()),
        next_charge=NextCharge(period.end, subscription.monthly_usd_micros) if period else None,
    )


def advance(conn: Connection, account_id: str, now: datetime) -> datetime:
    """Bring an account's books up to ``now``; every command on it begins with this.

    Locks the books until the transaction ends, and renews each period that has begun since,
    exactly once.

    Returns:
        The account's instant: ``now``, or the last command's if that is a little later.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If ``now`` is before the last command by more than the tolerance.
        ClockTooFarAheadError: If decades of periods would be due.
        YearOutOfRangeError: If ``now`` is in an impossible year.
    """
    check_year(now.year, where="the clock")
    last = _lock(conn, account_id)
    if now < last - CLOCK_TOLERANCE:
        raise ClockBackwardsError(
            f"account {account_id}: the clock shows {_shown(now)}, but the last command was at"
            f" {_shown(last)}; a clock may not go backwards",
            account=account_id,
            last=_shown(last),
            now=_shown(now),
        )
    return _advance(conn, account_id, max(now, last))


def catch_up(conn: Connection, account_id: str, now: datetime) -> datetime:
    """Like ``advance``, for what must not be refused: the bill of a run that was accepted.

    A clock behind the last command's stands still until it has caught up.
    """
    return _advance(conn, account_id, max(now, _lock(conn, account_id)))


def _advance(conn: Connection, account_id: str, instant: datetime) -> datetime:
    renew(conn, running(conn, account_id), now=instant)
    conn.execute(
        ACCOUNTS.update().where(ACCOUNTS.c.id == account_id).values(last_command_at=instant)
    )
    return instant


def _lock(conn: Connection, account_id: str) -> datetime:
    """Take the books; the instant of the last command."""
    last = lock_books(conn, account_id)
    if last is None:
        raise _unknown(account_id)
    return last


def _unknown(account_id: str) -> UnknownAccountError:
    return UnknownAccountError(
        f"there is no account {account_id!r}; open it with: loadmuster account open {account_id}",
        account=account_id,
    )


def _shown(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def _select_accounts() -> Select[tuple[str, str, str, datetime, datetime]]:
    return select(
        ACCOUNTS.c.id,
        SUBSCRIPTIONS.c.plan,
        ACCOUNTS.c.timezone,
        ACCOUNTS.c.activated_at,
        ACCOUNTS.c.opened_at,
    ).join(
        SUBSCRIPTIONS,
        (SUBSCRIPTIONS.c.account_id == ACCOUNTS.c.id) & SUBSCRIPTIONS.c.ended_at.is_(None),
    )


def _check_opened_with(conn: Connection, account_id: str, opening_hash: str) -> None:
    """The account that is open already was opened with this content."""
    opened_with = select(ACCOUNTS.c.opening_hash).where(ACCOUNTS.c.id == account_id)
    if conn.execute(opened_with).scalar_one() != opening_hash:
        account = find_account(conn, account_id)
        raise AccountConflictError(
            f"account {account_id} is open already, with another plan, time zone or activation"
            f" (plan {account.plan}, zone {account.timezone}, activated"
            f" {_shown(account.activated_at)})",
            account=account_id,
            plan=account.plan,
            timezone=account.timezone,
            activated_at=_shown(account.activated_at),
        )
