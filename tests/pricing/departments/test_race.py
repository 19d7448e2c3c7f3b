"""Twenty processes at once want the last credits: one wins, the others get the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.opening import open_account
from pricing.accounts.view import account_view
from pricing.departments.commands import allocate, department_view, limit_wallet
from pricing.departments.extra_credits import extra_credits_of, limit_extra_credits
from pricing.ledger.allocations import account_lots
from pricing.ledger.ledger import balance, entries
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Unit, quote_to_json
from tests.pricing.departments.racer import race

PROCESSES = 20
USD = 1_000_000

Quotes = Callable[..., Any]
Runs = Callable[..., Any]


@pytest.fixture
def outcomes(  # noqa: PLR0913, PLR0917 - one fixture a part of the scene
    db: Engine,
    database_url: str,
    acme: str,
    research: str,
    starter: Plan,
    quotes: Quotes,
    runs: Runs,
    now: datetime,
) -> list[list[dict[str, Any]]]:
    """What each of twenty processes got: for the department, for acme, and for initech."""
    with transaction(db) as conn:
        allocate(conn, acme, research, 60, now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, acme, research, 30 * USD, now=now, gateway=REHEARSED_GATEWAY)
        open_account(conn, "initech", starter, timezone="UTC", now=now, gateway=REHEARSED_GATEWAY)
        runs(conn, "initech").start("before", quotes(1_800), now, department=None)
        limit_extra_credits(conn, "initech", 50, now=now, gateway=REHEARSED_GATEWAY)

    def wish(account: str, department: str | None, number: int, sized: Any) -> dict[str, Any]:  # noqa: ANN401 - the fixture's tuple
        return {
            "account": account,
            "department": department,
            "run": f"{account}-{department}-{number}",
            "quote": quote_to_json(sized.credits),
            "money": quote_to_json(sized.money),
        }

    return race(
        database_url,
        now,
        [
            [
                wish(acme, research, number, quotes(60, usd=30)),
                wish(acme, None, number, quotes(1_740)),
                wish("initech", None, number, quotes(5)),
            ]
            for number in range(PROCESSES)
        ],
    )


def test_twenty_processes_at_once_get_exactly_what_there_is(
    db: Engine, outcomes: list[list[dict[str, Any]]], now: datetime
) -> None:
    department, account, extra = (
        Counter(answer.get("payer") or answer["code"] for answer in each)
        for each in zip(*outcomes, strict=True)
    )
    assert department == {"department_credits": 1, "wallet": 1, "wallet_exceeded": 18}
    assert account == {"account_credits": 1, "insufficient_credits": 19}
    assert extra == {"account_credits": 10, "insufficient_credits": 10}
    for of_department, of_account, of_extra in outcomes:
        if "code" in of_department:
            assert of_department["quoted_usd"] == "30.00"
            assert of_department["available_usd"] == "0.00"
        if "code" in of_account:
            assert (of_account["needed"], of_account["available"]) == (1_740, 0)
        if "code" in of_extra:
            assert (of_extra["needed"], of_extra["available"]) == (5, 0)
    with transaction(db) as conn:
        view = department_view(conn, "acme", "research", now, gateway=REHEARSED_GATEWAY)
        assert (view.balance_li_minutes, view.wallet.spent_usd_micros) == (0, 30 * USD)
        assert account_lots(conn, "acme", now) == ()
        assert (
            account_view(conn, "acme", now, gateway=REHEARSED_GATEWAY).charged_usd_micros
            == 229 * USD
        )
        assert extra_credits_of(conn, "initech", now).bought_li_minutes == 50
        assert (
            account_view(conn, "initech", now, gateway=REHEARSED_GATEWAY).charged_usd_micros
            == 206_500_000
        )
        for account_id, used in (("acme", 1_800), ("initech", 1_850)):
            lines = ("used:start-up", "used:use")
            assert used == sum(balance(conn, account_id, n, Unit.LI_MINUTES) for n in lines)
            for entry in entries(conn, account_id):
                for unit in Unit:
                    assert sum(p.amount for p in entry.postings if p.unit is unit) == 0
