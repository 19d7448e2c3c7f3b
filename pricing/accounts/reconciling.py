"""What is unfinished with the payment gateway is finished, account by account, and told.

Whoever died between asking for a payment and booking it left it on record. A period or a run is
asked for again under the same key; a purchase is taken over, when whoever waits for it has had time
to end: it is made if it was paid for, and otherwise never collected. A refund is asked for again,
too, under its own key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import LoadmusterError
from pricing.accounts.advance import advance
from pricing.accounts.disputing import heard_dispute
from pricing.accounts.due import note_due
from pricing.accounts.refunding import put_refund_answer, reconcile_refunds
from pricing.accounts.rehearsed_answers import accounts_with_delayed, answer_delayed
from pricing.accounts.settling import Rim, Settling, nobody
from pricing.ledger.ledger import lock_ledger
from pricing.payments.asking import Talk, checked_answer
from pricing.payments.attempts import (
    Attempt,
    AttemptState,
    accounts_with_open_attempts,
    find_attempt,
    open_attempts,
)
from pricing.payments.disputes import Dispute, DisputeNotice, DisputeState
from pricing.payments.gateway import Answer, PaymentGateway, calls_out, is_rehearsed
from pricing.payments.refunds import (
    Refund,
    RefundState,
    accounts_with_open_refunds,
    find_refund,
)
from pricing.payments.unplaced import put_answer

ALIVE = timedelta(minutes=2)
"""How long whoever waits for a purchase may be alive, and is left alone by a sweep."""

PAGE = 500
SILENCES_MAX = 5


class Became(StrEnum):
    """What became of a payment, or of a refund, that was unfinished."""

    BOOKED = "booked"
    CREDIT = "credit"
    APART = "apart"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    PENDING = "pending"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    WON = "won"
    LOST = "lost"
    RETURNED = "returned"


class Reconciled(Struct, frozen=True):
    """A payment, or a refund, that was unfinished.

    Attributes:
        account_id: Whose.
        key: What the gateway knows it by.
        purpose: What is paid, or what a refund is booked under.
        usd_micros: How much was asked for.
        became: What it is by now.
        reason: For people; may be empty.
        failure: Why the account could not be looked at; None: it was.
    """

    account_id: str
    key: str
    purpose: str
    usd_micros: int
    became: Became
    reason: str = ""
    failure: LoadmusterError | None = None


def advance_settled(rim: Rim, talk: Talk, account_id: str) -> None:
    """Bring an account's books up to date, asking the gateway in between; note what is due next.

    Raises:
        LoadmusterError: What ``advance`` raises.
    """

    def work(conn: Connection, *, gateway: PaymentGateway) -> None:
        advance(conn, account_id, rim.now, gateway=gateway)
        note_due(conn, [account_id])

    Settling(rim, account_id, nobody, talk).do(work)


def reconcile_account(
    rim: Rim, account_id: str, *, talk: Talk | None = None, waits: bool = True
) -> tuple[Reconciled, ...]:
    """Finish what is unfinished of an account, and bring its books up to date if anything is.

    Args:
        rim: What is outside.
        account_id: Whose; an account that is about to be opened is not there yet.
        talk: What was said to the gateway before.
        waits: Wait for who may be alive; otherwise purchases that are young are left alone.

    Raises:
        LoadmusterError: If the books cannot be brought up to date.
    """
    payments = _reconcile_payments(rim, account_id, talk=talk, waits=waits)
    if is_rehearsed(gateway=rim.gateway):
        payments += _rehearsed(rim, account_id, waits=waits)
    asking = Talk(gateway=rim.gateway) if talk is None else talk
    not_since = None if waits else rim.now - ALIVE
    refunds = reconcile_refunds(rim, account_id, asking, not_since=not_since)
    return (*payments, *map(_of_refund, refunds))


def _reconcile_payments(
    rim: Rim, account_id: str, *, talk: Talk | None, waits: bool
) -> tuple[Reconciled, ...]:
    with rim.transaction() as conn:
        attempts = open_attempts(conn, account_id)
    if not waits:
        # A bank that said that it will answer later is given time to.
        attempts = tuple(
            each
            for each in attempts
            if each.state is not AttemptState.DELAYED or rim.now - each.asked_at >= ALIVE
        )
    if not attempts:
        return ()
    if not calls_out(gateway=rim.gateway):
        # A rehearsal knows nothing of what a gateway was asked for.
        with rim.transaction() as conn:
            return tuple(_reconciled(conn, each.request.key) for each in attempts)
    settling = Settling(rim, account_id, nobody, talk)
    settling.finish(attempts)
    if waits:
        settling.await_purchases()
    else:
        for attempt in attempts:
            if attempt.request.at_once and rim.now - attempt.asked_at >= ALIVE:
                # What became of it is on record and told below.
                with suppress(LoadmusterError):
                    settling.take_over(attempt)
    with rim.transaction() as conn:
        return tuple(_reconciled(conn, each.request.key) for each in attempts)


def _rehearsed(rim: Rim, account_id: str, *, waits: bool) -> tuple[Reconciled, ...]:
    """A rehearsed bank, which sends no messages, answers what it had not."""
    not_since = None if waits else rim.now - ALIVE
    with rim.transaction() as conn:
        if lock_ledger(conn, account_id) is None:
            return ()
        if waits:
            # What fell due meanwhile was asked for then.
            advance(conn, account_id, rim.now, gateway=rim.gateway)
        answered = answer_delayed(
            conn, account_id, not_since=not_since, now=rim.now, gateway=rim.gateway
        )
        if waits or answered:
            note_due(conn, [account_id])
    return tuple(
        Reconciled(
            account_id, cause, cause, usd_micros, Became.BOOKED if is_booked else Became.PENDING
        )
        for cause, usd_micros, is_booked in answered
    )


def reconcile_all(rim_of: Callable[[str], Rim], talk: Talk) -> Iterator[Reconciled]:
    """Finish what is unfinished of every account, in the order of their ids.

    An account that fails is told, and the others go on. A gateway that does not answer several
    times in a row is not asked any more for what nobody waits for.

    Args:
        rim_of: What is outside, for an account.
        talk: With the gateway, which may have been silent already.
    """
    after = ""
    while True:
        with rim_of(after).transaction() as conn:
            asked = accounts_with_open_attempts(conn, after, limit=PAGE)
            refunded = accounts_with_open_refunds(conn, after, limit=PAGE)
            delayed = accounts_with_delayed(conn, after, limit=PAGE)
            ids = sorted({*asked, *refunded, *delayed})[:PAGE]
        if not ids:
            return
        for account_id in ids:
            try:
                rim = rim_of(account_id)
                yield from reconcile_account(rim, account_id, talk=talk, waits=False)
            except LoadmusterError as failure:
                yield Reconciled(
                    account_id, "", "", 0, Became.PENDING, failure.message, failure=failure
                )
        after = ids[-1]


def heard(rim: Rim, key: str, answer: Answer | DisputeNotice) -> Reconciled | None:
    """Take a gateway's message about a payment, a refund or a dispute: late, twice, in any order.

    Args:
        rim: What is outside.
        key: What the gateway was asked for it under; its account may have been deleted since. Of a
            dispute the payment's.
        answer: What it says.

    Returns:
        What the payment is by then; None: nobody asked for it under that key.

    Raises:
        BadInputError: If the answer is none.
        LoadmusterError: If the books cannot be brought up to date; the answer is on record.
    """
    if isinstance(answer, DisputeNotice):
        dispute = heard_dispute(rim, key, answer)
        return None if dispute is None else _of_dispute(dispute)
    answer = checked_answer(answer)
    with rim.transaction() as conn:
        attempt = find_attempt(conn, key)
        if attempt is None:
            refund = find_refund(conn, key)
            return None if refund is None else _of_refund(put_refund_answer(conn, key, answer, rim))
        put_answer(conn, attempt, answer, now=rim.now)
    account_id = attempt.request.account_id
    settling = Settling(rim, account_id, nobody)
    settling.finish(())
    with rim.transaction() as conn:
        noted = find_attempt(conn, key)
    if noted is not None and noted.is_unspent and noted.request.at_once:
        with suppress(LoadmusterError):
            settling.take_over(noted)
    with rim.transaction() as conn:
        return _reconciled(conn, key)


_BECAME = {
    AttemptState.PENDING: Became.PENDING,
    AttemptState.DELAYED: Became.PENDING,
    AttemptState.ACCEPTED: Became.PENDING,
    AttemptState.DECLINED: Became.DECLINED,
    AttemptState.WITHDRAWN: Became.WITHDRAWN,
}


def _reconciled(conn: Connection, key: str) -> Reconciled:
    attempt = find_attempt(conn, key)
    assert attempt is not None, key
    return Reconciled(
        attempt.request.account_id,
        key,
        attempt.request.purpose,
        attempt.request.usd_micros,
        _became(attempt),
        attempt.reason,
    )


_REFUND_BECAME = {
    RefundState.ACCEPTED: Became.REFUNDED,
    RefundState.DECLINED: Became.DECLINED,
    RefundState.RETURNED: Became.RETURNED,
    RefundState.APART: Became.APART,
}


def _of_refund(refund: Refund) -> Reconciled:
    return Reconciled(
        refund.account_id,
        refund.key,
        refund.ledger_cause,
        refund.usd_micros,
        _REFUND_BECAME.get(refund.state, Became.PENDING),
        refund.said,
    )


_DISPUTE_BECAME = {
    DisputeState.OPEN: Became.DISPUTED,
    DisputeState.WON: Became.WON,
    DisputeState.LOST: Became.LOST,
}


def _of_dispute(dispute: Dispute) -> Reconciled:
    return Reconciled(
        dispute.account_id,
        dispute.payment_key,
        dispute.ledger_cause,
        dispute.usd_micros,
        _DISPUTE_BECAME[dispute.state],
        "" if dispute.is_booked else "the payment is apart, and so is the dispute",
    )


def _became(attempt: Attempt) -> Became:
    if attempt.outcome is not None:
        return Became(attempt.outcome)
    return _BECAME.get(attempt.state, Became.PENDING)
