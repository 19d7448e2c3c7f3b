"""Everything that waits for its boundary is shown, and nothing of it is said to be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.clock import ManualClock, parse_instant
from tests.command_line import Command, here

NOW = "2027-01-25T09:00Z"
CHECKOUT = read_scenario(Path(__file__).resolve().parents[4] / "examples" / "checkout.yaml")


@pytest.fixture
def url(migrated_file: Path, tmp_path: Path) -> str:
    (tmp_path / "books.db").write_bytes(migrated_file.read_bytes())
    return f"sqlite:///{tmp_path / 'books.db'}"


@pytest.fixture
def call(url: str, capsys: pytest.CaptureFixture[str]) -> Command:
    return here(capsys, "--db", url, "--now", NOW)


def accept(url: str, injectors: int) -> None:
    """A run that waits, with credits reserved."""
    with Engine(url, clock=ManualClock(parse_instant(NOW, where="now")), environment={}) as engine:
        engine.runs.accept(CHECKOUT, account="acme", injectors=injectors, users=9)


def shown(call: Command) -> tuple[str, list[dict[str, object]]]:
    """What an account waits for, in words and in the document."""
    document = call("--json", "account", "show", "acme").json
    first = document["pending_changes"][0] if document["pending_changes"] else None
    assert document["pending"] == first
    words = call("account", "show", "acme").out.replace("│", " ").split()
    return " ".join(words), document["pending_changes"]


def test_both_changes_that_wait_are_shown_the_next_one_first(call: Command) -> None:
    call("account", "open", "acme", "--plan", "professional")
    call("account", "downgrade", "acme", "--plan", "starter")
    call("account", "cancel", "acme")
    text, changes = shown(call)
    assert [(each["change"], each["state"]) for each in changes] == [
        ("downgrade", "pending"),
        ("cancellation", "requested"),
    ]
    assert "downgrade to starter at 2027-02-25; what is unused then will be void" in text
    assert "cancellation, asked for by owner; not confirmed yet" in text


def test_c38_what_waits_beneath_on_demand_is_shown_as_that(call: Command) -> None:
    call("account", "open", "acme", "--plan", "professional")
    call("account", "downgrade", "acme", "--plan", "starter")
    call("account", "to-on-demand", "acme")
    text, changes = shown(call)
    assert [(each["change"], each["is_beneath"]) for each in changes] == [
        ("on_demand", False),
        ("downgrade", True),
    ]
    assert "7,200 LI-minutes of professional will be void at 2027-02-25" in text
    assert "if on-demand is undone: downgrade to starter at 2027-02-25" in text


@pytest.mark.parametrize(("plan", "left"), [("trial", 10), ("starter", 1_780)])
def test_c2_what_runs_hold_is_not_said_to_be_void(
    call: Command, url: str, plan: str, left: int
) -> None:
    call("account", "open", "acme", "--plan", plan)
    accept(url, 1)
    accept(url, 1)
    assert call("account", "to-on-demand", "acme").code == 0
    text, (change,) = shown(call)
    assert (change["suspended_li_minutes"], change["held_li_minutes"]) == (left, 20)
    assert f"{left:,} LI-minutes of {plan} will be void" in text
    assert "20 LI-minutes that accepted runs hold are kept" in text


def test_c2_where_runs_hold_all_of_it_nothing_will_be_void(call: Command, url: str) -> None:
    call("account", "open", "acme", "--plan", "trial")
    for _ in range(3):
        accept(url, 1)
    assert call("account", "to-on-demand", "acme").code == 0
    text, (change,) = shown(call)
    assert (change["suspended_li_minutes"], change["held_li_minutes"]) == (0, 30)
    assert "void" not in text
    assert "undo gives trial back; 30 LI-minutes that accepted runs hold are kept" in text
