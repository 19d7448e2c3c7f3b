"""Money that was collected for what is void, or of another amount: it finds a place all the same.

It becomes the account's credit, which is set off later (C50). In another currency, or of an account
that is not there, it stays apart: on record under its key, and told until somebody has seen to it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select

from pricing.ledger.ledger import Posting, Transaction, post
from pricing.money import format_usd
from pricing.payments.attempts import Attempt, AttemptState, Outcome, give_outcome, note_answer
from pricing.payments.collecting import note_late_decline, note_lost_card
from pricing.payments.credit import CREDIT
from pricing.payments.gateway import USD, Answer, PaymentState
from pricing.payments.payment import CASH
from pricing.plans.quotes import Unit
from pricing.tables import ACCOUNTS


def put_answer(conn: Connection, attempt: Attempt, answer: Answer, *, now: datetime) -> Answer:
    """Put an answer on record; money that is not what was asked for finds a place at once.

    Returns:
        What is to be told of it: a payment of another amount, or in another currency, was not made.
    """
    noted = note_answer(conn, attempt.request.key, answer, now=now)
    if noted.state is AttemptState.DECLINED:
        note_late_decline(conn, attempt.request.purpose, answer)
        if answer.is_final:
            note_lost_card(conn, attempt.request, answer)
    if noted.state is not AttemptState.DISPUTED:
        return answer
    outcome = place(conn, noted, now=now) if noted.outcome is None else noted.outcome
    wanted = f"{format_usd(attempt.request.usd_micros)} {attempt.request.currency}"
    kept = "is the account's credit" if outcome is Outcome.CREDIT else "stays apart"
    return Answer(
        PaymentState.DECLINED,
        f"the payment gateway collected {collected_words(noted)} where {wanted} was asked for,"
        f" which {kept}",
    )


def place(conn: Connection, attempt: Attempt, *, now: datetime) -> Outcome:
    """Make what an attempt collected the account's credit, or else put it apart.

    Args:
        conn: An open write transaction.
        attempt: One that was accepted or disputed, and has no outcome.
        now: The account's instant.
    """
    request = attempt.request
    amount = attempt.collected_micros or request.usd_micros
    there = select(exists().where(ACCOUNTS.c.id == request.account_id))
    is_other = (attempt.collected_currency or request.currency) != USD
    if is_other or not conn.execute(there).scalar_one():
        give_outcome(conn, attempt, Outcome.APART)
        return Outcome.APART
    post(
        conn,
        Transaction(
            account_id=request.account_id,
            natural_key=f"payment:{attempt.id}:credit",
            cause=f"payment:{attempt.id}",
            description="payment without a purpose, in credit",
            effective_at=now,
            recorded_at=now,
            postings=(Posting(CASH, Unit.USD, amount), Posting(CREDIT, Unit.USD, -amount)),
        ),
    )
    give_outcome(conn, attempt, Outcome.CREDIT)
    return Outcome.CREDIT


def collected_words(attempt: Attempt) -> str:
    """What was collected, for people: ``199.00 USD``."""
    amount = attempt.collected_micros or attempt.request.usd_micros
    return f"{format_usd(amount)} {attempt.collected_currency or attempt.request.currency}"
