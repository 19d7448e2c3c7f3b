"""Product and independent model agree on random lives; where they did not, it would be told."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.independent_model import model
from tests.independent_model.auditing import Plan, audit_some, shortest
from tests.independent_model.lives import DAY_S, ZONES, life
from tests.independent_model.model import changes
from tests.independent_model.model.account import Account
from tests.independent_model.model.books import CHANGES
from tests.independent_model.model.invoices import Invoices
from tests.independent_model.model.months import cycle_start
from tests.independent_model.model.story import Opening, Step, Story
from tests.independent_model.playing import Play, Tally, made_ground, play
from tests.independent_model.product.desk import ACCOUNT
from tests.independent_model.product.picture import picture_of

LIVES, TASKS = 50, 5
PLAN = Plan(seed=20270125, lives=LIVES, steps=10, whole_every=5)
HOME = "tests.independent_model.model"


@pytest.mark.parametrize("task", range(TASKS))
def test_fifty_lives_are_the_same_by_the_rules_text(task: int) -> None:
    outcome = audit_some(PLAN, task * (LIVES // TASKS), LIVES // TASKS)
    assert outcome.differences == []
    assert outcome.lives == LIVES // TASKS
    assert outcome.steps.total() > 60
    assert outcome.refusals.total() > 5


def test_what_differs_is_found_and_told_as_short_as_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that boosts for a dollar more: the shortest story is to buy one."""

    def dearer(account: Account, at: datetime) -> None:
        changes.boost(account, at)
        account.money.sell(at, "boost", 1_000_000)

    monkeypatch.setitem(CHANGES, "boost", dearer)
    opening = Opening(at=datetime(2027, 1, 25, tzinfo=UTC), timezone="Asia/Tokyo", plan="starter")
    steps = [Step(do="wait", wait_s=60), Step(do="cancel"), Step(do="boost"), Step(do="undo")]
    with made_ground() as ground:
        story = Story(opening, tuple(steps))
        found = play(story, ground)
        assert found is not None
        assert found.step == 3
        short, difference = shortest(story, found, ground)
    assert short == Story(replace(opening, timezone="UTC"), (Step(do="boost"),))
    assert "398000000" in difference.what
    assert "399000000" in difference.what


@pytest.mark.parametrize(
    ("payment_days", "forgotten", "parts_after"),
    [(None, "", None), (14, "", None), (14, "take_back", 7), (14, "_due", 1)],
)
def test_invoices_of_what_is_not_paid_are_compared_with_their_credit_notes(
    monkeypatch: pytest.MonkeyPatch,
    payment_days: int | None,
    forgotten: str,
    parts_after: int | None,
) -> None:
    """One is paid when it is overdue, one is given up beneath a switch to on demand (C59)."""
    if forgotten:
        monkeypatch.setattr(Invoices, forgotten, lambda *_: None)
    opening = Opening(
        at=datetime(2027, 1, 25, tzinfo=UTC), timezone="UTC", plan="starter", card="pays"
    )
    steps = [
        Step(do="card", how="declines"),
        Step(do="wait", until="boundary"),
        Step(do="card", how="pays", wait_s=20 * DAY_S),
        Step(do="pay"),
        Step(do="card", how="declines"),
        Step(do="to-on-demand", until="boundary", wait_s=DAY_S),
        Step(do="wait", until="boundary"),
    ]
    story = Story(replace(opening, payment_days=payment_days), tuple(steps))
    with made_ground() as ground:
        found = play(story, ground)
    assert (found and found.step) == parts_after, found


def test_what_is_left_of_a_run_that_nobody_asks_for_was_set_off_against_credit() -> None:
    """A first run fails, which gives credit; of a second all is lowered but what that covers."""
    opening = Opening(at=datetime(2027, 1, 25, tzinfo=UTC), timezone="UTC", plan="on-demand")
    steps = [
        Step(do="run", injectors=1, users=1, duration_s=300),
        Step(do="start", how="no-machines"),
        Step(do="card", how="declines"),
        Step(do="run", injectors=1, users=1, duration_s=3_600),
        Step(do="start"),
        Step(do="end", how="cancel"),
    ]
    with made_ground() as ground:
        playing = Play(Story(opening, tuple(steps)), ground, Tally(), whole_every=1)
        assert playing.play() is None
        (_, left) = picture_of(playing.desk.engine, ACCOUNT).invoices
        page = playing.desk.engine.reports.invoice_page(ACCOUNT, "acme-00002")
        playing.desk.close()
    assert (left.usd_micros, left.status) == (750_000, "paid")
    assert "set off against credit" in page
    assert "not collected" not in page


def test_the_same_number_is_the_same_life() -> None:
    assert life(7, 3, 30) == life(7, 3, 30)
    assert life(7, 3, 30) != life(8, 3, 30)
    assert len(set(ZONES)) == 20


def test_the_model_shares_no_code_with_the_product() -> None:
    """It imports Python's own library and itself."""
    modules = sorted(Path(model.__file__).parent.glob("*.py"))
    assert len(modules) > 8
    for module in modules:
        for name in _imported(module):
            own = name == HOME or name.startswith(f"{HOME}.")
            assert own or name.split(".")[0] in sys.stdlib_module_names, f"{module.name}: {name}"


def _imported(module: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}: a relative import"
            names.append(node.module or "")
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"__import__", "importlib.import_module"}, module.name
    return names


@pytest.mark.parametrize(
    ("anchor", "days"),
    [
        (date(2027, 1, 25), ["01-25", "02-25", "03-25", "04-25", "05-25", "06-25"]),
        (date(2027, 1, 29), ["01-29", "02-28", "03-29", "04-29", "05-29", "06-29"]),
        (date(2027, 1, 31), ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]),
        (date(2028, 1, 31), ["01-31", "02-29", "03-31", "04-30", "05-31", "06-30"]),
    ],
)
def test_the_models_months_are_those_of_the_worked_example(anchor: date, days: list[str]) -> None:
    starts = [cycle_start(anchor, number, "UTC", legacy=False) for number in range(len(days))]
    assert [f"{start:%m-%d}" for start in starts] == days


def test_the_models_days_begin_where_the_clocks_skip_midnight() -> None:
    """Cairo, 30 April 2027: the first instant of the day is 01:00 there (C6)."""
    assert cycle_start(date(2027, 4, 30), 0, "Africa/Cairo", legacy=False) == datetime(
        2027, 4, 29, 22, tzinfo=UTC
    )
