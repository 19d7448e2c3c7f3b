"""Where one statement finds nothing due, bringing the books up to date would write nothing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from engine.database import transaction, undone
from pricing.accounts.advance import advance
from pricing.accounts.due import NEVER, due_dates
from pricing.accounts.due_now import due_now
from pricing.accounts.opening import open_account
from pricing.ledger.balances import held_on_lots
from pricing.ledger.lots import Grant, LotKind, grant
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.payments.run_payments import collect_due_runs
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.subscriptions.boundaries import apply_due_boundaries
from pricing.subscriptions.debts import debts_of
from pricing.subscriptions.dunning import standing_of
from pricing.tables import ACCOUNTS
from tests.pricing.accounts.lives import Lives, books

FAR = timedelta(days=400)


@pytest.mark.parametrize("seed", range(11, 13))
def test_where_nothing_is_found_due_nothing_would_be_written(quick_db: Engine, seed: int) -> None:
    lives = Lives(quick_db, seed)
    lives.open(8)
    seen: Counter[tuple[str, bool]] = Counter()
    for _ in range(5):
        lives.do(12)
        with quick_db.connect() as conn:
            rows = conn.execute(select(ACCOUNTS.c.id, ACCOUNTS.c.last_command_at)).all()
            due = due_dates(conn, [row.id for row in rows])
        for account_id, last in rows:
            instants = {last, min(due[account_id], lives.now + FAR)} - {NEVER}
            for now in sorted(each for each in instants if each >= last):
                with undone(quick_db) as conn:
                    _compare(conn, account_id, last, now, seen)
    for what in ("boundaries", "payments", "owes"):
        assert seen[what, False] > 9, (what, seen)
        assert seen[what, True], (what, seen)


def test_a_lot_that_expires_within_a_period_is_closed_by_the_next_command(
    db: Engine, now: datetime
) -> None:
    given = Grant(LotKind.BOOST, 500, now, now + timedelta(days=1), "boost:early", "A boost")
    with transaction(db) as conn:
        plan = load_plans(BUNDLED_PLANS)["starter"]
        open_account(conn, "acme", plan, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
        of_plan = sum(held_on_lots(conn, "acme").values())
        grant(conn, "acme", given, now=now)
        advance(conn, "acme", now + timedelta(hours=23), gateway=REHEARSED_GATEWAY)
        assert sum(held_on_lots(conn, "acme").values()) == of_plan + 500
        advance(conn, "acme", now + timedelta(hours=24), gateway=REHEARSED_GATEWAY)
        assert sum(held_on_lots(conn, "acme").values()) == of_plan


def _compare(
    conn: Connection,
    account_id: str,
    last: datetime,
    now: datetime,
    seen: Counter[tuple[str, bool]],
) -> None:
    found = due_now(conn, account_id, now)
    seen.update(
        {
            ("boundaries", found.at_boundaries): 1,
            ("payments", found.payments): 1,
            ("owes", found.owes): 1,
        }
    )
    before = books(conn)
    if not found.at_boundaries:
        apply_due_boundaries(conn, account_id, after=last, now=now, gateway=REHEARSED_GATEWAY)
        assert books(conn) == before, (account_id, now)
        if not found.owes:
            assert not debts_of(conn, found.subscription).usd_micros, account_id
            assert standing_of(conn, found.subscription, now) is None, account_id
        if not found.payments:
            collect_due_runs(conn, account_id, gateway=REHEARSED_GATEWAY, now=now)
            assert books(conn) == before, (account_id, now)
