"""The deletion of an account, for good (R65-R67).

It happens only when somebody asks for it, after every subscription has ended. Personal data goes:
the card, the administrators' names, who asked for what, and whom its invoices were for. The journal
and the invoices stay, under the account's id and in the hands of the owner of the installation
(C29); each invoice keeps the customer that it was issued for, since it must be kept as it was.

Digests of requests that held names go as well, and so does the secret that those which stay were
made with (C79); people in the log of commands are numbers from then on. Who owes pays first (C62):
nobody could collect it afterwards. Who is in credit has it given back first, or gives it up (C82).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, text

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.accounts.advance import advance
from pricing.accounts.owner import OWNER
from pricing.ledger import idempotency
from pricing.ledger.persons import forget_persons
from pricing.ledger.reservations import runs_at_once
from pricing.money import format_usd
from pricing.parties.billing_details import forget_billing_details
from pricing.payments.credit import credit_of
from pricing.payments.gateway import PaymentGateway
from pricing.payments.refunds import forget_reasons
from pricing.subscriptions.changes import withdraw_all
from pricing.subscriptions.debts import check_paid
from pricing.subscriptions.lot_expiry import void_all
from pricing.subscriptions.subscriptions import abandon_unpaid, end_subscription, latest
from pricing.tables import ACCOUNTS, ADMINISTRATORS, CHANGES, PAYMENT_ATTEMPTS, REHEARSED_CHARGES
from pricing.tables.payments import OPEN_ATTEMPT


class StillSubscribedError(RefusedError):
    """A subscription has not ended; facts: ``account``, ``plan``."""

    code = "still_subscribed"


class RunsOpenError(RefusedError):
    """Runs have been accepted and have not ended; facts: ``account``, ``runs``."""

    code = "runs_open"


class CreditLeftError(RefusedError):
    """The account is in credit; facts: ``account``, ``usd``."""

    code = "credit_left"


def delete(
    conn: Connection,
    account_id: str,
    *,
    gives_up_credit: bool = False,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Delete an account; deleting it again does nothing.

    Args:
        conn: An open write transaction.
        account_id: Which.
        gives_up_credit: Whether what it is in credit is nothing to it any more.
        now: The command's instant.
        request_id: The caller's.
        gateway: Collects what is due by now.

    Raises:
        StillSubscribedError: If a subscription has not been cancelled and ended yet (R66).
        RunsOpenError: If a run has not ended.
        PaymentOverdueError: If a period or a run has not been paid (C62).
        CreditLeftError: If it is in credit, and does not give that up (C82).
    """
    instant = advance(conn, account_id, now, gateway=gateway)
    idempotency.remember(conn, account_id, request_id, command="delete", content={}, now=instant)
    deleted = select(ACCOUNTS.c.deleted_at).where(ACCOUNTS.c.id == account_id)
    if conn.execute(deleted).scalar_one() is not None:
        # Of who asked again, too.
        forget_persons(conn, account_id)
        return
    subscription = latest(conn, account_id)
    if subscription.ended_at is None and subscription.plan.is_subscription:
        raise StillSubscribedError(
            f"account {account_id} is on plan {subscription.plan.name}: it can be deleted once its"
            " subscription has been cancelled and has ended",
            account=account_id,
            plan=subscription.plan.name,
        )
    _check_no_open_runs(conn, account_id)
    check_paid(conn, subscription)
    if not gives_up_credit:
        _check_no_credit(conn, account_id)
    if subscription.ended_at is None:
        withdraw_all(conn, subscription.id, instant)
        abandon_unpaid(conn, subscription, at=instant)
        end_subscription(conn, subscription, instant)
    void_all(conn, account_id, at=instant, now=instant)
    forget_billing_details(conn, account_id)
    conn.execute(ADMINISTRATORS.delete().where(ADMINISTRATORS.c.account_id == account_id))
    conn.execute(ADMINISTRATORS.insert().values(account_id=account_id, name=OWNER))
    conn.execute(
        CHANGES.update()
        .where(CHANGES.c.account_id == account_id)
        .values(requested_by=None, confirmed_by=None)
    )
    idempotency.forget_content(conn, account_id)
    forget_persons(conn, account_id)
    forget_reasons(conn, account_id)
    conn.execute(
        ACCOUNTS.update()
        .where(ACCOUNTS.c.id == account_id)
        .values(
            deleted_at=instant,
            card=None,
            card_lost=None,
            suspended_since=None,
            opening_hash=idempotency.FORGOTTEN,
            digest_key=None,
        )
    )
    # What is still asked for goes with the card that it was begun with.
    conn.execute(
        PAYMENT_ATTEMPTS.update()
        .where(PAYMENT_ATTEMPTS.c.account_id == account_id, text(f"NOT {OPEN_ATTEMPT}"))
        .values(card=None, content=None)
    )


def _check_no_credit(conn: Connection, account_id: str) -> None:
    credit = credit_of(conn, account_id)
    if credit > 0:
        usd = format_usd(credit)
        raise CreditLeftError(
            f"account {account_id} is in credit: the owner of the installation gives the {usd} USD"
            " back (`loadmuster account refund`), or takes them (`account adjust --debit`); with"
            " --give-up-credit they are given up",
            account=account_id,
            usd=usd,
        )


def _check_no_open_runs(conn: Connection, account_id: str) -> None:
    runs = (*runs_at_once(conn, account_id), *_rehearsals_at_once(conn, account_id))
    if runs:
        raise RunsOpenError(
            f"account {account_id}: {counted(len(runs), 'open run')}; cancel before you delete",
            account=account_id,
            runs=len(runs),
        )


def _rehearsals_at_once(conn: Connection, account_id: str) -> tuple[str, ...]:
    """The ids of its rehearsals that have not ended."""
    ids = select(REHEARSED_CHARGES.c.run_id).where(
        REHEARSED_CHARGES.c.account_id == account_id, REHEARSED_CHARGES.c.ended_at.is_(None)
    )
    return tuple(conn.execute(ids).scalars())
