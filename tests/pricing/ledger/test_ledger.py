"""Double entry, once, for ever."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, func, select

from engine.database import transaction
from pricing.ledger.ledger import (
    NaturalKeyConflictError,
    Posting,
    Transaction,
    UnbalancedTransactionError,
    balance,
    entries,
    post,
    post_all,
)
from pricing.plans.quotes import Unit
from pricing.tables import POSTINGS, TRANSACTIONS


@pytest.fixture
def payment(globex: str, now: datetime) -> Transaction:
    return Transaction(
        account_id=globex,
        natural_key="payment:1",
        cause="payment:1",
        description="paid",
        effective_at=now,
        recorded_at=now,
        postings=(
            Posting("cash", Unit.USD, 5_000_000),
            Posting("receivable", Unit.USD, -5_000_000),
        ),
    )


def test_a_transaction_must_balance_in_each_unit(payment: Transaction) -> None:
    for postings in (
        (Posting("cash", Unit.USD, 2), Posting("receivable", Unit.USD, -1)),
        (Posting("cash", Unit.USD, 1), Posting("lot:1", Unit.LI_MINUTES, -1)),
        (Posting("cash", Unit.USD, 0), Posting("receivable", Unit.USD, 0)),
        (),
    ):
        with pytest.raises(UnbalancedTransactionError):
            replace(payment, postings=postings)


def test_a_transaction_is_written_once(db: Engine, payment: Transaction) -> None:
    with transaction(db) as conn:
        assert post(conn, payment)
        assert not post(conn, payment)
    with transaction(db) as conn:
        assert not post(conn, payment)
        assert entries(conn, payment.account_id) == (payment,)
        assert balance(conn, payment.account_id, "cash", Unit.USD) == 5_000_000
        assert balance(conn, payment.account_id, "cash", Unit.LI_MINUTES) == 0


def test_the_same_key_with_other_postings_stops_everything(
    db: Engine, payment: Transaction
) -> None:
    with transaction(db) as conn:
        post(conn, payment)
    more = replace(
        payment,
        postings=(Posting("cash", Unit.USD, 7), Posting("receivable", Unit.USD, -7)),
    )
    with pytest.raises(NaturalKeyConflictError), transaction(db) as conn:
        post(conn, more)


def test_many_transactions_are_each_written_once_and_in_their_order(
    db: Engine, payment: Transaction
) -> None:
    numbered = [replace(payment, natural_key=f"payment:{n}") for n in range(1, 6)]
    with transaction(db) as conn:
        assert post_all(conn, []) == frozenset()
        assert post(conn, numbered[1])
        again = [numbered[0], *numbered]
        assert post_all(conn, again) == {f"payment:{n}" for n in (1, 3, 4, 5)}
        assert post_all(conn, again) == frozenset()
        written = entries(conn, payment.account_id)
        assert [each.natural_key for each in written] == [f"payment:{n}" for n in (2, 1, 3, 4, 5)]
        assert balance(conn, payment.account_id, "cash", Unit.USD) == 25_000_000


@pytest.mark.parametrize("is_written", [True, False])
def test_one_wrong_transaction_among_many_stops_everything(
    db: Engine, payment: Transaction, is_written: bool
) -> None:
    other = replace(
        payment,
        postings=(Posting("cash", Unit.USD, 7), Posting("receivable", Unit.USD, -7)),
    )
    if is_written:
        with transaction(db) as conn:
            post(conn, payment)
    batch = [replace(payment, natural_key="payment:2"), other, *([] if is_written else [payment])]
    with pytest.raises(NaturalKeyConflictError), transaction(db) as conn:
        post_all(conn, batch)
    with db.connect() as conn:
        assert len(entries(conn, payment.account_id)) == is_written


def test_a_crash_between_two_statements_leaves_nothing(db: Engine, payment: Transaction) -> None:
    class CrashError(Exception):
        pass

    def post_and_crash() -> None:
        with transaction(db) as conn:
            post(conn, payment)
            raise CrashError

    with pytest.raises(CrashError):
        post_and_crash()
    with db.connect() as conn:
        for table in (TRANSACTIONS, POSTINGS):
            assert conn.execute(select(func.count()).select_from(table)).scalar_one() == 0
