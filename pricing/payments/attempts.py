"""Attempts on record: what the gateway was asked for, before it is asked, and what it answered.

    pending ──► accepted ──► booked    it paid for its purpose
       │           │  └────► credit    its purpose was void by then: the account is in credit
       │           └───────► apart     there is no account, or the currency is another
       ├──────► declined               the next try is an attempt of its own
       ├──────► delayed ──► accepted | declined, when the bank has answered
       ├──────► withdrawn              who waited for it is gone, and it was not collected
       └──────► disputed ──► credit | apart: something else was collected than was asked for

A row is never written over by another attempt. An answer that contradicts an earlier one changes
the row only if it says that money was collected.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select, text

from pricing.payments.gateway import Answer, PaymentRequest, PaymentState
from pricing.plans.channels import Channel
from pricing.tables import INSTALLATION, PAYMENT_ATTEMPTS, accounts_with, insert_once
from pricing.tables.payments import OPEN_ATTEMPT

_LATEST = (
    select(PAYMENT_ATTEMPTS)
    .where(PAYMENT_ATTEMPTS.c.purpose == bindparam("of"))
    .order_by(PAYMENT_ATTEMPTS.c.attempt.desc())
    .limit(1)
)
_OF_KEY = select(PAYMENT_ATTEMPTS).where(PAYMENT_ATTEMPTS.c.key == bindparam("of"))
_OPEN = (
    select(PAYMENT_ATTEMPTS)
    .where(PAYMENT_ATTEMPTS.c.account_id == bindparam("of"), text(OPEN_ATTEMPT))
    .order_by(PAYMENT_ATTEMPTS.c.id)
)


class AttemptState(StrEnum):
    """Where an attempt is."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELAYED = "delayed"
    WITHDRAWN = "withdrawn"
    DISPUTED = "disputed"


class Outcome(StrEnum):
    """What became of money that was collected."""

    BOOKED = "booked"
    CREDIT = "credit"
    APART = "apart"


class Waiting(Struct, frozen=True):
    """A command that waits for an answer.

    Attributes:
        command: Its name.
        content: All that it takes to do it again, as JSON.
        request_id: Its caller's id, or one that was made for it.
    """

    command: str
    content: dict[str, Any]
    request_id: str


class Attempt(Struct, frozen=True):
    """One ask of the gateway.

    Attributes:
        id: Its number.
        request: What is asked.
        state: Where it is.
        reason: For people.
        outcome: What became of the money; None: nothing yet, or there is none.
        waiting: The command that waits for it; None: nobody does.
        asked_at: When it was put on record, by the account's clock.
        collected_micros: What was collected, if that is not what was asked for.
        collected_currency: In what.
    """

    id: int
    request: PaymentRequest
    state: AttemptState
    reason: str
    outcome: Outcome | None
    waiting: Waiting | None
    asked_at: datetime
    collected_micros: int | None
    collected_currency: str | None

    @property
    def is_unfinished(self) -> bool:
        """Whether it has to be asked for, or its money has not found its place."""
        return self.state is AttemptState.PENDING or self.is_unspent

    @property
    def is_unspent(self) -> bool:
        """Whether its money is there and has not found its place."""
        return self.state is AttemptState.ACCEPTED and self.outcome is None


def digest(*parts: str) -> str:
    """A short name for what may hold a person's: an account's id, a request's."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def installation_id(conn: Connection) -> str:
    """What tells this database's payments from those of all others at one gateway."""
    found: str = conn.execute(select(INSTALLATION.c.id)).scalar_one()
    return found


def latest_attempt(conn: Connection, purpose: str) -> Attempt | None:
    """The last ask for what is paid; None: nobody has asked."""
    row = conn.execute(_LATEST, {"of": purpose}).one_or_none()
    return None if row is None else _attempt(row)


def find_attempt(conn: Connection, key: str) -> Attempt | None:
    """The ask of that key; None: there was none."""
    row = conn.execute(_OF_KEY, {"of": key}).one_or_none()
    return None if row is None else _attempt(row)


def open_attempts(conn: Connection, account_id: str) -> tuple[Attempt, ...]:
    """What something is still to come of: an answer, or a place for the money; oldest first."""
    return tuple(_attempt(row) for row in conn.execute(_OPEN, {"of": account_id}))


def unfinished_attempts(conn: Connection, account_id: str) -> tuple[Attempt, ...]:
    """Those of them that a bank has not been left to answer by itself."""
    return tuple(each for each in open_attempts(conn, account_id) if each.is_unfinished)


