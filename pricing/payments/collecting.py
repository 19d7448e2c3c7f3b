"""Payments on record: what was asked of the gateway, and what it answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from kernel.errors import RefusedError
from kernel.outside import CalledInTransactionError
from pricing.ledger.ledger import Transaction, post_all
from pricing.money import format_usd
from pricing.payments.credit import credit_entry, set_off_key, to_set_off
from pricing.payments.gateway import (
    Answer,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    calls_out,
    is_rehearsed,
)
from pricing.payments.on_record import AnswersOnRecord
from pricing.payments.payment import (
    CASH,
    Payment,
    entry_of,
    identity_row,
    outcome_row,
    payment_of,
)
from pricing.plans.channels import CAPABILITIES, Capabilities, Channel
from pricing.tables import ACCOUNTS, PAYMENTS, insert_once

_HOW_IT_PAYS = select(
    ACCOUNTS.c.channel, ACCOUNTS.c.card, ACCOUNTS.c.card_lost, ACCOUNTS.c.currency
).where(ACCOUNTS.c.id == bindparam("of"))


class PaymentFailedError(RefusedError):
    """The price could not be collected; facts: ``account``, ``usd``, ``reason``."""

    code = "payment_failed"


class ChannelCannotError(RefusedError):
    """The account's payment channel cannot do that; facts: ``account``, ``channel``."""

    code = "channel_cannot"


def capabilities_of(conn: Connection, account_id: str) -> Capabilities:
    """What an account's payment channel can do."""
    return CAPABILITIES[channel_of(conn, account_id)]


def channel_of(conn: Connection, account_id: str) -> Channel:
    """The channel that an account pays through."""
    return Channel(
        conn.execute(select(ACCOUNTS.c.channel).where(ACCOUNTS.c.id == account_id)).scalar_one()
    )


def check_charges_at_once(conn: Connection, account_id: str) -> None:
    """Whether an account can buy anything between two billing dates (C23).

    Raises:
        ChannelCannotError: If its channel only charges by contract.
    """
    channel = channel_of(conn, account_id)
    if not CAPABILITIES[channel].charges_at_once:
        raise ChannelCannotError(
            f"account {account_id} pays through {channel}, where nothing is bought in between:"
            " change the contract there",
            account=account_id,
            channel=channel,
        )


def collect_at_once(
    conn: Connection,
    account_id: str,
    cause: str,
    usd_micros: int,
    *,
    gateway: PaymentGateway,
    now: datetime,
    purpose: str,
) -> None:
    """Collect the price of what is bought right now; both or neither (R79).

    Args:
        conn: An open write transaction.
        account_id: Who pays.
        cause: What it is booked under.
        usd_micros: The price.
        gateway: Collects it.
        now: The command's instant.
        purpose: What the gateway knows it by: the same whenever this request is made again.

    Raises:
        ChannelCannotError: If the account's channel only charges by contract.
        PaymentFailedError: If the gateway declined, or has no answer yet; nothing was done.
    """
    check_charges_at_once(conn, account_id)
    answer = collect(conn, account_id, cause, usd_micros, gateway=gateway, now=now, purpose=purpose)
    if answer.state is not PaymentState.ACCEPTED:
        raise PaymentFailedError(
            f"account {account_id}: {format_usd(usd_micros)} USD could not be collected:"
            f" {answer.reason}; nothing was bought",
            account=account_id,
            usd=format_usd(usd_micros),
            reason=answer.reason,
        )


