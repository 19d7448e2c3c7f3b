"""What runs owe in money, and how it is collected: one payment a run, asked for once it is charged.

A run on demand, a department's run within its wallet, and the extra credits that a run buys are
charged as the run starts (R1, R52, R76, R108). The charge and a payment that is due are written in
one transaction; the gateway is asked only after that has been committed, so that nobody pays for
what is not in the books. Where a process dies in between, the next command on the account asks.

What a correction returns lowers a payment that was not made. If it was made, the account is in
credit, on the ledger account ``credit``: that is set off against what it is charged next, and
against what it owes as soon as that is asked for again (C80). While the bank has
not answered it may have been made; if the bank then declines, the credit is taken back (C43).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, select

from pricing.ledger.invoices import run_cause
from pricing.ledger.ledger import entries_of, post
from pricing.payments.collecting import abandon, book_payment, channel_of, collect
from pricing.payments.credit import CREDIT, credit_entry, free_credit_of, set_off_key
from pricing.payments.gateway import Answer, PaymentGateway, PaymentState
from pricing.tables import PAYMENTS, insert_once

UNCOLLECTED = (PaymentState.DECLINED, PaymentState.DELAYED)
"""The gateway was asked, and the money is not there."""

_DEBTS = (
    select(PAYMENTS.c.cause, PAYMENTS.c.usd_micros, PAYMENTS.c.state)
    .where(
        PAYMENTS.c.account_id == bindparam("account_id"),
        PAYMENTS.c.state.in_(bindparam("states", expanding=True)),
        PAYMENTS.c.cause.startswith(run_cause("")),
    )
    .order_by(PAYMENTS.c.asked_at, PAYMENTS.c.cause)
)


class RunDebt(Struct, frozen=True):
    """What a run owes, and where its payment is."""

    cause: str
    usd_micros: int
    state: PaymentState


def owe(conn: Connection, account_id: str, run_id: str, usd_micros: int, *, at: datetime) -> None:
    """Have a run's charge collected, less what the account is in credit; the books are locked."""
    cause = run_cause(run_id)
    setting_off = min(usd_micros, free_credit_of(conn, account_id))
    if setting_off:
        _move(conn, account_id, set_off_key(cause), -setting_off, cause, "set off", at)
    if usd_micros > setting_off:
        due = {
            "cause": cause,
            "account_id": account_id,
            "usd_micros": usd_micros - setting_off,
            "channel": channel_of(conn, account_id),
            "state": PaymentState.DUE,
            "reason": "",
            "asked_at": at,
        }
        insert_once(conn, PAYMENTS, ["cause"], due)


def give_back_money(
    conn: Connection, account_id: str, run_id: str, usd_micros: int, *, at: datetime
) -> None:
    """Let a run owe less: its payment is lowered, or the account is in credit if it has paid."""
    cause = run_cause(run_id)
    debts = debts_of_runs(conn, account_id, (PaymentState.DUE, PaymentState.DECLINED))
    owed = sum(debt.usd_micros for debt in debts if debt.cause == cause)
    if owed:
        _lower(conn, cause, max(owed - usd_micros, 0))
    if usd_micros > owed:
        _move(conn, account_id, f"{cause}:credit", usd_micros - owed, cause, "in credit", at)


def collect_due_runs(
    conn: Connection, account_id: str, *, gateway: PaymentGateway, now: datetime
) -> None:
    """Ask for every payment of a run that nobody was asked for yet; the books are locked."""
    for debt in debts_of_runs(conn, account_id, (PaymentState.DUE,)):
        collect_run(conn, account_id, debt, gateway=gateway, now=now)


