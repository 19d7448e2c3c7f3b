"""Accounts brought up to date by whoever runs the installation, and payments finished."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.commands.arguments import checked
from engine.commands.context import EngineContext

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.accounts.healing import Healing
    from pricing.accounts.reconciling import Reconciled
    from pricing.accounts.sweep import Advanced
    from pricing.payments.asking import Talk
    from pricing.payments.disputes import DisputeNotice
    from pricing.payments.gateway import Answer, PaymentGateway

WORKERS_MAX = 4
"""Connections that one sweep has at most to a database that takes several writers."""


class AdvanceCount(Struct, frozen=True):
    """How many accounts there are that live by the clock, and how many could not be advanced."""

    accounts: int
    failed: int


@checked
class UpkeepCommands:
    """Bringing accounts up to date, healing one, and finishing its payments."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def healing(self, account_id: str) -> Healing:
        """What ``heal`` would undo; nothing is changed.

        Raises:
            UnknownAccountError: There is no such account.
            WrongClockError: The account lives by another clock than this.
            CannotHealError: Somebody asked for something since, or money was really collected.
        """
        from pricing.accounts.account import find_account
        from pricing.accounts.clock import check_clock
        from pricing.accounts.healing import find_healing

        now = self._context.clock.now()
        with self._context.reading() as conn:
            find_account(conn, account_id)
            check_clock(conn, account_id, is_test=self._context.has_test_clock)
            return find_healing(conn, account_id, now, gateway=self._context.gateway)

    def heal(self, account_id: str, *, request_id: str | None = None) -> Healing:
        """Undo what was booked of the account's future, when a clock that ran ahead looked at it.

        New entries undo those that came too early, and a credit note their invoices; then the
        account is as if nobody had looked. What was undone comes again when it is due.

        Raises:
            UnknownAccountError: There is no such account.
            WrongClockError: The account lives by another clock than this.
            CannotHealError: Somebody asked for something since, or money was really collected.
        """
        from pricing.accounts.clock import keep_clock
        from pricing.accounts.heal import heal

        use, now = self._context, self._context.clock.now()

        def work(
            conn: sqlalchemy.Connection, *, gateway: PaymentGateway, request_id: str
        ) -> Healing:
            healing = heal(conn, account_id, now=now, request_id=request_id, gateway=gateway)
            keep_clock(conn, account_id, is_test=use.has_test_clock)
            return healing

        return use.commanded(account_id, "heal", {}, work, request_id=request_id, now=now)

    def advance(
        self,
        *,
        watch: Callable[[Advanced], None] | None = None,
        tell: Callable[[Reconciled], None] | None = None,
    ) -> AdvanceCount:
        """Bring every account's books up to now; one that fails is left as it was.

        An account for which nothing is due is up to date, and not looked at. Also deletes the run
        history of accounts that left more than a month ago (R64).

        Args:
            watch: Told of each account that was looked at when it is done; the reason, if it
                failed.
            tell: Told of each payment that was unfinished, and has been reconciled.

        Raises:
            DatabaseNotThereError: There is no such database.
        """
        from engine.runs.record.history import forget_history
        from pricing.accounts.due_accounts import count_accounts
        from pricing.accounts.reconciling import SILENCES_MAX
        from pricing.accounts.sweep import advance_all
        from pricing.payments.asking import Talk

        use = self._context
        use.check_there()
        now = use.clock.now()
        failed = 0
        talk = Talk(gateway=use.gateway, silences_max=SILENCES_MAX)
        with use.transaction() as conn:
            accounts = count_accounts(conn, is_test=use.has_test_clock)
        every = advance_all(
            use.transaction,
            now,
            workers=workers_on(use.db),
            gateway=use.gateway,
            is_test=use.has_test_clock,
            settle=self._settling(now, talk),
        )
        for each in every:
            failed += each.failure is not None
            if watch is not None:
                watch(each)
        with use.transaction() as conn:
            forget_history(conn, now)
        self._reconcile(now, tell, talk)
        return AdvanceCount(accounts, failed)

    def _settling(self, now: datetime, talk: Talk) -> Callable[[str], None] | None:
        """How one account of many is advanced, if the gateway calls out."""
        from pricing.accounts.reconciling import advance_settled
        from pricing.payments.gateway import calls_out

        use = self._context
        if not calls_out(gateway=use.gateway):
            return None
        return lambda account_id: advance_settled(use.rim(account_id, now), talk, account_id)

    def reconcile(
        self,
        account_id: str | None = None,
        *,
        watch: Callable[[Reconciled], None] | None = None,
    ) -> Sequence[Reconciled]:
        """Finish what is unfinished with the payment gateway (C51).

        Payments of periods and runs are asked for again, under the same keys. A purchase whose
        command has died is made if it was paid for, and otherwise never collected.

        Args:
            account_id: Whose; None: of all accounts, without waiting for anybody.
            watch: Told of each payment when it has been looked at.

        Returns:
            The payments that were unfinished.

        Raises:
            DatabaseNotThereError: All accounts of a database that is not there are meant.
            WrongClockError: The account lives by another clock than this.
        """
        from pricing.accounts.reconciling import SILENCES_MAX, reconcile_account
        from pricing.payments.asking import Talk

        use, now = self._context, self._context.clock.now()
        if account_id is None:
            use.check_there()
            talk = Talk(gateway=use.gateway, silences_max=SILENCES_MAX)
            return self._reconcile(now, watch, talk)
        found = reconcile_account(use.rim(account_id, now), account_id)
        for each in found:
            if watch is not None:
                watch(each)
        return found

    def _reconcile(
        self, now: datetime, watch: Callable[[Reconciled], None] | None, talk: Talk
    ) -> Sequence[Reconciled]:
        """Finish what is unfinished of every account."""
        from pricing.accounts.reconciling import reconcile_all

        found: list[Reconciled] = []
        for each in reconcile_all(lambda account: self._context.rim(account, now), talk):
            found.append(each)
            if watch is not None:
                watch(each)
        return tuple(found)

    def payment_heard(self, key: str, answer: Answer | DisputeNotice) -> Reconciled | None:
        """Take a message of the payment gateway, for whoever receives its webhooks (C51, C75).

        It may come late, twice or out of order, and be about an account that was deleted.

        Args:
            key: The key that the payment, or the refund, was asked for under; of a dispute the
                payment's.
            answer: What the gateway says of it, or of a dispute.

        Returns:
            What the payment is by then; None: nothing was asked for under that key.

        Raises:
            BadInputError: It is no such message, or contradicts what was said before.
        """
        from pricing.accounts.reconciling import heard
        from pricing.accounts.settling import Rim

        use = self._context
        rim = Rim(use.transaction, use.gateway, use.clock.now(), use.clock.sleep)
        return heard(rim, key, answer)


def workers_on(db: sqlalchemy.Engine) -> int:
    """How many connections a sweep has: SQLite takes one writer.

    Elsewhere two a core: one works while the other waits for the database.
    """
    return 1 if db.dialect.name == "sqlite" else min(WORKERS_MAX, 2 * (os.cpu_count() or 1))
