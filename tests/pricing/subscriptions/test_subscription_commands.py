"""A subscription's life from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadmuster.cli.main import main


class Shell:
    """Runs commands on one database; ``account show`` after each."""

    def __init__(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.database = f"sqlite:///{file}"
        self.capsys = capsys

    def __call__(self, line: str) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as ended:
            main(["--db", self.database, "--json", *line.split()])
        assert isinstance(ended.value.code, int)
        return ended.value.code, json.loads(self.capsys.readouterr().out)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "books.db", capsys)


def test_the_whole_life_of_an_account(shell: Shell) -> None:
    zone = "--timezone Europe/Paris"
    story = [
        (f"open acme --plan starter {zone} --now 2027-01-25T10:15+01:00", "active", 1800, "199.00"),
        ("upgrade acme --plan professional --now 2027-02-24T12:00+01:00", "active", 7200, "699.00"),
        ("boost acme --now 2027-02-24T13:00+01:00", "active", 14400, "1398.00"),
        ("downgrade acme --plan starter --now 2027-02-26", "active", 21600, "2097.00"),
        ("show acme --now 2027-03-25T00:00+01:00", "active", 1800, "2296.00"),
        ("to-on-demand acme --now 2027-03-26", "active", 0, "2296.00"),
        ("undo acme --now 2027-03-27", "active", 1800, "2296.00"),
        ("cancel acme --by ann --now 2027-04-02", "cancellation_requested", 1800, "2296.00"),
        ("confirm-cancel acme --now 2027-04-03", "cancellation_pending", 1800, "2296.00"),
        ("show acme --now 2027-04-26", "cancelled", 0, "2296.00"),
        ("renew acme --now 2027-05-02T12:00", "active", 1800, "2495.00"),
        ("card acme test:declines --now 2027-05-03", "active", 1800, "2495.00"),
        ("show acme --now 2027-06-03", "payment_failure", 1800, "2495.00"),
        ("card acme tok_new --now 2027-06-04", "payment_failure", 1800, "2495.00"),
        ("pay acme --now 2027-06-04", "active", 3600, "2694.00"),
    ]
    for line, status, balance, charged in story:
        code, shown = shell(f"account {line}")
        found = (code, shown["status"], shown["balance_li_minutes"], shown["charged_usd"])
        assert found == (0, status, balance, charged), line


def test_history_and_offers_are_documents(shell: Shell) -> None:
    shell("account open acme --plan starter --now 2027-01-25T10:00Z")
    shell("account upgrade acme --plan professional --now 2027-02-01T00:00Z")
    code, told = shell("history acme --now 2027-02-01T00:00Z")
    assert code == 0
    assert told["plans"][0] == {
        "plan": "starter",
        "status": "Terminated",
        "from": "2027-01-25T10:00:00+00:00",
        "to": "2027-02-01T00:00:00+00:00",
        "monthly_li_minutes": 1800,
        "monthly_usd": "199.00",
    }
    _, offered = shell("account offers acme --now 2027-02-01T00:00Z")
    assert {each["plan"]: each["action"] for each in offered["offers"]}["custom"] == "contact_us"


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        ("account upgrade acme --plan gold", 2, "unknown_plan"),
        ("account upgrade acme --plan starter", 3, "same_plan"),
        ("account upgrade acme --plan custom", 3, "contact_us"),
        ("account upgrade acme --plan starter --credits 5", 2, "credits_not_sold"),
        ("account downgrade acme --plan professional", 3, "wrong_direction"),
        ("account undo acme", 3, "nothing_to_undo"),
        ("account boost demand", 3, "not_subscribed"),
        ("account confirm-cancel acme", 3, "no_cancellation"),
        ("account renew acme", 3, "not_renewable"),
        ("account delete acme", 3, "still_subscribed"),
        ("account pay acme", 3, "nothing_due"),
        ("account cancel nobody --by ann", 2, "unknown_account"),
        ("account boost acme --now 2027-01-01", 3, "clock_backwards"),
        ("account open other --plan enterprise", 3, "contact_us"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    shell: Shell, line: str, code: int, name: str
) -> None:
    shell("account open acme --plan starter --now 2027-01-25T10:00Z")
    shell("account open demand --now 2027-01-25T10:00Z")
    _, before = shell("account show acme --now 2027-01-25T10:00Z")
    clock = "" if "--now" in line else " --now 2027-01-25T10:00Z"
    ended, said = shell(line + clock)
    assert (ended, said["error"]["code"]) == (code, name)
    assert shell("account show acme --now 2027-01-25T10:00Z")[1] == before
