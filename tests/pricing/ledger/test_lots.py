"""Credits are lots, burned in a written order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from engine.database import transaction
from pricing.ledger.ledger import Posting, Transaction, balance, post
from pricing.ledger.lots import Grant, LotKind, LotOutOfBoundsError, check_bounds, grant, open_lots
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation

DAY = timedelta(days=1)

QuoteOf = Callable[[Plan, int, int], Quote]


def give(
    conn: Connection,
    account_id: str,
    kind: LotKind,
    start: datetime,
    length: timedelta | None = None,
) -> None:
    """100 LI-minutes, once per kind, start and length."""
    given = Grant(
        kind=kind,
        amount=100,
        effective_at=start,
        expires_at=None if length is None else start + length,
        cause=f"{kind} from {start:%d} for {'ever' if length is None else length.days}",
        description="a gift",
    )
    grant(conn, account_id, given, now=start)


def remaining(conn: Connection, account_id: str, at: datetime) -> dict[str, int]:
    """LI-minutes that can be used, by kind of lot."""
    return {lot.kind.value: lot.remaining for lot in open_lots(conn, account_id, at)}


def test_lots_burn_by_priority_then_expiry_then_age(db: Engine, acme: str, now: datetime) -> None:
    with transaction(db) as conn:
        give(conn, acme, LotKind.EXTRA, now, DAY)
        give(conn, acme, LotKind.BOOST, now)
        give(conn, acme, LotKind.UPGRADE, now)
        give(conn, acme, LotKind.PLAN, now - DAY)
        give(conn, acme, LotKind.PLAN, now, 20 * DAY)
        give(conn, acme, LotKind.PLAN, now, 10 * DAY)
        give(conn, acme, LotKind.TRIAL, now, 14 * DAY)
        causes = [lot.cause for lot in open_lots(conn, acme, now)]
    assert causes == [
        "trial from 25 for 14",
        "plan from 25 for 10",
        "plan from 25 for 20",
        "plan from 24 for ever",
        "subscription:1:period:0",
        "upgrade from 25 for ever",
        "boost from 25 for ever",
        "extra from 25 for 1",
    ]


def test_a_lot_is_usable_from_its_start_until_just_before_its_expiry(
    db: Engine, globex: str, now: datetime
) -> None:
    with transaction(db) as conn:
        give(conn, globex, LotKind.TRIAL, now, 14 * DAY)
        instants = (now - timedelta.resolution, now, now + 14 * DAY - timedelta.resolution)
        usable = [bool(open_lots(conn, globex, at)) for at in (*instants, now + 14 * DAY)]
    assert usable == [False, True, True, False]


def test_a_cause_grants_once(db: Engine, globex: str, now: datetime) -> None:
    with transaction(db) as conn:
        give(conn, globex, LotKind.BOOST, now)
        give(conn, globex, LotKind.BOOST, now)
        assert remaining(conn, globex, now) == {"boost": 100}


def test_an_accounts_lots_are_its_own(db: Engine, acme: str, globex: str, now: datetime) -> None:
    with transaction(db) as conn:
        assert remaining(conn, acme, now) == {"plan": 1_800}
        assert remaining(conn, globex, now) == {}


@pytest.mark.parametrize("amount", [-101, 1])
def test_a_lot_that_leaves_its_bounds_stops_everything(
    db: Engine, globex: str, now: datetime, amount: int
) -> None:
    def move(conn: Connection) -> None:
        give(conn, globex, LotKind.BOOST, now)
        (lot,) = open_lots(conn, globex, now)
        postings = (
            Posting(f"lot:{lot.id}", Unit.LI_MINUTES, amount),
            Posting("used:use", Unit.LI_MINUTES, -amount),
        )
        post(conn, Transaction(globex, "move", "move", "moved", now, now, postings))
        check_bounds(conn, globex, [lot.id])

    with pytest.raises(LotOutOfBoundsError), transaction(db) as conn:
        move(conn)
    with db.connect() as conn:
        assert remaining(conn, globex, now) == {}


def test_a_run_uses_the_first_lot_up_and_is_given_back_the_last_one_first(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        give(conn, acme, LotKind.TRIAL, now, 14 * DAY)
        reserve(conn, acme, "r1", quote_of(starter, 20, 8), now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert remaining(conn, acme, now) == {"plan": 1_740}
        correct(
            conn,
            "r1",
            keep_startup=90,
            keep_use=0,
            reason="ours",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        assert remaining(conn, acme, now) == {"trial": 10, "plan": 1_800}


def test_what_was_reserved_before_a_lot_expired_stays_good(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        give(conn, acme, LotKind.TRIAL, now, DAY)
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now + 2 * DAY, gateway=REHEARSED_GATEWAY)
        assert remaining(conn, acme, now) == {"plan": 1_800}
        assert balance(conn, acme, "expired", Unit.LI_MINUTES) == 40
        assert balance(conn, acme, "used:start-up", Unit.LI_MINUTES) == 50
        assert balance(conn, acme, "used:use", Unit.LI_MINUTES) == 10


def test_two_runs_cannot_reserve_the_same_part_of_a_lot(
    db: Engine, acme: str, starter: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    with transaction(db) as conn:
        give(conn, acme, LotKind.TRIAL, now, DAY)
        reserve(conn, acme, "r1", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        reserve(conn, acme, "r2", quote_of(starter, 10, 6), now=now, gateway=REHEARSED_GATEWAY)
        assert [lot.reserved for lot in open_lots(conn, acme, now)] == [100, 20]
        void_reservation(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        assert [lot.reserved for lot in open_lots(conn, acme, now)] == [40, 20]
        charge_start(conn, "r2", now=now, gateway=REHEARSED_GATEWAY)
        assert remaining(conn, acme, now) == {"trial": 60, "plan": 1_780}
