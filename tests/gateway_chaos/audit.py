"""What must be true of the books and the bank together, once nothing is unfinished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from pricing.ledger.ledger import balance
from pricing.payments.attempts import Attempt, AttemptState, Outcome, find_attempt
from pricing.payments.gateway import PaymentState
from pricing.payments.refunds import OPEN, Refund, RefundState, refunds_of
from pricing.payments.run_payments import UNCOLLECTED, debts_of_runs
from pricing.plans.quotes import Unit
from pricing.tables import PAYMENT_ATTEMPTS, POSTINGS, TRANSACTIONS
from tests.gateway_chaos.deaths import WatchedBank


def violations(
    conn: Connection, bank: WatchedBank, accounts: tuple[str, ...], *, is_open: dict[str, bool]
) -> Iterator[str]:
    """Whatever is wrong, a line each."""
    attempts = _attempts(conn)
    refunds = {each.key: each for account in accounts for each in refunds_of(conn, account)}
    if bank.called_in_transaction:
        yield f"the bank was called {bank.called_in_transaction} times in a transaction"
    for key in bank.charges.keys() - attempts.keys():
        yield f"{key}: the bank knows it, and it is not on record"
    for key, attempt in attempts.items():
        yield from _of_attempt(bank, key, attempt)
    for key in bank.refunds.keys() - refunds.keys():
        yield f"{key}: the bank knows this refund, and it is not on record"
    for key, refund in refunds.items():
        yield from _of_refund(bank, key, refund)
    yield from _of_purposes(attempts)
    for account in accounts:
        if is_open[account]:
            yield from _of_account(conn, bank, account, attempts)


def _attempts(conn: Connection) -> dict[str, Attempt]:
    found = {}
    for key in conn.execute(select(PAYMENT_ATTEMPTS.c.key)).scalars().all():
        attempt = find_attempt(conn, key)
        assert attempt is not None
        found[key] = attempt
    return found


def _of_attempt(bank: WatchedBank, key: str, attempt: Attempt) -> Iterator[str]:
    """The bank and the record say the same of one payment."""
    charge = bank.charges.get(key)
    collected = charge is not None and charge.answer.state is PaymentState.ACCEPTED
    noted = attempt.state in {AttemptState.ACCEPTED, AttemptState.DISPUTED}
    if collected is not noted:
        yield f"{key}: collected {collected}, on record as {attempt.state}"
    if noted and attempt.outcome is None:
        yield f"{key}: its money has no place"
    if attempt.state is AttemptState.PENDING:
        yield f"{key}: is pending for ever"


def _of_refund(bank: WatchedBank, key: str, refund: Refund) -> Iterator[str]:
    """The bank and the record say the same of one refund."""
    given = bank.refunds.get(key)
    is_given = given is not None and given.answer.state is PaymentState.ACCEPTED
    if is_given is not (refund.state is RefundState.ACCEPTED):
        yield f"{key}: given back {is_given}, on record as {refund.state}"
    if refund.state in OPEN:
        yield f"{key}: is {refund.state} for ever"


def _of_purposes(attempts: dict[str, Attempt]) -> Iterator[str]:
    """Nothing is paid for twice."""
    booked = Counter(
        each.request.purpose for each in attempts.values() if each.outcome is Outcome.BOOKED
    )
    for purpose, times in booked.items():
        if times > 1:
            yield f"{purpose}: booked {times} times"


def _of_account(
    conn: Connection, bank: WatchedBank, account: str, attempts: dict[str, Attempt]
) -> Iterator[str]:
    """Money collected is money booked is money owed."""
    apart = sum(
        each.collected_micros or each.request.usd_micros
        for each in attempts.values()
        if each.request.account_id == account
        and each.outcome is Outcome.APART
        and (each.collected_currency or "USD") == "USD"
    )
    cash = balance(conn, account, "cash", Unit.USD)
    collected = bank.collected.get((account, "USD"), 0)
    refunded = bank.refunded.get((account, "USD"), 0)
    if cash + apart != collected - refunded:
        yield f"{account}: collected {collected}, refunded {refunded}, booked {cash}, apart {apart}"
    credit = -balance(conn, account, "credit", Unit.USD)
    asked_for = (PaymentState.DUE, *UNCOLLECTED)
    owed = sum(debt.usd_micros for debt in debts_of_runs(conn, account, asked_for))
    receivable = balance(conn, account, "receivable", Unit.USD)
    if receivable != owed:
        yield f"{account}: {receivable} is owed in the books, and {owed} asked for"
    if cash - credit + receivable != _charged(conn, account):
        yield f"{account}: cash {cash}, credit {credit}, owed {receivable}: not what was charged"
    if credit < 0:
        yield f"{account}: the credit is {credit}"


def _charged(conn: Connection, account: str) -> int:
    rows = conn.execute(
        select(POSTINGS.c.amount)
        .join(TRANSACTIONS, TRANSACTIONS.c.id == POSTINGS.c.transaction_id)
        .where(
            TRANSACTIONS.c.account_id == account,
            POSTINGS.c.unit == Unit.USD,
            POSTINGS.c.ledger_account.startswith("revenue"),
        )
    )
    return -sum(int(amount) for amount in rows.scalars())
