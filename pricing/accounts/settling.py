"""Commands that may collect money, without anybody waiting for the gateway in a transaction.

A command is done in one transaction. Where it needs an answer of the gateway that is not on record,
all that it did is undone, and then, one after the other:

1. a transaction puts the payment on record as pending, with its key and with what it takes to do
   the command again; boundaries that were crossed whole on the way are kept;
2. the gateway is asked, with no transaction open;
3. a transaction puts its answer on record;
4. the command is done again, and finds the answer.

So whoever dies in between leaves a payment that the same command finds, and collects once. What the
gateway has not answered stays pending: a period or a run is then unpaid until somebody has asked
again, and a purchase is not made (``PaymentPendingError``).

A gateway that calls nobody is asked in the command's one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import LoadmusterError, RefusedError, RequestConflictError
from pricing.accounts.advance import ClockBackwardsError, catch_up
from pricing.accounts.completion import do_again
from pricing.accounts.late_payments import place_late_money
from pricing.accounts.pending import PAY, PurchaseOutdatedError, made_id, pending_error
from pricing.ledger.idempotency import check_request_id
from pricing.ledger.ledger import lock_ledger
from pricing.money import format_usd
from pricing.payments.asking import Talk
from pricing.payments.attempts import (
    Attempt,
    AttemptState,
    Waiting,
    begin_attempt,
    find_attempt,
    unfinished_attempts,
    withdrawn,
)
from pricing.payments.credit import still_covers
from pricing.payments.gateway import Answer, PaymentGateway, PaymentState, calls_out
from pricing.payments.on_record import AnswerNeeded, AnswersOnRecord
from pricing.payments.unplaced import place, put_answer

T = TypeVar("T")
Done_co = TypeVar("Done_co", covariant=True)

ROUNDS_MAX = 2_000
"""Payments that one command asks for at most; the next one goes on where it ended."""

WAIT_LOOKS, WAIT_LOOK_S = 70, 0.5
"""How long a command waits for another one's payment: somewhat longer than a gateway may take."""


class Work(Protocol[Done_co]):
    """What is done in a transaction, and perhaps again in another one."""

    def __call__(self, conn: Connection, *, gateway: PaymentGateway) -> Done_co:
        """Do it."""
        ...


class CommandWork(Protocol[Done_co]):
    """The same, of a command that has a request id."""

    def __call__(self, conn: Connection, *, gateway: PaymentGateway, request_id: str) -> Done_co:
        """Do it."""
        ...


class Rim(Struct, frozen=True):
    """What a command works with that is outside of it.

    Attributes:
        transaction: Opens a write transaction.
        gateway: Collects money.
        now: The command's instant.
        sleep: Waits so many seconds.
    """

    transaction: Callable[[], AbstractContextManager[Connection]]
    gateway: PaymentGateway
    now: datetime
    sleep: Callable[[float], None]


def settled(rim: Rim, account_id: str, work: Work[T]) -> T:
    """Do what may collect what is due of an account, for nobody who waits.

    Raises:
        LoadmusterError: What ``work`` raises.
    """
    if not calls_out(gateway=rim.gateway):
        with rim.transaction() as conn:
            return work(conn, gateway=rim.gateway)
    return Settling(rim, account_id, nobody).do(work)


def settled_command(
    rim: Rim,
    account_id: str,
    command: str,
    content: dict[str, Any],
    work: CommandWork[T],
    *,
    request_id: str | None,
) -> T:
    """Do a command that may collect money: what is due, or the price of what is bought.

    Args:
        rim: What is outside.
        account_id: Whose account.
        command: The command's name.
        content: All that it takes to do it again, as JSON.
        work: Does it.
        request_id: The caller's id; None: one is made from the command and the books' position, so
            that the same command finds its own unfinished payment.

    Raises:
        BadInputError: If the request id is empty.
        PaymentPendingError: If the gateway has not answered for what is bought.
        PurchaseOutdatedError: If what was paid for can no longer be had.
        RequestConflictError: If an unfinished payment's request id stands for something else.
        LoadmusterError: What ``work`` raises.
    """
    check_request_id(request_id)
    content = json.loads(json.dumps(content))

    def named(conn: Connection) -> Waiting:
        made = request_id or made_id(conn, account_id, command, content)
        return Waiting(command, content, made)

    if not calls_out(gateway=rim.gateway):
        with rim.transaction() as conn:
            return work(conn, gateway=rim.gateway, request_id=named(conn).request_id)
    settling = Settling(rim, account_id, named)

    def do(conn: Connection, *, gateway: PaymentGateway) -> T:
        return work(conn, gateway=gateway, request_id=settling.request_id)

    return settling.do(do)


