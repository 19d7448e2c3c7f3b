"""``account refund``, ``account refunds`` and ``books reconcile``, as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import Command, here

NOW = "2027-01-25T09:00+00:00"
KEY = "4f0c19d2ab7e:subscription:1:period:0:1"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    call = here(capsys, "--db", f"sqlite:///{tmp_path / 'books.db'}", "--now", NOW)
    assert call("account", "open", "acme", "--plan", "starter").code == 0
    return call


def test_a_refund_is_told_as_a_document_and_for_people(command: Command) -> None:
    asked = ("account", "refund", "acme", "--invoice", "acme-00001", "--reason", "slow")
    first = command(*asked, "--usd", "50", "--request-id", "r1", "--json")
    assert first.code == 0, first.err
    told = first.json
    assert (told["usd"], told["state"], told["credit_note"]) == (
        "50.00",
        "accepted",
        told["credit_note"],
    )
    assert told["credit_note"] == "acme-CN00001"
    assert command(*asked, "--usd", "50", "--request-id", "r1", "--json").json == told
    rest = command(*asked)
    assert "149.00 USD of acme-00001 were given back; credit note acme-CN00002" in rest.out
    again = command(*asked)
    assert (again.code, again.err.count("\n")) == (3, 1)
    assert "nothing is left to be given back: 199.00 USD were paid, and 199.00 USD" in again.err
    assert "0.00 USD cannot" not in again.err
    listed = command("account", "refunds", "acme", "--json").json["refunds"]
    assert [each["usd"] for each in listed] == ["50.00", "149.00"]
    status = command("invoices", "acme", "--json").json["invoices"][0]["status"]
    assert status == "refunded"
    assert command("db", "check").code == 0


@pytest.mark.parametrize(
    ("usd", "said"),
    [("-5", "more than nothing"), ("0.001", "whole cents"), ("lots", "not an amount")],
)
def test_an_amount_that_will_not_do_is_refused_in_one_line(
    command: Command, usd: str, said: str
) -> None:
    answer = command(
        *("account", "refund", "acme", "--invoice", "acme-00001"),
        *("--reason", "slow", f"--usd={usd}"),
    )
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert said in answer.err


def test_a_gateway_that_moved_nothing_matches_books_in_which_nothing_was(command: Command) -> None:
    answer = command("books", "reconcile", "--month", "2027-01", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["matched"], answer.json["differences"]) == (0, [])
    assert "0 movements alike" in command("books", "reconcile").out


def test_a_file_with_a_movement_that_nobody_asked_for_ends_with_5(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "moved.csv"
    file.write_text(
        f"key,kind,amount,currency,at\n{KEY},payment,199.00,USD,2027-01-25T09:15:00Z\n",
        encoding="utf-8",
    )
    answer = command("books", "reconcile", str(file), "--json")
    assert answer.code == 5
    (difference,) = answer.json["differences"]
    assert (difference["difference"], difference["books"]) == ("missing_in_books", None)
    assert difference["gateway"]["key"] == KEY
    told = command("books", "reconcile", str(file))
    assert told.code == 5
    assert "1 difference; 0 movements alike on both sides." in told.out
    missing = command("books", "reconcile", str(tmp_path / "nowhere.csv"))
    assert (missing.code, missing.err.count("\n")) == (2, 1)


@pytest.mark.parametrize("column", ["amount", "fee", "key"])
def test_a_file_with_a_column_twice_is_refused(
    command: Command, tmp_path: Path, column: str
) -> None:
    file = tmp_path / "moved.csv"
    names = ["key", "kind", "amount", "currency", "at", "fee", column]
    file.write_text(
        f"{','.join(names)}\n{KEY},payment,199.00,USD,2027-01-25T09:15:00Z,1.00,2.00\n",
        encoding="utf-8",
    )
    answer = command("books", "reconcile", str(file))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert f"there are two columns '{column}'" in answer.err


def test_it_is_said_that_rehearsed_payments_are_not_compared(command: Command) -> None:
    assert "Payments here are rehearsed and are not compared" in command("books", "reconcile").out
    assert command("books", "reconcile", "--json").json["payments_rehearsed"] is True


def test_what_is_too_much_to_credit_is_told_by_what_invoices_charge(command: Command) -> None:
    words = ("account", "adjust", "acme", "--reason", "goodwill", "--credit")
    assert command(*words, "150").code == 0
    refused = command(*words, "100")
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    assert "49.00 USD of what it was charged by invoice are not taken back" in refused.err


def test_an_adjustment_is_told_and_one_without_an_amount_refused(command: Command) -> None:
    told = command("account", "adjust", "acme", "--credit", "20", "--reason", "goodwill", "--json")
    assert (told.code, told.json["kind"], told.json["total_usd"]) == (0, "credit_note", "-20.00")
    less = command("account", "adjust", "acme", "--debit", "5", "--reason", "too much")
    assert "5.00 USD were taken of the credit; invoice acme-00002" in less.out
    for amounts in ((), ("--credit", "1", "--debit", "1"), ("--credit", "-1"), ("--debit", "x")):
        answer = command("account", "adjust", "acme", *amounts, "--reason", "r")
        assert (answer.code, answer.err.count("\n")) == (2, 1), answer.err
    beyond = command("account", "adjust", "acme", "--debit", "16", "--reason", "r")
    assert (beyond.code, beyond.err.count("\n")) == (3, 1)


def test_disputes_of_an_account_that_has_none_are_none(command: Command) -> None:
    assert command("account", "disputes", "acme", "--json").json == {"id": "acme", "disputes": []}
    assert "ever disputed" in command("account", "disputes", "acme").out
