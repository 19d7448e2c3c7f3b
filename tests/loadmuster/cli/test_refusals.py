"""What cannot be, on the command line: one line with the numbers, and nothing half done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.command_tree import commands
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

OPENED = "2027-01-25T10:00Z"


@pytest.fixture
def books(loadmuster: CommandLine) -> CommandLine:
    """acme on Starter with a department and a boost under the id ``b1``; globex on demand."""
    for line in (
        "account open acme --plan starter",
        "account open globex",
        "department add acme research",
        "account boost acme --request-id b1",
    ):
        answer = loadmuster.here(*line.split(), "--now", OPENED)
        assert answer.code == 0, answer.err
    return loadmuster


def everything(books: CommandLine) -> list[str]:
    """All that the books say."""
    return [
        books.here("--json", *line.split(), "--now", OPENED).out
        for line in ("account show acme", "account show globex", "ledger acme", "ledger globex")
    ]


@pytest.mark.parametrize(
    ("line", "code", "name", "said"),
    [
        ("account open initech --plan gold", 2, "unknown_plan", ["gold", "starter"]),
        ("account upgrade acme --plan gold", 2, "unknown_plan", ["gold", "starter"]),
        (
            "account boost acme --now 2027-01-24T10:00Z",
            3,
            "clock_backwards",
            ["2027-01-24T10:00", "2027-01-25T10:00"],
        ),
        (
            "department allocate acme research 1801",
            3,
            "allocation_above_grant",
            ["1,801", "1,800"],
        ),
        ("department allocate acme research -1", 2, "bad_input", ["-1", "0 LI-minutes"]),
        ("department limit acme research -5", 2, "bad_input", ["-5", "0.00"]),
        ("account extra-credits acme --limit -7", 2, "bad_input", ["-7", "0 to"]),
        ("account boost globex", 3, "not_subscribed", ["globex", "on-demand"]),
        ("account upgrade acme --plan starter", 3, "same_plan", ["acme", "starter"]),
        (
            "account upgrade acme --plan professional --request-id b1",
            3,
            "request_conflict",
            ["b1", "boost"],
        ),
    ],
)
def test_it_is_refused_with_its_numbers_and_nothing_is_done(
    books: CommandLine, line: str, code: int, name: str, said: list[str]
) -> None:
    before = everything(books)
    clock = () if "--now" in line else ("--now", OPENED)
    answer = books.here("--json", *line.split(), *clock)
    assert (answer.code, answer.json["error"]["code"]) == (code, name)
    assert answer.err.startswith("loadmuster: ")
    assert answer.err.count("\n") == 1
    assert [word for word in said if word not in answer.err] == [], answer.err
    assert everything(books) == before


def test_a_run_is_refused_while_an_earlier_one_could_not_be_collected(books: CommandLine) -> None:
    run = ("run", "examples/checkout.yaml", "--account", "globex", "--provider", "aws", "--dry-run")
    clock = ("--now", OPENED)
    assert books.here("account", "card", "globex", "test:declines", *clock).code == 0
    first = books.charged("--json", *run, "--speed", "600", *clock)
    assert (first.code, first.json["outcome"]) == (0, "completed")
    shown = books.here("--json", "account", "show", "globex", "--now", "2027-01-25T11:00Z").json
    assert (shown["status"], shown["unpaid_usd"]) == ("payment_failure", "5.00")

    later = ("--now", "2027-01-25T11:00Z")
    refused = books.here("--json", *run, *later)
    assert (refused.code, refused.json["error"]["code"]) == (3, "payment_overdue")
    assert "5.00 USD for 1 run could not be collected; pay first" in refused.err

    assert books.here("account", "card", "globex", "tok_new", *later).code == 0
    paid = books.here("--json", "account", "pay", "globex", *later).json
    assert (paid["status"], paid["unpaid_usd"], paid["charged_usd"]) == ("active", "0.00", "5.00")


def test_of_two_upgrades_at_once_one_is_done_and_the_other_refused(books: CommandLine) -> None:
    upgrade = ("--json", "account", "upgrade", "acme", "--plan", "professional", "--now", OPENED)
    both = [books.start(*upgrade, "--request-id", f"u{number}") for number in range(2)]
    said = [process.communicate(timeout=PATIENCE_S) for process in both]
    assert sorted(process.returncode for process in both) == [0, 3], said
    (refusal,) = (err for process, (_, err) in zip(both, said, strict=True) if process.returncode)
    assert refusal.startswith("loadmuster: account acme is on plan professional already")
    assert "699.00 USD, 7,200 LI-minutes" in refusal
    assert refusal.count("\n") == 1
    shown = books.here("--json", "account", "show", "acme", "--now", OPENED).json
    assert (shown["charged_usd"], shown["balance_li_minutes"]) == ("898.00", 9000)


def test_one_request_sent_twice_at_once_is_done_once(books: CommandLine) -> None:
    boost = ("--json", "account", "boost", "acme", "--now", OPENED, "--request-id", "b2")
    both = [books.start(*boost) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    shown = books.here("--json", "account", "show", "acme", "--now", OPENED).json
    assert (shown["charged_usd"], shown["balance_li_minutes"]) == ("597.00", 5400)


@pytest.mark.parametrize("line", ["--help", "runs", "--json estimate examples/checkout.yaml"])
def test_an_answer_that_no_disk_has_room_for_ends_with_one_line(
    loadmuster: CommandLine, line: str
) -> None:
    with Path("/dev/full").open("w") as full:
        ended = loadmuster.printing_to(full, *line.split())

    assert ended.returncode == 2
    assert ended.stderr.startswith("loadmuster: output: cannot be written: No space left")
    assert ended.stderr.count("\n") == 1


ONCE_EACH = {
    "account open": "globex --plan starter",
    "account allow-target": "acme shop.example.com",
    "account adjust": "acme --credit 5 --reason slow",
    "account boost": "acme",
    "account cancel": "acme",
    "account administrators": "acme --add bob",
    "account card": "acme tok_1",
    "billing set": "acme --name Acme",
    "account confirm-cancel": "acme",
    "account delete": "acme",
    "account downgrade": "acme --plan starter",
    "account extra-credits": "acme --limit 100",
    "account forbid-target": "acme shop.example.com",
    "account heal": "acme --yes",
    "account pay": "acme",
    "account refund": "acme --invoice acme-00001 --reason slow",
    "account renew": "acme",
    "account to-on-demand": "acme",
    "account undo": "acme",
    "account upgrade": "acme --plan professional",
    "department add": "acme research",
    "department allocate": "acme research 10",
    "department limit": "acme research 10",
    "run": "examples/checkout.yaml --account acme --provider aws --dry-run --yes",
}
"""Every command that takes a request id, and what else it is given."""


def commands_with_a_request_id() -> set[str]:
    """Read from the command line itself."""
    return {
        name
        for name, command in commands()
        if any(option.name == "request_id" for option in command.params)
    }


def test_every_command_with_a_request_id_is_tried_with_an_empty_one() -> None:
    assert commands_with_a_request_id() == ONCE_EACH.keys()


@pytest.mark.parametrize("command", ONCE_EACH)
def test_no_command_takes_an_empty_request_id(acme: CommandLine, command: str) -> None:
    refused = acme.here(*command.split(), *ONCE_EACH[command].split(), "--request-id", "")
    assert refused.code == 2, refused.out
    assert "--request-id: an id is not empty" in refused.err