def collect(  # noqa: PLR0913 - what is paid, of whom, and for whom
    conn: Connection,
    account_id: str,
    cause: str,
    usd_micros: int,
    *,
    gateway: PaymentGateway,
    now: datetime,
    purpose: str | None = None,
    sets_off: bool = True,
) -> Answer:
    """Ask the gateway for money that is owed, and put its answer on record.

    What the account is in credit is set off first (C80): nobody is asked for that. A card that will
    never pay is not asked: it is declined as it was.

    Args:
        conn: An open write transaction.
        account_id: Who pays.
        cause: What it is booked under.
        usd_micros: How much.
        gateway: Answers without calling anybody: ``AnswersOnRecord``, or one that works it out.
        now: The command's instant.
        purpose: What the payment of a buyer who waits is known by; None: nobody waits for it, and
            it is known by its cause.
        sets_off: Whether credit is set off; what a run owes has that behind it.

    Raises:
        AnswerNeeded: There is no answer on record; nothing was done.
        CalledInTransactionError: If the gateway would call out.
    """
    if calls_out(gateway=gateway):
        raise CalledInTransactionError(
            "the payment gateway would be called with a transaction open",
            called="the payment gateway",
        )
    row = conn.execute(_HOW_IT_PAYS, {"of": account_id}).one()
    channel = Channel(row.channel)
    key = purpose or cause
    set_off = to_set_off(conn, account_id, key, usd_micros, channel) if sets_off else 0
    request = PaymentRequest(
        key=key,
        account_id=account_id,
        usd_micros=usd_micros - set_off,
        channel=channel,
        card=row.card,
        at_once=purpose is not None,
        currency=row.currency,
        set_off_usd_micros=set_off,
    )
    if not request.usd_micros:
        told = gateway.refusal(key) if isinstance(gateway, AnswersOnRecord) else None
        answer = told or Answer(PaymentState.ACCEPTED, "set off against credit")
    elif row.card_lost is None:
        answer = gateway.collect(request)
        if answer.is_final:
            note_lost_card(conn, request, answer)
    else:
        answer = Answer(PaymentState.DECLINED, row.card_lost, is_final=True)
    payment = payment_of(request, cause, answer, is_rehearsed=is_rehearsed(gateway=gateway))
    outcome = {**outcome_row(payment), "asked_at": now}
    if insert_once(conn, PAYMENTS, ["cause"], {**identity_row(payment), **outcome}) is None:
        conn.execute(PAYMENTS.update().where(PAYMENTS.c.cause == cause).values(**outcome))
    return answer


def note_lost_card(conn: Connection, request: PaymentRequest, answer: Answer) -> None:
    """Keep that the card of a request will never pay, if it is still on record (C72)."""
    conn.execute(
        ACCOUNTS.update()
        .where(ACCOUNTS.c.id == request.account_id, ACCOUNTS.c.card == request.card)
        .values(card_lost=answer.reason or "the card will never pay")
    )


def book_payment(conn: Connection, cause: str, what: str, *, at: datetime, now: datetime) -> int:
    """Write an accepted payment into the books, once: what it was for is no longer owed.

    Args:
        conn: An open write transaction, the charge having been posted.
        cause: What was paid.
        what: That, for people.
        at: When it counts.
        now: The command's instant.

    Returns:
        Micro-dollars that were collected; 0: nothing was asked for, since it costs nothing, or all
        of it was set off.
    """
    paid = payment_entries(conn, cause, what, at=at, now=now)
    post_all(conn, paid)
    return sum(
        part.amount for each in paid for part in each.postings if part.ledger_account == CASH
    )


def payment_entries(
    conn: Connection, cause: str, what: str, *, at: datetime, now: datetime
) -> list[Transaction]:
    """An accepted payment as it stands in the books: what was collected, and what is set off.

    Takes what ``book_payment`` does.
    """
    paid = conn.execute(
        select(PAYMENTS).where(PAYMENTS.c.cause == cause, PAYMENTS.c.state == PaymentState.ACCEPTED)
    ).one_or_none()
    if paid is None:
        return []
    entries, account_id, set_off = [], paid.account_id, int(paid.set_off_usd_micros)
    if paid.usd_micros:
        payment = Payment(
            cause=cause,
            account_id=account_id,
            usd_micros=int(paid.usd_micros),
            channel=Channel(paid.channel),
            state=PaymentState(paid.state),
            reason=paid.reason,
            rehearsed=paid.rehearsed,
            had_card=paid.had_card,
        )
        entries.append(entry_of(payment, at=at, now=now))
    if set_off:
        key, words = set_off_key(cause), f"{what}, set off"
        entries.append(credit_entry(account_id, key, cause, -set_off, words, at=at, now=now))
    return entries


def record_answer(conn: Connection, cause: str, answer: Answer) -> None:
    """Put a gateway's late message about a delayed payment on record."""
    conn.execute(
        PAYMENTS.update()
        .where(PAYMENTS.c.cause == cause)
        .values(state=answer.state, reason=answer.reason)
    )


def note_late_decline(conn: Connection, cause: str, answer: Answer) -> None:
    """A payment that was delayed is declined by now; nothing else changes."""
    conn.execute(
        PAYMENTS.update()
        .where(PAYMENTS.c.cause == cause, PAYMENTS.c.state == PaymentState.DELAYED)
        .values(state=PaymentState.DECLINED, reason=answer.reason)
    )


def abandon(conn: Connection, cause: str) -> None:
    """Nobody will ask for this payment again."""
    conn.execute(
        PAYMENTS.update().where(PAYMENTS.c.cause == cause).values(state=PaymentState.ABANDONED)
    )
