"""``department`` and ``account extra-credits`` as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadmuster.cli.main import main

Run = Callable[..., tuple[int, str, str]]
STARTER = ("--plan", "starter", "--timezone", "Europe/Paris")
SCENARIO = Path(__file__).parents[3] / "examples" / "checkout.yaml"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on this test's database; its exit code, output and messages."""
    monkeypatch.setenv("LOADMUSTER_NOW", "2027-01-25T10:15:00+01:00")

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
        code, out, _ = run(*arguments, "--json")
        assert code == 0, out
        return json.loads(out)

    return call


def test_every_command_answers_with_the_department(answer: Callable[..., Any]) -> None:
    answer("account", "open", "acme", *STARTER)
    answer("department", "add", "acme", "Research", "--request-id", "d-1")
    answer("department", "add", "acme", "Research", "--request-id", "d-1")
    answer("department", "allocate", "acme", "research", "600")
    limited = answer("department", "limit", "acme", "research", "100")
    assert limited == {
        "account": "acme",
        "department": "Research",
        "allocation_li_minutes": 600,
        "balance_li_minutes": 600,
        "reserved_li_minutes": 0,
        "lots": [
            {
                "id": 2,
                "kind": "plan",
                "amount": 600,
                "remaining": 600,
                "reserved": 0,
                "expires_at": None,
            }
        ],
        "wallet": {
            "limit_usd": "100.00",
            "spent_usd": "0.00",
            "reserved_usd": "0.00",
            "available_usd": "100.00",
            "month": {
                "start": "2027-01-25T00:00:00+01:00",
                "end": "2027-02-25T00:00:00+01:00",
            },
        },
    }
    looked = {**limited, "hypothetical": False}
    shown = answer("department", "show", "acme", "research")
    assert shown.pop("as_of").startswith("2027-01-25T10:")
    assert shown == looked
    listed = answer("department", "list", "acme")
    for each in (listed, *listed["departments"]):
        assert each.pop("as_of").startswith("2027-01-25T10:")
    assert listed == {"account": "acme", "hypothetical": False, "departments": [looked]}


def test_extra_credits_answers_with_limit_count_and_price(answer: Callable[..., Any]) -> None:
    answer("account", "open", "acme", *STARTER)
    assert answer("account", "extra-credits", "acme", "--limit", "600", "--request-id", "x") == {
        "id": "acme",
        "limit_credits": 600,
        "bought_credits": 0,
        "reserved_credits": 0,
        "available_credits": 600,
        "usd_each": "0.15",
        "period": {"start": "2027-01-25T00:00:00+01:00", "end": "2027-02-25T00:00:00+01:00"},
    }


def test_a_run_of_a_department_says_who_pays(answer: Callable[..., Any], run: Run) -> None:
    answer("account", "open", "acme", *STARTER)
    answer("department", "add", "acme", "research")
    dry_run = ("run", str(SCENARIO), "--account", "acme", "--dry-run", "--provider", "aws")
    code, out, err = run(*dry_run, "--department", "research", "--yes", "--json")
    refused = json.loads(out)["error"]
    assert (code, refused["code"], refused["limit_usd"]) == (3, "wallet_exceeded", "0.00")
    assert "upgrade the plan" in err
    code, out, _ = run(*dry_run, "--department", "sales", "--yes", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "unknown_department")


def test_people_see_tables(run: Run) -> None:
    run("account", "open", "acme", *STARTER)
    assert "No departments yet" in run("department", "list", "acme")[1]
    run("department", "add", "acme", "research")
    run("department", "allocate", "acme", "research", "600")
    run("department", "limit", "acme", "research", "99.50")
    for arguments in (("department", "show", "acme", "research"), ("department", "list", "acme")):
        code, out, _ = run(*arguments)
        assert code == 0
        assert [word for word in ("research", "600", "99.50") if word not in out] == []
    assert "0.15 USD each" in run("account", "extra-credits", "acme", "--limit", "10")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        ("department add nobody x", 2, "unknown_account"),
        ("department add acme a/b", 2, "bad_department_name"),
        ("department add acme RESEARCH", 3, "department_exists"),
        ("department show acme sales", 2, "unknown_department"),
        ("department allocate acme sales 1", 2, "unknown_department"),
        ("department allocate acme research 1801", 3, "allocation_above_grant"),
        ("department allocate acme research -1", 2, "bad_input"),
        ("department allocate acme research many", 2, "bad_input"),
        ("department allocate globex sales 1", 3, "allocation_refused"),
        ("department limit acme research -5", 2, "bad_input"),
        ("department limit acme research 0.001", 2, "bad_input"),
        ("department limit acme research much", 2, "bad_input"),
        ("account extra-credits acme --limit -1", 2, "bad_input"),
        ("account extra-credits globex --limit 1", 3, "extra_credits_refused"),
        ("account extra-credits nobody --limit 1", 2, "unknown_account"),
    ],
)
def test_bad_input_is_one_line_and_one_document(
    run: Run, arguments: str, code: int, name: str
) -> None:
    run("account", "open", "acme", *STARTER)
    run("account", "open", "globex")
    run("department", "add", "acme", "research")
    run("department", "add", "globex", "sales")
    ended, out, err = run(*arguments.split(), "--json")
    assert (ended, json.loads(out)["error"]["code"]) == (code, name)
    assert err.startswith("loadmuster: ")
    assert err.count("\n") == 1
