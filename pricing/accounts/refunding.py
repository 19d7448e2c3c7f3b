"""Refunds: asked for by the seller's side, given back by the gateway, then booked.

1. A transaction brings the account up to date, looks whether so much was paid and is not given back
   yet, and puts the refund on record as pending, with its key.
2. The gateway is asked, with no transaction open.
3. A transaction books the answer: postings and credit note, or nothing where it was declined.

Whoever dies in between leaves a refund that the same command, ``account reconcile`` and every sweep
find, and that is given back once (C73).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from kernel.errors import BadInputError, RefusedError
from pricing.accounts.advance import advance
from pricing.accounts.pending import MADE
from pricing.accounts.refundable import paid_for, refundable, too_much
from pricing.accounts.settling import Rim
from pricing.ledger import idempotency
from pricing.ledger.ledger import lock_ledger
from pricing.money import MICROS_PER_CENT, format_usd
from pricing.payments.asking import Talk
from pricing.payments.disputes import DisputeState, disputes_of_payment
from pricing.payments.gateway import (
    Answer,
    PaymentGateway,
    RefundRequest,
    is_rehearsed,
)
from pricing.payments.refund_books import book_refund, book_returned
from pricing.payments.refunds import (
    OPEN,
    Refund,
    RefundState,
    WantedRefund,
    begin_refund,
    find_refund,
    note_refund_answer,
    open_refund_asking,
    open_refunds,
    refund_of_request,
    refunded_of,
)
from pricing.tables import PAYMENTS

REFUND = "refund"
REASON_LETTERS_MAX = 500


class RefundDeclinedError(RefusedError):
    """The gateway gives nothing back; facts: ``account``, ``invoice``, ``usd``, ``reason``."""

    code = "refund_declined"


class RefundPendingError(RefusedError):
    """The gateway has not answered; facts: ``account``, ``invoice``, ``usd``, ``key``."""

    code = "refund_pending"


def refund(  # noqa: PLR0913 - what is given back, of whom, and why
    conn: Connection,
    account_id: str,
    *,
    invoice: str,
    usd_micros: int | None,
    reason: str,
    keeps_credits: bool,
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> Refund:
    """Put a refund on record, before the gateway is asked for it; the same request finds it again.

    Args:
        conn: An open write transaction.
        account_id: Who gets it.
        invoice: Number of the invoice that was paid.
        usd_micros: How much, tax included; None: all that is left.
        reason: Why, for people.
        keeps_credits: Whether LI-minutes that came with it stay.
        now: The command's instant.
        request_id: The caller's, or one that was made for it.
        gateway: Collects what is due by now.

    Raises:
        BadInputError: If the amount or the reason will not do.
        UnknownInvoiceError: If the account has no such invoice.
        NothingPaidError: If nothing was collected for it, or only rehearsed so.
        PaymentDisputedError: If its payment is disputed.
        RefundTooMuchError: If so much is not left of what was.
        ChannelCannotError: If it was paid through a marketplace, which gives back by itself.
    """
    _check_words(usd_micros, reason)
    content: dict[str, str | int | None] = {
        "invoice": invoice,
        "usd": None if usd_micros is None else format_usd(usd_micros),
        "keep_credits": int(keeps_credits),
        "reason": reason,
    }
    asked, _ = idempotency.content_hashes(conn, account_id, content)
    instant = advance(conn, account_id, now, gateway=gateway)
    if request_id.startswith(MADE):
        # Of a caller who gave no id: its own refund, if that has no answer yet.
        request_id = open_refund_asking(conn, account_id, asked, MADE) or request_id
    if not idempotency.remember(
        conn, account_id, request_id, command=REFUND, content=content, now=instant
    ):
        known = refund_of_request(conn, account_id, request_id)
        assert known is not None, request_id
        return known
    found = refundable(conn, account_id, invoice, gateway=gateway)
    wanted = found.left_usd_micros if usd_micros is None else usd_micros
    if not 0 < wanted <= found.left_usd_micros:
        raise too_much(found, usd_micros)
    return begin_refund(
        conn,
        WantedRefund(
            account_id=account_id,
            invoice=found.invoice.number,
            cause=found.invoice.cause,
            payment_key=found.payment_key,
            usd_micros=wanted,
            from_credit_usd_micros=found.from_credit(wanted),
            currency=found.invoice.currency,
            keeps_credits=keeps_credits,
            reason=reason,
            request_id=request_id,
            asked=asked,
        ),
        now=instant,
    )


def give_back(rim: Rim, refund: Refund, talk: Talk) -> Refund:
    """Have the gateway asked for a refund that an answer is to come of, and book what it says.

    Args:
        rim: What is outside.
        refund: On record, and committed.
        talk: With the gateway.

    Returns:
        The refund as it is then; pending, if there was no answer.
    """
    if refund.state not in OPEN:
        return refund
    with rim.transaction() as conn:
        request = _request(conn, refund)
    answer = talk.refund(request)
    if answer is None:
        return refund
    with rim.transaction() as conn:
        return put_refund_answer(conn, refund.key, answer, rim)


def put_refund_answer(conn: Connection, key: str, answer: Answer, rim: Rim) -> Refund:
    """Put a gateway's answer about a refund on record, and into the books.

    Args:
        conn: An open write transaction.
        key: Of a refund on record.
        answer: What the gateway says.
        rim: What is outside; its gateway is not asked.
    """
    refund = find_refund(conn, key)
    assert refund is not None, key
    last = lock_ledger(conn, refund.account_id)
    before = find_refund(conn, key)
    assert last is not None, key
    assert before is not None, key
    at = max(rim.now, last)
    paid = paid_for(conn, before)
    left = paid - refunded_of(conn, before.cause, other_than=before.id)
    after = note_refund_answer(conn, before, answer, left_usd_micros=left, now=at)
    if after.state is before.state:
        return after
    if after.state is RefundState.ACCEPTED:
        book_refund(conn, after, is_rehearsed=is_rehearsed(gateway=rim.gateway), at=at)
    elif after.state is RefundState.RETURNED:
        book_returned(conn, after, at=at)
    found = find_refund(conn, key)
    assert found is not None, key
    return found


def reconcile_refunds(
    rim: Rim, account_id: str, talk: Talk, *, not_since: datetime | None
) -> tuple[Refund, ...]:
    """Ask again for the refunds of an account that an answer is to come of.

    Args:
        rim: What is outside.
        account_id: Whose.
        talk: With the gateway.
        not_since: One that the bank said would take longer is left alone if it was asked for after
            this; None: none is.

    Returns:
        Those that were looked at, as they are then.
    """
    with rim.transaction() as conn:
        unfinished = open_refunds(conn, account_id)
    return tuple(
        give_back(rim, each, talk)
        for each in unfinished
        if not_since is None or each.state is RefundState.PENDING or each.asked_at <= not_since
    )


def check_given_back(refund: Refund, silence: str) -> None:
    """Whether whoever asked for a refund can be told that it was given back, or is under way.

    Args:
        refund: As it is by now.
        silence: Why the gateway has not answered.

    Raises:
        RefundDeclinedError: If the gateway gives nothing back.
        RefundPendingError: If it has not answered.
    """
    usd = format_usd(refund.usd_micros)
    facts = {"account": refund.account_id, "invoice": refund.invoice, "usd": usd}
    what = f"account {refund.account_id}: {usd} USD of {refund.invoice}"
    if refund.state is RefundState.DECLINED:
        raise RefundDeclinedError(
            f"{what} were not given back: {refund.said}", **facts, reason=refund.said
        )
    if refund.state is RefundState.PENDING:
        raise RefundPendingError(
            f"{what}: the payment gateway has not answered ({silence}) and may have given them"
            " back. The same command again goes on with this refund, and `loadmuster account"
            f" reconcile {refund.account_id}` finishes it",
            **facts,
            key=refund.key,
        )


def _check_words(usd_micros: int | None, reason: str) -> None:
    if usd_micros is not None and (usd_micros <= 0 or usd_micros % MICROS_PER_CENT):
        raise BadInputError(
            f"a refund is of whole cents and more than nothing, not {format_usd(usd_micros)} USD",
            usd=format_usd(usd_micros),
        )
    if not reason.strip() or len(reason) > REASON_LETTERS_MAX or not reason.isprintable():
        raise BadInputError(
            f"the reason {reason[:40]!r} will not do; 1 to {REASON_LETTERS_MAX} printable letters"
            " would, such as 'charged twice by mistake'"
        )


def _request(conn: Connection, refund: Refund) -> RefundRequest:
    payment = conn.execute(select(PAYMENTS).where(PAYMENTS.c.cause == refund.cause)).one()
    return RefundRequest(
        key=refund.key,
        payment_key=refund.payment_key,
        account_id=refund.account_id,
        usd_micros=refund.usd_micros,
        collected_usd_micros=int(payment.usd_micros),
        refunded_usd_micros=refunded_of(conn, refund.cause, also_open=False),
        collected_at=payment.asked_at,
        asked_at=refund.asked_at,
        is_contested=any(
            each.state is DisputeState.OPEN
            for each in disputes_of_payment(conn, refund.payment_key)
        ),
        currency=refund.currency,
    )
