"""Twenty processes on one database: sums are exact, and who is refused is told why in a line."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from kernel.clock import ManualClock
from loadmuster import Engine
from tests.loadmuster.api.racing import Order, Reply, race
from tests.patience import PATIENCE_S

PROCESSES = 20
NOW = datetime(2027, 1, 25, 9, 0, tzinfo=UTC)
USD = 1_000_000
STARTER_USD = 199


@pytest.fixture
def books(database_url: str) -> str:
    """acme on Starter with a department, and globex beside it."""
    with Engine(database_url, clock=ManualClock(NOW), environment={}) as engine:
        for account in ("acme", "globex"):
            engine.accounts.open(account, plan="starter")
        engine.departments.add("acme", "qa")
    return database_url


def test_the_same_request_of_twenty_is_done_once_and_others_each(books: str) -> None:
    orders = [
        [
            Order("accounts", "boost", "acme", {"request_id": "the-same"}),
            Order("accounts", "boost", "acme", {"request_id": f"own-{number}"}),
            Order("accounts", "boost", "globex", {"request_id": "the-same"}),
            Order("accounts", "upgrade", "globex", {"plan": "professional"}),
            Order("departments", "allocate", "acme", {"name": "qa", "li_minutes": 40 + number}),
            Order("accounts", "open", "initech", {"plan": "starter"}),
        ]
        for number in range(PROCESSES)
    ]
    replies = race(books, NOW, orders)
    same, own, on_globex, upgrades, shares, openings = (
        Counter(reply.code for reply in each) for each in zip(*replies, strict=True)
    )
    assert same == own == on_globex == shares == {"": PROCESSES}
    assert upgrades == {"": 1, "same_plan": PROCESSES - 1}
    assert openings[""] >= 1
    assert openings.total() == PROCESSES
    assert_said_in_a_line(replies)
    with Engine(books, clock=ManualClock(NOW), environment={}) as engine:
        acme, globex, initech = (
            engine.accounts.show(each) for each in ("acme", "globex", "initech")
        )
        assert acme.charged_usd_micros == (1 + 1 + PROCESSES) * STARTER_USD * USD
        assert acme.balance_li_minutes == (1 + 1 + PROCESSES) * 1_800
        assert globex.charged_usd_micros == (2 * STARTER_USD + 500) * USD
        assert globex.balance_li_minutes == 2 * 1_800 + 5_400
        assert initech.charged_usd_micros == STARTER_USD * USD
        (qa,) = engine.departments.list("acme")
        assert qa.department.allocation_li_minutes in range(40, 40 + PROCESSES)
        assert qa.balance_li_minutes >= qa.department.allocation_li_minutes
        invoices = engine.reports.invoices("acme")
        assert len(invoices) == 2 + PROCESSES
        assert sum(each.usd_micros for each in invoices) == acme.charged_usd_micros
        assert engine.db.check() == ()


@pytest.mark.long
def test_twenty_command_lines_at_once(books: str) -> None:
    def boost(number: int) -> subprocess.CompletedProcess[str]:
        request = "the-same" if number % 2 else f"own-{number}"
        return subprocess.run(
            [
                *(sys.executable, "-m", "loadmuster.cli", "--db", books, "--now", NOW.isoformat()),
                *("account", "boost", "acme", "--request-id", request),
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    with ThreadPoolExecutor(PROCESSES) as pool:
        ended = list(pool.map(boost, range(PROCESSES)))
    assert {each.returncode for each in ended} == {0}, [each.stderr for each in ended]
    assert not any("Traceback" in each.stderr + each.stdout for each in ended)
    with Engine(books, clock=ManualClock(NOW), environment={}) as engine:
        shown = engine.accounts.show("acme")
        assert shown.charged_usd_micros == (1 + 1 + PROCESSES // 2) * STARTER_USD * USD
        assert engine.db.check() == ()


def assert_said_in_a_line(replies: list[list[Reply]]) -> None:
    """No lock, no retry and no traceback reaches who asked."""
    for reply in (each for answers in replies for each in answers):
        assert "\n" not in reply.line
        assert reply.code not in {"database_busy", "database_unusable", "balance_unsettled"}
        assert bool(reply.code) == bool(reply.line)
