"""``account``, ``ledger`` and ``invoices`` as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadmuster.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on this test's database; its exit code, output and messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--db", f"sqlite:///{tmp_path / 'books.db'}", *arguments])
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """Run a command that succeeds; its JSON document."""

    def call(*arguments: str) -> Any:  # noqa: ANN401 - any document
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return call


STARTER = ("--plan", "starter", "--timezone", "Europe/Paris")
OPENED = ("--now", "2027-01-25T10:15:00+01:00")


def test_open_answers_with_the_contracts_document(answer: Callable[..., Any]) -> None:
    assert answer("account", "open", "acme", *STARTER, *OPENED) == {
        "id": "acme",
        "plan": "starter",
        "status": "active",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "tax": None,
        "tax_usd": "0.00",
        "activated_at": "2027-01-25T10:15:00+01:00",
        "period": {"start": "2027-01-25T00:00:00+01:00", "end": "2027-02-25T00:00:00+01:00"},
        "balance_li_minutes": 1800,
        "reserved_li_minutes": 0,
        "lots": [
            {
                "id": 1,
                "kind": "plan",
                "amount": 1800,
                "remaining": 1800,
                "reserved": 0,
                "effective_at": "2027-01-25T10:15:00+01:00",
                "expires_at": None,
                "cause": "subscription:1:period:0",
            }
        ],
        "charged_usd": "199.00",
        "due_usd": "0.00",
        "hypothetical": False,
        "next_charge": {
            "at": "2027-02-25T00:00:00+01:00",
            "usd": "199.00",
            "tax_usd": "0.00",
        },
        "pending": None,
        "pending_changes": [],
        "payments": {
            "channel": "card",
            "card_on_file": False,
            "card_lost": None,
            "rehearsed": True,
        },
        "unpaid_usd": "0.00",
        "pending_usd": "0.00",
        "overdue": False,
        "dunning": None,
        "renewable_until": None,
        "credit_usd": "0.00",
        "disputed_usd": "0.00",
    }


def test_show_has_what_is_due_and_says_so(answer: Callable[..., Any]) -> None:
    answer("account", "open", "acme", *STARTER, *OPENED)
    shown = answer("account", "show", "acme", "--now", "2027-02-25T00:00+01:00")
    assert shown["balance_li_minutes"] == 3600
    assert (shown["charged_usd"], shown["due_usd"]) == ("398.00", "199.00")
    assert shown["period"]["end"] == "2027-03-25T00:00:00+01:00"


def test_on_demand_is_the_default_plan_and_utc_the_zone(answer: Callable[..., Any]) -> None:
    opened = answer("account", "open", "globex")
    assert (opened["plan"], opened["timezone"], opened["period"]) == ("on-demand", "UTC", None)
    assert (opened["lots"], opened["charged_usd"], opened["next_charge"]) == ([], "0.00", None)


def test_w9_a_day_of_activation_is_a_day_in_the_accounts_zone(answer: Callable[..., Any]) -> None:
    at = ("--now", "2027-01-15T12:00Z", "--plan", "starter", "--timezone", "America/Los_Angeles")
    legacy = answer("account", "open", "old", "--activated", "2021-10-11", *at)
    assert legacy["period"]["start"] == "2027-01-01T00:00:00-08:00"
    assert legacy["balance_li_minutes"] == 1800
    newer = answer("account", "open", "new", "--activated", "2021-10-12", *at)
    assert newer["activated_at"] == "2021-10-12T00:00:00-07:00"
    assert newer["period"]["start"] == "2027-01-12T00:00:00-08:00"


def test_list_names_every_account(run: Run, answer: Callable[..., Any]) -> None:
    code, out, said = run("account", "list", "--json")
    assert (code, json.loads(out)) == (0, {"accounts": []})
    assert "the first command that writes makes it" in said
    for name in ("globex", "acme"):
        answer("account", "open", name, *OPENED)
    assert answer("account", "list") == {
        "accounts": [
            {
                "id": name,
                "plan": "on-demand",
                "status": "active",
                "timezone": "UTC",
                "activated_at": "2027-01-25T09:15:00+00:00",
                "opened_at": "2027-01-25T09:15:00+00:00",
            }
            for name in ("acme", "globex")
        ]
    }


def test_the_ledger_shows_both_units(answer: Callable[..., Any]) -> None:
    answer("account", "open", "acme", *STARTER, *OPENED)
    books = answer("ledger", "acme", *OPENED)
    assert [(each["key"], each["postings"]) for each in books["transactions"]] == [
        (
            "subscription:1:period:0:charge",
            [
                {"account": "receivable", "usd": "199.00"},
                {"account": "revenue:subscription", "usd": "-199.00"},
            ],
        ),
        (
            "subscription:1:period:0:payment",
            [{"account": "cash", "usd": "199.00"}, {"account": "receivable", "usd": "-199.00"}],
        ),
        (
            "subscription:1:period:0:grant",
            [{"account": "lot:1", "li_minutes": 1800}, {"account": "issued", "li_minutes": -1800}],
        ),
    ]


def test_invoices_have_the_contracts_shape(answer: Callable[..., Any]) -> None:
    answer("account", "open", "acme", *STARTER, *OPENED)
    issued = answer("invoices", "acme", *OPENED)
    assert issued.pop("as_of").startswith("2027-01-25T10:")
    assert issued == {
        "hypothetical": False,
        "payments_rehearsed": True,
        "invoices": [
            {
                "number": "acme-00001",
                "kind": "invoice",
                "account": "acme",
                "issued_at": "2027-01-25T10:15:00+01:00",
                "due_at": None,
                "status": "paid",
                "corrects": [],
                "seller": None,
                "customer": None,
                "currency": "USD",
                "usd": "199.00",
                "tax_usd": "0.00",
                "total_usd": "199.00",
                "lines": [
                    {
                        "description": "starter, 2027-01-25 to 2027-02-24: subscription",
                        "usd": "199.00",
                        "cause": "subscription:1:period:0:charge",
                    }
                ],
                "taxes": [],
            }
        ],
    }


def test_people_see_tables(run: Run) -> None:
    assert "No accounts yet" in run("account", "list")[1]
    run("account", "open", "globex", *OPENED)
    assert "Nothing in the books yet." in run("ledger", "globex", *OPENED)[1]
    assert "No invoices yet." in run("invoices", "globex", *OPENED)[1]
    run("account", "open", "acme", *STARTER, *OPENED)
    for arguments, said in {
        ("account", "show", "acme"): ["2027-01-25 to 2027-02-24", "1,800", "199.00 USD on"],
        ("account", "list"): ["acme", "globex", "starter", "on-demand"],
        ("ledger", "acme"): ["revenue:subscription", "-199.00 USD", "-1,800 LI-min"],
        ("invoices", "acme"): ["acme-00001", "199.00"],
    }.items():
        code, out, _ = run(*arguments, *OPENED)
        assert code == 0
        assert [word for word in said if word not in out] == []


def test_the_same_command_twice_is_done_once(answer: Callable[..., Any]) -> None:
    opening = ("account", "open", "acme", *STARTER, *OPENED, "--request-id", "r-1")
    assert answer(*opening) == answer(*opening)
    assert len(answer("invoices", "acme", *OPENED)["invoices"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        ("account open acme --plan gold", 2, "unknown_plan"),
        ("account open acme --timezone Europe/Pariss", 2, "unknown_timezone"),
        ("account open acme --activated yesterday", 2, "bad_input"),
        ("account open acme --activated 2031-01-01 --now 2027-01-01", 2, "bad_input"),
        ("account open acme --activated 0001-01-01", 2, "year_out_of_range"),
        ("account open acme --now 9999-12-31", 2, "bad_input"),
        ("account show known --now 9999-12-31T23:59", 2, "bad_input"),
        ("account open a/b", 2, "bad_account_id"),
        ("account open", 2, "bad_input"),
        ("account show nobody", 2, "unknown_account"),
        ("ledger nobody", 2, "unknown_account"),
        ("invoices nobody", 2, "unknown_account"),
        ("account open known --timezone Europe/Paris", 3, "account_conflict"),
        ("account to-on-demand known --now 2027-01-01", 3, "clock_backwards"),
    ],
)
def test_bad_input_is_one_line_and_one_document(
    run: Run, arguments: str, code: int, name: str
) -> None:
    run("account", "open", "known", "--now", "2027-02-01")
    ended, out, err = run(*arguments.split(), "--json")
    assert (ended, json.loads(out)["error"]["code"]) == (code, name)
    assert err.startswith("loadmuster: ")
    assert err.count("\n") == 1


def test_a_mistake_leaves_no_database_behind(run: Run, tmp_path: Path) -> None:
    assert run("account", "open", "a b")[0] == 2
    assert run("account", "open", "acme", "--timezone", "Mars/Olympus")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_advance_brings_every_account_up_to_date_and_counts(answer: Callable[..., Any]) -> None:
    for account_id in ("acme", "globex"):
        answer("account", "open", account_id, *STARTER, *OPENED)
    counts = {"accounts": 2, "advanced": 2, "failed": 0, "failures": []}
    later = ("--now", "2027-03-25T00:00+01:00")
    assert answer("account", "advance", "--all", *later) == counts
    for account_id in ("acme", "globex"):
        assert len(answer("ledger", account_id, *later)["transactions"]) == 9


def test_advance_goes_on_behind_an_account_that_fails_and_says_so(run: Run) -> None:
    run("account", "open", "acme", *STARTER, "--now", "2028-01-25T10:15:00+01:00")
    run("account", "open", "globex", *STARTER, *OPENED)
    code, out, err = run("account", "advance", "--all", "--now", "2027-03-25T00:00+01:00", "--json")
    assert code == 3
    said = json.loads(out)
    assert (said["accounts"], said["advanced"], said["failed"]) == (2, 1, 1)
    assert [(each["id"], each["code"]) for each in said["failures"]] == [
        ("acme", "clock_backwards")
    ]
    assert err == f"loadmuster: {said['failures'][0]['message']}\n"
    globex = run("ledger", "globex", "--json", "--now", "2027-03-25T00:00+01:00")[1]
    assert len(json.loads(globex)["transactions"]) == 9
    code, out, _ = run("account", "advance", "--all", "--now", "2028-03-25T00:00+01:00")
    assert (code, out) == (0, "2 accounts, 2 brought up to date, 0 failed\n")


def test_advance_without_all_is_refused(run: Run) -> None:
    code, _, err = run("account", "advance")
    assert code == 2
    assert "--all would be right" in err
