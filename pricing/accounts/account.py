"""Accounts: who they are, and the status that follows from what has happened to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

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
    not_,
    or_,
    select,
)

from kernel.errors import BadInputError, RefusedError
from kernel.near_names import meant
from pricing.ledger.invoices import run_cause
from pricing.payments.gateway import PaymentState
from pricing.payments.run_payments import UNCOLLECTED
from pricing.plans.dunning import StepKind
from pricing.plans.model import Plan
from pricing.subscriptions.changes import ChangeKind
from pricing.subscriptions.subscriptions import PeriodPayment
from pricing.subscriptions.terms import latest_terms
from pricing.tables import (
    ACCOUNTS,
    CHANGES,
    DUNNING_STEPS,
    INVOICES,
    PAYMENTS,
    PERIODS,
    SUBSCRIPTIONS,
    TERMS,
)

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an account's clock may seem to go back: the clocks of two controllers differ a little,
and commands under one test clock each start at the same instant. Within it, an account's time
stands still; it never goes back."""

_IS_RUN = PAYMENTS.c.cause.startswith(run_cause(""))
_IS_PERIOD = not_(_IS_RUN)

IDS_COMPARED_MAX = 1000
"""Of how many accounts the ids are compared with one that there is not."""


class UnknownAccountError(BadInputError):
    """There is no such account; facts: ``account``."""

    code = "unknown_account"


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
            ``suspended`` (and has not been for so long that no run starts),
            ``cancellation_requested``, ``cancellation_pending``, ``cancelled``, ``trial_over`` or
            ``deleted``.
    """

    id: str
    plan: str
    timezone: str
    activated_at: datetime
    opened_at: datetime
    status: str = "active"


def find_account(conn: Connection, account_id: str) -> Account:
    """The account of that id.

    Raises:
        UnknownAccountError: If there is none.
    """
    row = conn.execute(_select_account(), {"account_id": account_id}).one_or_none()
    if row is None:
        raise unknown_account(conn, account_id)
    return Account(**row._asdict())


def is_known(conn: Connection, account_id: str) -> bool:
    """Whether there is, or was, an account of that id."""
    found = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id)
    return conn.execute(found).one_or_none() is not None


def list_accounts(conn: Connection) -> tuple[Account, ...]:
    """Every account, by id."""
    rows = conn.execute(_select_accounts().order_by(ACCOUNTS.c.id))
    return tuple(Account(**row._asdict()) for row in rows)


def accounts_after(conn: Connection, account_id: str, most: int) -> tuple[Account, ...]:
    """The next accounts by id, ``most`` at most; after the empty id come all."""
    rows = conn.execute(
        _select_accounts().where(ACCOUNTS.c.id > account_id).order_by(ACCOUNTS.c.id).limit(most)
    )
    return tuple(Account(**row._asdict()) for row in rows)


def plan_of(conn: Connection, account_id: str) -> Plan:
    """The plan that an account is on, or was on last, as it was sold.

    Raises:
        UnknownAccountError: If there is no such account.
    """
    find_account(conn, account_id)
    return latest_terms(conn, account_id).plan


def check_not_deleted(conn: Connection, account_id: str, *, instead: str = "") -> None:
    """Nothing more can be done with an account that was deleted.

    Args:
        conn: An open connection.
        account_id: Whose; one that there is not is let through.
        instead: What can be done, for people: "choose another id".

    Raises:
        AccountDeletedError: If it was.
    """
    deleted = select(ACCOUNTS.c.deleted_at).where(ACCOUNTS.c.id == account_id)
    deleted_at = conn.execute(deleted).scalar_one_or_none()
    if deleted_at is not None:
        raise AccountDeletedError(
            f"account {account_id} was deleted at {day_and_time(deleted_at)}"
            f"{f'; {instead}' if instead else ''}",
            account=account_id,
            deleted_at=shown(deleted_at),
        )


def unknown_account(conn: Connection, account_id: str) -> UnknownAccountError:
    """The error that says so, with an id that may be meant, and the command that opens one."""
    ids = conn.execute(select(ACCOUNTS.c.id).order_by(ACCOUNTS.c.id).limit(IDS_COMPARED_MAX))
    return UnknownAccountError(
        f"there is no account {account_id!r}{meant(account_id, ids.scalars())};"
        f" open it with: loadmuster account open {account_id}",
        account=account_id,
    )


def shown(instant: datetime) -> str:
    """An instant as a fact, and as ``--now`` takes it: ISO 8601 to the second."""
    return instant.isoformat(timespec="seconds")


def day_and_time(instant: datetime) -> str:
    """An instant in a sentence: ``2027-02-25 00:00 UTC``."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _select_account() -> Select[tuple[str, str, str, datetime, datetime, str]]:
    """The account whose id is ``account_id``: one statement for all of them."""
    return _select_accounts().where(ACCOUNTS.c.id == bindparam("account_id"))


@cache
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
                (
                    or_(
                        and_(_is_suspended(_IS_PERIOD), not_(_is_switched())),
                        _is_suspended(_IS_RUN),
                    ),
                    "suspended",
                ),
                (
                    or_(and_(_owes_a_period(), not_(_is_switched())), _owes_for_a_run()),
                    "payment_failure",
                ),
                (
                    and_(
                        _has_change("requested", ChangeKind.CANCELLATION),
                        not_(_is_switched()),
                    ),
                    "cancellation_requested",
                ),
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


def _is_switched() -> ColumnElement[bool]:
    """On demand, with a subscription beneath that an undo gives back; it asks for nothing now."""
    return _has_change("pending", ChangeKind.ON_DEMAND)


def _is_suspended(by: ColumnElement[bool]) -> ColumnElement[bool]:
    """Something is still owed that had fallen due as the account was suspended (C70)."""
    return exists().where(
        DUNNING_STEPS.c.account_id == ACCOUNTS.c.id,
        DUNNING_STEPS.c.kind == StepKind.SUSPENDED,
        PAYMENTS.c.account_id == ACCOUNTS.c.id,
        PAYMENTS.c.state == PaymentState.DECLINED,
        INVOICES.c.cause == PAYMENTS.c.cause,
        func.coalesce(INVOICES.c.due_at, INVOICES.c.issued_at) < DUNNING_STEPS.c.due_before,
        by,
    )


def _owes_for_a_run() -> ColumnElement[bool]:
    return exists().where(
        PAYMENTS.c.account_id == ACCOUNTS.c.id,
        PAYMENTS.c.state.in_(UNCOLLECTED),
        _IS_RUN,
    )


def _owes_a_period() -> ColumnElement[bool]:
    return exists().where(
        PERIODS.c.subscription_id == SUBSCRIPTIONS.c.id,
        PERIODS.c.payment == PeriodPayment.UNPAID,
    )
