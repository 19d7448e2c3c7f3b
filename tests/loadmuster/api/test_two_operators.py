"""Two operators give two commands on one account at the same instant: the books are of one order.

Which of the two came first is for the database to say. Either way the independent model of the
rules, which is asked in both orders, has the very answers and the very books.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from kernel.clock import ManualClock
from loadmuster import Engine
from tests.independent_model.model.books import Books, opened
from tests.independent_model.model.picture import Glance
from tests.independent_model.model.story import Opening, Step
from tests.independent_model.product.picture import glance_of
from tests.loadmuster.api.racing import Order, race
from tests.loadmuster.api.test_twenty_at_once import assert_said_in_a_line

NOW = datetime(2027, 1, 25, 9, 0, tzinfo=UTC)
COMMANDS: dict[str, tuple[str, dict[str, Any], Step]] = {
    "upgrade": ("accounts", {"plan": "professional"}, Step(do="upgrade", plan="professional")),
    "boost": ("accounts", {}, Step(do="boost")),
    "to_on_demand": ("accounts", {}, Step(do="to-on-demand")),
    "undo": ("accounts", {}, Step(do="undo")),
    "cancel": ("accounts", {}, Step(do="cancel")),
    "confirm_cancel": ("accounts", {"representative": "bob"}, Step(do="confirm-cancel")),
    "renew": ("accounts", {}, Step(do="renew")),
    "allocate": (
        "departments",
        {"name": "qa", "li_minutes": 2_000},
        Step(do="allocate", department="qa", amount=2_000),
    ),
}
PAIRS = [(first, second) for first, second in combinations(COMMANDS, 2)] + [
    (each, each) for each in COMMANDS
]
Way = tuple[str, str, Glance]
"""How the first and the second operator were answered, and what the account is then."""


def test_two_commands_at_one_instant_are_one_after_the_other(database_url: str) -> None:
    accounts = [f"account-{number}" for number in range(len(PAIRS))]
    with Engine(database_url, clock=ManualClock(NOW), environment={}) as engine:
        for account in accounts:
            engine.accounts.open(account, plan="starter")
            engine.departments.add(account, "qa")
    firsts, seconds = (
        [_order(pair[side], account) for pair, account in zip(PAIRS, accounts, strict=True)]
        for side in (0, 1)
    )
    replies = race(database_url, NOW, [firsts, seconds])
    assert_said_in_a_line(replies)
    with Engine(database_url, clock=ManualClock(NOW), environment={}) as engine:
        for number, pair in enumerate(PAIRS):
            shown = glance_of(engine.accounts.show(accounts[number]))
            answers = [_outcome(replies[side][number].code) for side in (0, 1)]
            assert (*answers, shown) in _ways(*pair), pair
        assert engine.db.check() == ()


def _ways(first: str, second: str) -> list[Way]:
    """By the model: the first operator first, and the second first."""
    ways = []
    for order in ((0, 1), (1, 0)):
        books = _model()
        answers = ["", ""]
        for side in order:
            answers[side] = _outcome(books.do(COMMANDS[(first, second)[side]][2], NOW))
        ways.append((answers[0], answers[1], books.glance(NOW)))
    return ways


def _model() -> Books:
    books, refused = opened(Opening(at=NOW, timezone="UTC", plan="starter"))
    assert not refused
    assert books.do(Step(do="add-department", department="qa"), NOW) == ""
    return books


def _outcome(code: str) -> str:
    return "refused" if code else "done"


def _order(command: str, account: str) -> Order:
    room, named, _ = COMMANDS[command]
    assert isinstance(named, dict)
    return Order(room, command, account, dict(named))