def collect_run(
    conn: Connection,
    account_id: str,
    debt: RunDebt,
    *,
    gateway: PaymentGateway,
    at: datetime | None = None,
    now: datetime,
) -> Answer:
    """Ask for what a run owes, again if need be, and book what was collected.

    Args:
        conn: An open write transaction; the books are locked.
        account_id: Whose run.
        debt: What it owes.
        gateway: Collects.
        at: When it counts, if it is collected; None: now.
        now: The command's instant.
    """
    if debt.state is PaymentState.DECLINED:
        debt = _set_off(conn, account_id, debt, at=at or now)
        if not debt.usd_micros:
            return Answer(PaymentState.ACCEPTED, "set off against credit")
    answer = collect(
        conn, account_id, debt.cause, debt.usd_micros, gateway=gateway, now=now, sets_off=False
    )
    if answer.state is PaymentState.ACCEPTED:
        book_run_payment(conn, account_id, debt, at=at, now=now)
    elif answer.state is PaymentState.DECLINED:
        take_back_credit(conn, account_id, debt, at=at or now)
    return answer


def book_run_payment(
    conn: Connection,
    account_id: str,
    debt: RunDebt,
    *,
    at: datetime | None = None,
    now: datetime,
) -> None:
    """Book an accepted payment of a run; what is more than is owed by now is in credit.

    It counts ``at`` an instant, or now.
    """
    at = at or now
    collected = book_payment(conn, debt.cause, _run_of(debt.cause), at=at, now=now)
    # Collected before the run was corrected, by an ask whose answer was lost.
    if collected > debt.usd_micros:
        excess = collected - debt.usd_micros
        _move(conn, account_id, f"{debt.cause}:excess", excess, debt.cause, "in credit", at)


def take_back_credit(conn: Connection, account_id: str, debt: RunDebt, *, at: datetime) -> None:
    """Lower a payment that was declined by the credit that its run's correction gave, once.

    The run was corrected while the bank had not answered; what was set off against another run
    meanwhile stays so.
    """
    key = f"{debt.cause}:taken-back"
    entries = {entry.natural_key: entry for entry in entries_of(conn, debt.cause)}
    given = entries.get(f"{debt.cause}:credit")
    if given is None or key in entries:
        return
    returned = -sum(part.amount for part in given.postings if part.ledger_account == CREDIT)
    taken = min(returned, debt.usd_micros, free_credit_of(conn, account_id))
    if taken:
        _move(conn, account_id, key, -taken, debt.cause, "credit taken back", at)
        _lower(conn, debt.cause, debt.usd_micros - taken)


def debts_of_runs(
    conn: Connection, account_id: str, states: Collection[PaymentState] = UNCOLLECTED
) -> tuple[RunDebt, ...]:
    """What an account's runs owe whose payments are in one of these states, oldest first."""
    rows = conn.execute(_DEBTS, {"account_id": account_id, "states": list(states)})
    return tuple(RunDebt(row.cause, row.usd_micros, PaymentState(row.state)) for row in rows)


def _set_off(conn: Connection, account_id: str, debt: RunDebt, *, at: datetime) -> RunDebt:
    """Set what is owed for a run off against what the account is in credit by now."""
    usd_micros = min(debt.usd_micros, free_credit_of(conn, account_id))
    if not usd_micros:
        return debt
    key = set_off_key(debt.cause)
    before = sum(each.natural_key.startswith(key) for each in entries_of(conn, debt.cause))
    if before:
        key = f"{key}:{before + 1}"
    _move(conn, account_id, key, -usd_micros, debt.cause, "set off", at)
    left = debt.usd_micros - usd_micros
    _lower(conn, debt.cause, left)
    return replace(debt, usd_micros=left)


def _run_of(cause: str) -> str:
    """The id of the run that a cause is of."""
    return cause.removeprefix(run_cause(""))


def _lower(conn: Connection, cause: str, usd_micros: int) -> None:
    """Ask for less from now on, or for nothing."""
    if usd_micros:
        conn.execute(
            PAYMENTS.update().where(PAYMENTS.c.cause == cause).values(usd_micros=usd_micros)
        )
    else:
        abandon(conn, cause)


def _move(
    conn: Connection,
    account_id: str,
    key: str,
    usd_micros: int,
    cause: str,
    what: str,
    at: datetime,
) -> None:
    """Move what is owed to the account from its receivable to its credit; negative: back."""
    words = f"{_run_of(cause)}, {what}"
    post(conn, credit_entry(account_id, key, cause, usd_micros, words, at=at, now=at))
