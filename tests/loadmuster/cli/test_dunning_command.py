"""``account dunning`` tells how far it has come, and writes the letters about that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from tests.command_line import here

Command = Callable[..., Any]


@pytest.fixture
def owing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command line, with an account whose period of 25 February 2027 was declined."""
    command = here(capsys, "--db", f"sqlite:///{tmp_path / 'loads.db'}")
    for day, *words in (
        ("2027-01-25", "open", "acme", "--plan", "starter"),
        ("2027-01-26", "card", "acme", "test:declines"),
    ):
        assert command("--now", day, "account", *words).code == 0
    return command


def test_the_account_and_its_dunning_tell_the_same(owing: Command) -> None:
    shown = owing("--now", "2027-03-20", "--json", "account", "show", "acme").json
    told = owing("--now", "2027-03-20", "--json", "account", "dunning", "acme").json
    assert (shown["status"], shown["overdue"]) == ("suspended", True)
    assert (
        shown["dunning"]["next"]
        == told["next"]
        == {
            "step": "ended",
            "at": "2027-04-25T00:00:00+00:00",
        }
    )
    assert [each["step"] for each in told["steps"]] == [
        *("reminded", "asked", "asked", "asked", "suspended")
    ]
    assert told["unpaid"][0]["number"] == "acme-00002"
    said = owing("--now", "2027-03-20", "account", "dunning", "acme").out
    assert "199.00 USD of 1 invoice" in said
    assert "the subscription ends on 2027-04-25" in said


def test_before_the_due_date_account_show_says_due_as_invoices_do(owing: Command) -> None:
    owing("--now", "2027-01-27", "billing", "set-seller", "--name", "L", "--payment-days", "14")
    invoices = owing("--now", "2027-03-01", "--json", "invoices", "acme").json["invoices"]
    assert invoices[-1]["status"] == "due"
    assert not owing("--now", "2027-03-01", "--json", "account", "show", "acme").json["overdue"]
    assert "│ due " in owing("--now", "2027-03-01", "account", "show", "acme").out
    assert "│ overdue " in owing("--now", "2027-03-12", "account", "show", "acme").out


def test_who_has_ended_is_told_until_when_it_can_be_renewed(owing: Command) -> None:
    ended = owing("--now", "2027-05-01", "--json", "account", "show", "acme").json
    assert (ended["status"], ended["renewable_until"]) == (
        "cancelled",
        "2027-05-25T00:00:00+00:00",
    )
    assert (
        "possible until 2027-05-24" in owing("--now", "2027-05-01", "account", "show", "acme").out
    )


def test_a_letter_is_written_as_a_page_and_as_pdf(owing: Command, tmp_path: Path) -> None:
    page, drawn = tmp_path / "letter.html", tmp_path / "letter.pdf"
    for words in (
        ("--html", "--letter", "4", "--out", str(page)),
        ("--pdf", "--out", str(drawn)),
    ):
        answer = owing("--now", "2027-03-20", "account", "dunning", "acme", *words)
        assert answer.code == 0, answer.err
    assert "Final notice" in page.read_text(encoding="utf-8")
    text = pypdfium2.PdfDocument(drawn)[0].get_textpage().get_text_bounded()
    assert "Notice of suspension" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--letter", "2"), "--letter goes with --html or --pdf"),
        (("--html",), "a letter needs --out FILE"),
        (("--html", "--letter", "9", "--out", "x.html"), "there is no number 9"),
        (("--html", "--out", "no/such/folder.html"), "no/such/folder.html"),
    ],
)
def test_what_is_no_letter_is_refused_in_one_line(
    owing: Command, words: tuple[str, ...], said: str
) -> None:
    answer = owing("--now", "2027-03-20", "account", "dunning", "acme", *words)
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_who_was_never_told_has_no_letter(owing: Command) -> None:
    answer = owing("--now", "2027-02-01", "account", "dunning", "acme", "--html", "--out", "x")
    assert (answer.code, "there is no letter" in answer.err) == (2, True)
    assert "owes nothing" in owing("--now", "2027-02-01", "account", "dunning", "acme").out


def test_what_is_not_due_yet_is_not_due_since(owing: Command) -> None:
    owing("--now", "2027-01-27", "billing", "set-seller", "--name", "L", "--payment-days", "14")
    before = owing("--now", "2027-03-01", "account", "dunning", "acme").out
    assert "due on 2027-03-11" in before
    assert "due since" not in before
    assert "due since 2027-03-11" in owing("--now", "2027-03-20", "account", "dunning", "acme").out


def test_a_suspension_is_told_with_its_day_and_what_it_means(owing: Command) -> None:
    shown = owing("--now", "2027-03-20", "account", "show", "acme").out
    assert "suspended on 2027-03-18; no run starts" in " ".join(shown.split())
    assert "no run starts on" not in shown


def test_a_letter_does_not_say_that_a_lost_card_is_collected_from(
    owing: Command, tmp_path: Path
) -> None:
    assert owing("--now", "2027-01-27", "account", "card", "acme", "test:lost").code == 0
    page = tmp_path / "letter.html"
    words = ("--html", "--letter", "1", "--out", str(page))
    assert owing("--now", "2027-03-20", "account", "dunning", "acme", *words).code == 0
    said = " ".join(page.read_text(encoding="utf-8").split())
    assert "from a card on record that can still be charged" in said


def test_a_bank_that_answers_later_is_pending_everywhere_until_it_is_reconciled(
    owing: Command,
) -> None:
    assert owing("--now", "2027-01-27", "account", "card", "acme", "test:delays").code == 0
    later = ("--now", "2027-03-01", "account")
    shown = owing(*later, "show", "acme")
    assert "199.00 USD are pending: the bank has not answered" in " ".join(shown.out.split())
    as_json = owing("--json", *later, "show", "acme").json
    assert (as_json["unpaid_usd"], as_json["pending_usd"]) == ("199.00", "199.00")
    refused = owing(*later, "pay", "acme")
    assert refused.code == 3
    assert "`loadmuster account reconcile acme` asks the bank again" in refused.err
    answered = owing(*later, "reconcile", "acme")
    assert answered.code == 0, answered.err
    assert "199.00 USD for subscription:1:period:1: collected, and booked" in answered.out
    paid = owing("--json", *later, "show", "acme").json
    assert (paid["unpaid_usd"], paid["pending_usd"], paid["overdue"]) == ("0.00", "0.00", False)
    assert paid["balance_li_minutes"] == 3_600
    assert "0 payments unfinished" in owing(*later, "reconcile", "acme").out
    assert owing("db", "check").code == 0