def accounts_with_open_attempts(conn: Connection, after: str, *, limit: int) -> tuple[str, ...]:
    """The next accounts, by id, of which something is still to come."""
    return accounts_with(conn, PAYMENT_ATTEMPTS, text(OPEN_ATTEMPT), after, limit=limit)


def begin_attempt(
    conn: Connection,
    wanted: PaymentRequest,
    attempt: int,
    *,
    waiting: Waiting | None,
    now: datetime,
) -> Attempt:
    """Put on record that the gateway is going to be asked, once; it is the same for everybody.

    Args:
        conn: An open write transaction; once it is committed the gateway may be asked.
        wanted: What is paid, its ``key`` being the purpose.
        attempt: For how many times.
        waiting: The command that waits for it.
        now: The account's instant.
    """
    key = f"{installation_id(conn)}:{wanted.key}:{attempt}"
    values = {
        "key": key,
        "purpose": wanted.key,
        "attempt": attempt,
        "account_id": wanted.account_id,
        "usd_micros": wanted.usd_micros,
        "set_off_usd_micros": wanted.set_off_usd_micros,
        "currency": wanted.currency,
        "channel": wanted.channel,
        "card": wanted.card,
        "at_once": wanted.at_once,
        "command": None if waiting is None else waiting.command,
        "content": None if waiting is None else waiting.content,
        "request_id": None if waiting is None else waiting.request_id,
        "state": AttemptState.PENDING,
        "reason": "",
        "asked_at": now,
    }
    insert_once(conn, PAYMENT_ATTEMPTS, ["key"], values)
    found = find_attempt(conn, key)
    assert found is not None, key
    return found


def note_answer(conn: Connection, key: str, answer: Answer, *, now: datetime) -> Attempt:
    """Put an answer on record; one that comes twice, or after a better one, changes nothing.

    Returns:
        The attempt as it is then.
    """
    before = find_attempt(conn, key)
    assert before is not None, key
    state = _state_after(before, answer)
    if state is before.state:
        return before
    is_other = state is AttemptState.DISPUTED
    collected = answer.collected_usd_micros
    values: dict[str, object] = {"state": state, "reason": answer.reason, "answered_at": now}
    if is_other:
        values["collected_micros"] = before.request.usd_micros if collected is None else collected
        values["collected_currency"] = answer.currency
    conn.execute(
        PAYMENT_ATTEMPTS.update().where(PAYMENT_ATTEMPTS.c.id == before.id).values(**values)
    )
    after = find_attempt(conn, key)
    assert after is not None, key
    return after


def withdrawn(conn: Connection, key: str, *, now: datetime) -> None:
    """The gateway will never collect this."""
    conn.execute(
        PAYMENT_ATTEMPTS.update()
        .where(PAYMENT_ATTEMPTS.c.key == key, PAYMENT_ATTEMPTS.c.state == AttemptState.PENDING)
        .values(state=AttemptState.WITHDRAWN, reason="who waited for it is gone", answered_at=now)
    )


def give_outcome(conn: Connection, attempt: Attempt, outcome: Outcome) -> None:
    """The money of an attempt has found its place."""
    conn.execute(
        PAYMENT_ATTEMPTS.update().where(PAYMENT_ATTEMPTS.c.id == attempt.id).values(outcome=outcome)
    )


def _state_after(before: Attempt, answer: Answer) -> AttemptState:
    request, collected = before.request, answer.collected_usd_micros
    if before.state in {AttemptState.ACCEPTED, AttemptState.DISPUTED}:
        return before.state
    if answer.state is PaymentState.ACCEPTED:
        is_asked = collected in {None, request.usd_micros} and answer.currency == request.currency
        return AttemptState.ACCEPTED if is_asked else AttemptState.DISPUTED
    if before.state in {AttemptState.DECLINED, AttemptState.WITHDRAWN}:
        return before.state
    if answer.state is PaymentState.DELAYED and not request.at_once:
        return AttemptState.DELAYED
    # Of a buyer who waits, a payment without an answer has been given up.
    return AttemptState.DECLINED


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        request=PaymentRequest(
            key=row.key,
            account_id=row.account_id,
            usd_micros=row.usd_micros,
            channel=Channel(row.channel),
            card=row.card,
            at_once=row.at_once,
            purpose=row.purpose,
            attempt=row.attempt,
            currency=row.currency,
            set_off_usd_micros=int(row.set_off_usd_micros),
        ),
        state=AttemptState(row.state),
        reason=row.reason,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        waiting=None
        if row.command is None
        else Waiting(row.command, row.content, row.request_id or ""),
        asked_at=row.asked_at,
        collected_micros=row.collected_micros,
        collected_currency=row.collected_currency,
    )
