"""Accounts: found, shown, and brought up to an instant; ``opening`` opens them.

Nothing happens by itself when a period begins: ``advance`` does what is due, exactly once, and
every command on an account calls it first. So the books are always as of the command's instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)

from kernel.errors import BadInputError, LoadmusterError, RefusedError
from pricing.accounts.view import AccountView, view_at
from pricing.ledger.balances import fold
from pricing.ledger.invoices import run_cause
from pricing.ledger.ledger import lock_books
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentGateway
from pricing.payments.run_payments import UNCOLLECTED, ask_for_what_is_due
from pricing.periods import check_year
from pricing.plans.model import Plan
from pricing.subscriptions.boundaries import apply_due_boundaries
from pricing.subscriptions.changes import ChangeKind
from pricing.subscriptions.subscriptions import PeriodPayment
from pricing.subscriptions.terms import latest_terms
from pricing.tables import (
    ACCOUNTS,
    CHANGES,
    PAYMENTS,
    PERIODS,
    SUBSCRIPTIONS,
    TERMS,
)

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an account's clock may seem to go back: the clocks of two controllers differ a little,
and commands under one test clock each start at the same instant. Within it, an account's time
stands still; it never goes back."""

_NOTE_COMMAND = ACCOUNTS.update().where(ACCOUNTS.c.id == bindparam("of"))


class UnknownAccountError(BadInputError):
    """There is no such account; facts: ``account``."""

    code = "unknown_account"


class ClockBackwardsError(RefusedError):
    """The account has been dealt with at a later instant; facts: ``account``, ``last``, ``now``."""

    code = "clock_backwards"


class AccountDeletedError(RefusedError):
    """The account was deleted for good; facts: ``account``, ``deleted_at``."""

    code = "account_deleted"


class Account(Struct, frozen=True):
    """Who runs and pays.

    Attributes:
        id: The caller's name for it.
        plan: Name of the plan that it is on, or was on last.
        timezone: IANA zone in which its billing days are.
        activated_at: When it was activated, here or where it was brought over from.
        opened_at: When it was opened here.
        status: ``active``, ``payment_failure`` (a period or a run could not be collected),
            ``cancellation_requested``, ``cancellation_pending``, ``cancelled``, ``trial_over`` or
            ``deleted``.
    """

    id: str
    plan: str
    timezone: str
    activated_at: datetime
    opened_at: datetime
    status: str = "active"


class Advanced(Struct, frozen=True):
    """An account whose books were brought up to date, or why they were not."""

    account_id: str
    failure: LoadmusterError | None = None


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


def account_view(
    conn: Connection, account_id: str, now: datetime, *, payer: PaymentGateway = REHEARSED_GATEWAY
) -> AccountView:
    """An account as it stands at ``now``, with everything due until then done.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        now: The command's instant.
        payer: Collects what is due by now.

    Raises:
        UnknownAccountError: If there is no such account.
        ClockBackwardsError: If the account has been dealt with at a later instant.
    """
    instant = advance(conn, account_id, now, payer=payer)
    return view_at(conn, find_account(conn, account_id), instant)


def plan_of(conn: Connection, account_id: str) -> Plan:
    """The plan that an account is on, or was on last, as it was sold.

    Raises:
        UnknownAccountError: If there is no such account.
    """
    find_account(conn, account_id)
    return latest_terms(conn, account_id).plan


