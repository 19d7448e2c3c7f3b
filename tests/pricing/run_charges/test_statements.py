"""How many statements a run takes: each is a way to the database and back."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, event

from engine.database import transaction
from pricing.accounts.opening import open_account
from pricing.ledger.issuing import issue_for_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import charge_start, correct, reserve
from pricing.tariffs import LoadSize

PLANS = load_plans(BUNDLED_PLANS)


@pytest.mark.parametrize(
    ("plan", "expected"), [("starter", (9, 11, 6)), ("on-demand", (5, 14, 23))]
)
def test_a_run_is_reserved_charged_and_billed_in_so_many_statements(
    db: Engine, now: datetime, plan: str, expected: tuple[int, ...]
) -> None:
    """In money, its end also asks for what it owes, and issues an invoice."""
    sent = 0

    def count(_conn: object, _cursor: object, statement: str, *_: Any) -> None:  # noqa: ANN401
        nonlocal sent
        sent += not statement.startswith("BEGIN")

    with transaction(db) as conn:
        open_account(conn, "acme", PLANS[plan], timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
    quote = quote_run(PLANS[plan], LoadSize(injectors=1, users=100, duration_s=60))
    event.listen(db, "before_cursor_execute", count)
    found: list[int] = []
    for number in (1, 2):
        run_id, at = f"r{number}", now + timedelta(minutes=number)
        found.clear()
        with transaction(db) as conn:
            reserve(conn, "acme", run_id, quote, now=at, gateway=REHEARSED_GATEWAY)
        found.append(sent)
        with transaction(db) as conn:
            charge_start(conn, run_id, now=at, gateway=REHEARSED_GATEWAY)
        found.append(sent)
        with transaction(db) as conn:
            correct(
                conn,
                run_id,
                keep_startup=quote.startup,
                keep_use=quote.use,
                reason="over",
                now=at,
                gateway=REHEARSED_GATEWAY,
            )
            issue_for_run(conn, run_id, at)
        found.append(sent)
        before, sent = [0, *found], 0
    event.remove(db, "before_cursor_execute", count)
    assert tuple(b - a for a, b in pairwise(before)) == expected