class Settling:
    """One command and its payments, until it is done or refused.

    Args:
        rim: What is outside.
        account_id: Whose account.
        named: The command that waits, in an open transaction; None: nobody does.
        talk: What was said to the gateway before; None: nothing.
    """

    def __init__(
        self,
        rim: Rim,
        account_id: str,
        named: Callable[[Connection], Waiting | None],
        talk: Talk | None = None,
    ) -> None:
        self._rim = rim
        self._account_id = account_id
        self._named = named
        self._waiting: Waiting | None = None
        self._talk = Talk(gateway=rim.gateway) if talk is None else talk
        self._answered: dict[str, Answer] = {}
        self._has_looked = False

    @property
    def request_id(self) -> str:
        """That of the command that waits; known in its transactions."""
        assert self._waiting is not None
        return self._waiting.request_id

    def do(self, work: Work[T]) -> T:
        """Do the work, however often it has to be begun."""
        for _ in range(ROUNDS_MAX):
            try:
                with self._rim.transaction() as conn:
                    # Named once: what is put on record in between moves the books' position.
                    self._waiting = self._waiting or self._named(conn)
                    self._look_for_unfinished(conn)
                    try:
                        done = work(conn, gateway=self._on_record(conn))
                    except RefusedError as refusal:
                        raise _Refused(refusal) from refusal
                    self._place_unspent(conn)
                    return done
            except _Unfinished as others:
                # `pay` books by itself what was owed and has been answered by now.
                is_pay = self._waiting is not None and self._waiting.command == PAY
                self.finish(others.attempts, places_money=not is_pay)
                self.await_purchases()
            except AnswerNeeded as needed:
                self._get(needed)
            except _Refused as refused:
                raise self._after(refused.refusal) from refused.refusal
        raise RefusedError(
            f"account {self._account_id}: {ROUNDS_MAX} payments were asked for at once; the same"
            " command again goes on",
            account=self._account_id,
        )

    def finish(self, attempts: tuple[Attempt, ...], *, places_money: bool = True) -> None:
        """Ask again for what has no answer and nobody waits for, and bring the books up to date."""
        self._has_looked = True
        for attempt in attempts:
            if not attempt.is_unspent and not attempt.request.at_once:
                self._ask(attempt)
        self._keep_up(places_money=places_money)

    def take_over(self, attempt: Attempt) -> None:
        """Finish another's purchase: it is made, if it was paid for, or else will never be.

        Raises:
            PaymentPendingError: If the gateway does not answer.
            PurchaseOutdatedError: If it can no longer be had.
            LoadmusterError: If it cannot be made now.
        """
        if attempt.state is AttemptState.PENDING:
            self._withdraw(attempt)
        if attempt.waiting is None:
            return
        with self._rim.transaction() as conn:
            found = find_attempt(conn, attempt.request.key)
        if found is not None and found.is_unspent:
            self._complete(attempt.waiting)

    def _withdraw(self, attempt: Attempt) -> None:
        answer = self._talk.withdraw(attempt)
        if answer is None:
            raise pending_error(attempt, self._talk.silence)
        with self._rim.transaction() as conn:
            if answer.state is PaymentState.ACCEPTED:
                put_answer(conn, attempt, answer, now=self._rim.now)
            else:
                withdrawn(conn, attempt.request.key, now=self._rim.now)

    def _complete(self, waiting: Waiting) -> None:
        """Make a purchase that has been paid for."""
        again = Settling(self._rim, self._account_id, lambda _conn: waiting)
        again._has_looked = True

        def work(conn: Connection, *, gateway: PaymentGateway) -> None:
            do_again(conn, self._account_id, waiting, now=self._rim.now, gateway=gateway)

        again.do(work)

    def await_purchases(self) -> None:
        """Let who makes a purchase of this account end it; who has died is taken over from."""
        for look in range(WAIT_LOOKS + 1):
            with self._rim.transaction() as conn:
                others = self._purchases_of_others(conn)
            if not others:
                return
            if look < WAIT_LOOKS:
                self._rim.sleep(WAIT_LOOK_S)
        for attempt in others:
            # Its payment is on record, and told: it does not stop what is wanted now.
            with suppress(LoadmusterError):
                self.take_over(attempt)

    def _purchases_of_others(self, conn: Connection) -> tuple[Attempt, ...]:
        return tuple(
            each
            for each in unfinished_attempts(conn, self._account_id)
            if each.request.at_once and each.waiting != self._waiting
        )

    def _look_for_unfinished(self, conn: Connection) -> None:
        """Break off once for what an earlier command left without an answer."""
        if self._has_looked or self._waiting is None:
            return
        self._has_looked = True
        unfinished = unfinished_attempts(conn, self._account_id)
        for each in unfinished:
            self._check_same(each)
        if any(each.waiting != self._waiting for each in unfinished):
            raise _Unfinished(unfinished)

    def _check_same(self, other: Attempt) -> None:
        """An unfinished payment under the same request id is of this command."""
        mine, its = self._waiting, other.waiting
        if mine is None or its is None or mine.request_id != its.request_id or mine == its:
            return
        raise RequestConflictError(
            f"request id {mine.request_id!r} of account {self._account_id} stands for another"
            f" request ({its.command}), whose payment is pending; use a new id",
            request_id=mine.request_id,
            command=its.command,
        )

    def _get(self, needed: AnswerNeeded) -> None:
        """Have the gateway asked for what was needed, or learn that it does not answer."""
        if not needed.wanted.at_once:
            # What this command was answered is for it to book.
            self._keep_up(places_money=False)
        with self._rim.transaction() as conn:
            attempt = self._begin(conn, needed)
        if attempt is not None and attempt.request.key not in self._answered:
            self._ask(attempt)

    def _keep_up(self, *, places_money: bool) -> None:
        """Cross the boundaries that are due and collect what is, each whole piece being kept."""
        for _ in range(ROUNDS_MAX):
            with self._rim.transaction() as conn:
                if lock_ledger(conn, self._account_id) is None:
                    return
                try:
                    instant = catch_up(
                        conn, self._account_id, self._rim.now, gateway=self._on_record(conn)
                    )
                    if places_money:
                        place_late_money(conn, self._account_id, now=instant)
                except AnswerNeeded as needed:
                    attempt = self._begin(conn, needed)
                else:
                    return
            if attempt is not None:
                self._ask(attempt)

    def _begin(self, conn: Connection, needed: AnswerNeeded) -> Attempt | None:
        """Put on record what is asked for; None: the credit is another by now, as is the rest."""
        if needed.outdated is not None:
            place(conn, needed.outdated, now=self._rim.now)
            return None
        set_off = needed.wanted.set_off_usd_micros
        if set_off:
            lock_ledger(conn, self._account_id)
            if not still_covers(conn, self._account_id, needed.wanted.key, set_off):
                return None
        waiting = self._waiting if needed.wanted.at_once else None
        return begin_attempt(
            conn, needed.wanted, needed.attempt, waiting=waiting, now=self._rim.now
        )

    def _ask(self, attempt: Attempt) -> None:
        """Ask, and put the answer on record; without one a period or a run is paid later.

        Raises:
            PaymentPendingError: If a buyer waits and there is none.
        """
        key = attempt.request.key
        answer = self._talk.collect(attempt)
        if answer is not None:
            with self._rim.transaction() as conn:
                self._answered[key] = put_answer(conn, attempt, answer, now=self._rim.now)
            return
        if attempt.request.at_once:
            raise pending_error(attempt, self._talk.silence)
        said = f"the payment gateway has not answered: {self._talk.silence}"
        self._answered[key] = Answer(PaymentState.DELAYED, said)

    def _on_record(self, conn: Connection) -> PaymentGateway:
        collects = getattr(self._rim.gateway, "collects", True)
        return AnswersOnRecord(conn, answered=self._answered, collects=collects)

    def _mine(self, conn: Connection) -> tuple[Attempt, ...]:
        """What this command asked for, and has no answer or no place for its money."""
        if self._waiting is None:
            return ()
        unfinished = unfinished_attempts(conn, self._account_id)
        return tuple(each for each in unfinished if each.waiting == self._waiting)

    def _place_unspent(self, conn: Connection) -> None:
        """What was collected on the way and was not needed in the end is the account's credit."""
        if self._answered:
            for attempt in self._mine(conn):
                if attempt.is_unspent:
                    place(conn, attempt, now=self._rim.now)

    def _after(self, refusal: RefusedError) -> RefusedError:
        """A refusal after the price has been collected leaves the money as credit."""
        if isinstance(refusal, ClockBackwardsError | RequestConflictError):
            return refusal
        with self._rim.transaction() as conn:
            mine = self._mine(conn)
        for attempt in mine:
            if attempt.state is AttemptState.PENDING:
                self._withdraw(attempt)
        if not mine:
            return refusal
        with self._rim.transaction() as conn:
            paid = tuple(each for each in self._mine(conn) if each.is_unspent)
            for attempt in paid:
                place(conn, attempt, now=self._rim.now)
        if not paid:
            return refusal
        usd = format_usd(sum(each.request.usd_micros for each in paid))
        return PurchaseOutdatedError(
            f"account {self._account_id}: {usd} USD had been collected and are its credit, because"
            f" what they were for can no longer be had: {refusal.message}",
            account=self._account_id,
            usd=usd,
            reason=refusal.code,
        )


class _Refused(Exception):  # noqa: N818 - it only carries one
    """The work was refused by a rule, and not the database."""

    def __init__(self, refusal: RefusedError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class _Unfinished(Exception):  # noqa: N818 - nothing is wrong
    """Something has to be finished before the work is begun."""

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(len(attempts))
        self.attempts = attempts


def nobody(conn: Connection) -> None:
    """No command waits."""
    del conn