def advance(
    conn: Connection, account_id: str, now: datetime, *, payer: PaymentGateway = REHEARSED_GATEWAY
) -> datetime:
    """Bring an account's books up to ``now``; every command on it begins with this.

    Locks the books until the transaction ends, and crosses each boundary that lies in between,
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
            f"account {account_id}: the clock shows {shown(now)}, but the last command was at"
            f" {shown(last)}; a clock may not go backwards",
            account=account_id,
            last=shown(last),
            now=shown(now),
        )
    return _advance(conn, account_id, max(now, last), payer)


def advance_all(
    transaction: Callable[[], AbstractContextManager[Connection]],
    now: datetime,
    *,
    page: int = 500,
    payer: PaymentGateway = REHEARSED_GATEWAY,
) -> Iterator[Advanced]:
    """Bring every account's books up to ``now``, one after the other, in the order of their ids.

    An account that fails is left as it was, and the others go on. One page of ids is held in
    memory, however many accounts there are, and the books of one account are locked at a time.

    Args:
        transaction: Opens a write transaction; each account has one.
        now: The instant.
        page: Ids that are read at a time.
        payer: Collects the money.
    """
    after = ""
    while ids := _ids_after(transaction, after, page):
        for account_id in ids:
            yield _advance_one(transaction, account_id, now, payer)
        after = ids[-1]


def _ids_after(
    transaction: Callable[[], AbstractContextManager[Connection]], after: str, page: int
) -> Sequence[str]:
    with transaction() as conn:
        ids = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id > after)
        return conn.execute(ids.order_by(ACCOUNTS.c.id).limit(page)).scalars().all()


def _advance_one(
    transaction: Callable[[], AbstractContextManager[Connection]],
    account_id: str,
    now: datetime,
    payer: PaymentGateway,
) -> Advanced:
    try:
        with transaction() as conn:
            advance(conn, account_id, now, payer=payer)
    except LoadmusterError as failure:
        return Advanced(account_id, failure)
    return Advanced(account_id)


def catch_up(
    conn: Connection, account_id: str, now: datetime, *, payer: PaymentGateway = REHEARSED_GATEWAY
) -> datetime:
    """Like ``advance``, for what must not be refused: the bill of a run that was accepted.

    A clock behind the last command's stands still until it has caught up.
    """
    return _advance(conn, account_id, max(now, _lock(conn, account_id)), payer)


def check_not_deleted(conn: Connection, account_id: str) -> None:
    """Nothing more can be done with an account that was deleted.

    Raises:
        AccountDeletedError: If it was.
    """
    deleted = select(ACCOUNTS.c.deleted_at).where(ACCOUNTS.c.id == account_id)
    deleted_at = conn.execute(deleted).scalar_one_or_none()
    if deleted_at is not None:
        raise AccountDeletedError(
            f"account {account_id} was deleted on {shown(deleted_at)}",
            account=account_id,
            deleted_at=shown(deleted_at),
        )


def _advance(conn: Connection, account_id: str, at: datetime, payer: PaymentGateway) -> datetime:
    # In UTC, because hours that are added to a zone's instant are hours of its wall clock.
    instant = at.astimezone(UTC)
    fold(conn, account_id)
    apply_due_boundaries(conn, account_id, now=instant, payer=payer)
    ask_for_what_is_due(conn, account_id, payer=payer, now=instant)
    conn.execute(_NOTE_COMMAND, {"of": account_id, "last_command_at": instant})
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


def shown(instant: datetime) -> str:
    """An instant in a message: ISO 8601 to the second."""
    return instant.isoformat(timespec="seconds")


def _select_accounts() -> Select[tuple[str, str, str, datetime, datetime, str]]:
    """Every account with its latest terms, and what its status follows from."""
    others = TERMS.alias()
    newest = select(func.max(others.c.id)).where(others.c.account_id == ACCOUNTS.c.id)
    return (
        select(
            ACCOUNTS.c.id,
            TERMS.c.plan,
            ACCOUNTS.c.timezone,
            ACCOUNTS.c.activated_at,
            ACCOUNTS.c.opened_at,
            case(
                (ACCOUNTS.c.deleted_at.is_not(None), "deleted"),
                (and_(_is_over(), _has_change("applied", ChangeKind.TRIAL_END)), "trial_over"),
                (_is_over(), "cancelled"),
                (_has_change("pending", ChangeKind.CANCELLATION), "cancellation_pending"),
                (or_(_owes_a_period(), _owes_for_a_run()), "payment_failure"),
                (_has_change("requested", ChangeKind.CANCELLATION), "cancellation_requested"),
                else_="active",
            ).label("status"),
        )
        .select_from(ACCOUNTS)
        .join(TERMS, TERMS.c.id == newest.scalar_subquery())
        .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == TERMS.c.subscription_id)
    )


def _is_over() -> ColumnElement[bool]:
    return SUBSCRIPTIONS.c.ended_at.is_not(None)


def _has_change(state: str, kind: ChangeKind) -> ColumnElement[bool]:
    return exists().where(
        CHANGES.c.subscription_id == SUBSCRIPTIONS.c.id,
        CHANGES.c.kind == kind,
        CHANGES.c.state == state,
    )


def _owes_for_a_run() -> ColumnElement[bool]:
    return exists().where(
        PAYMENTS.c.account_id == ACCOUNTS.c.id,
        PAYMENTS.c.state.in_(UNCOLLECTED),
        PAYMENTS.c.cause.startswith(run_cause("")),
    )


def _owes_a_period() -> ColumnElement[bool]:
    return exists().where(
        PERIODS.c.subscription_id == SUBSCRIPTIONS.c.id,
        PERIODS.c.payment == PeriodPayment.UNPAID,
    )
