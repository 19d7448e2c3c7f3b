"""What every command on an account's plan begins with: the books up to date, the request noted."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import RefusedError
from pricing.accounts.account import check_not_deleted, day_and_time, shown
from pricing.accounts.advance import advance
from pricing.ledger import idempotency
from pricing.ledger.author import Content
from pricing.payments.gateway import PaymentGateway
from pricing.periods import Period
from pricing.subscriptions.changes import (
    Boundary,
    Change,
    ChangeKind,
    ChangeState,
    open_changes,
)
from pricing.subscriptions.debts import check_paid
from pricing.subscriptions.subscriptions import Subscription, latest


class NotSubscribedError(RefusedError):
    """Only a subscription can do that; facts: ``account``, ``plan``."""

    code = "not_subscribed"


class CancellationPendingError(RefusedError):
    """The subscription is going to end; facts: ``account``, ``at``."""

    code = "cancellation_pending"


class CommandContext(Struct, frozen=True):
    """A command that is about to be done, on an account whose books are locked and up to date.

    Attributes:
        account_id: Whose.
        request_id: The caller's id of the request; part of the keys of what it does.
        at: The account's instant.
        subscription: The one that runs, or the last one.
    """

    account_id: str
    request_id: str
    at: datetime
    subscription: Subscription

    @property
    def period(self) -> Period:
        """The current period of a subscription that has one."""
        period = self.subscription.period_at(self.at)
        assert period is not None, self.subscription
        return period

    @property
    def boundary(self) -> Boundary:
        """Where the current period ends and the next begins; where a trial ends, none does."""
        is_trial = self.subscription.plan.trial_days is not None
        return Boundary(self.period.end, None if is_trial else self.period.n + 1)

    def check_subscribed(self, verb: str) -> None:
        """Refuse what only a running subscription with months can do.

        Raises:
            NotSubscribedError: If the account is on demand, on trial, or has cancelled.
        """
        if not self.subscription.has_periods:
            plan = self.subscription.plan.name
            is_over = self.subscription.ended_at is not None
            raise NotSubscribedError(
                f"account {self.account_id} cannot {verb}: it"
                + (f" has no subscription; {plan} has ended" if is_over else f" is on plan {plan}"),
                account=self.account_id,
                plan=plan,
            )

    def check_not_cancelled(self, conn: Connection) -> None:
        """Refuse what makes no sense for a subscription that is going to end.

        Raises:
            CancellationPendingError: If its cancellation has been confirmed.
        """
        change = self.changes(conn).get(ChangeKind.CANCELLATION)
        if change is not None and change.state is ChangeState.PENDING:
            assert change.effective_at is not None
            raise CancellationPendingError(
                f"account {self.account_id}: its subscription ends at"
                f" {day_and_time(change.effective_at)}; renew it first",
                account=self.account_id,
                at=shown(change.effective_at),
            )

    def check_paid(self, conn: Connection) -> None:
        """Refuse to sell more to who has not paid.

        Raises:
            PaymentOverdueError: If a period or a run could not be collected.
        """
        check_paid(conn, self.subscription)

    def changes(self, conn: Connection) -> dict[ChangeKind, Change]:
        """What was asked for and is neither applied nor withdrawn."""
        return open_changes(conn, self.subscription.id)


def begin_command(
    conn: Connection,
    account_id: str,
    command: str,
    content: Content,
    *,
    request_id: str,
    gateway: PaymentGateway,
    now: datetime,
) -> CommandContext | None:
    """Begin a command.

    Returns:
        What to do it on; None: the same request has been done before, do nothing.

    Raises:
        UnknownAccountError: If there is no such account.
        AccountDeletedError: If it was deleted.
        ClockBackwardsError: If it has been dealt with at a later instant.
        RequestConflictError: If the request id stands for something else.
    """
    instant = advance(conn, account_id, now, gateway=gateway)
    if not idempotency.remember(
        conn, account_id, request_id, command=command, content=content, now=instant
    ):
        return None
    check_not_deleted(conn, account_id)
    return CommandContext(account_id, request_id, instant, latest(conn, account_id))
