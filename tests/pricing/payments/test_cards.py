"""A card goes by the channel's own name; its number is taken nowhere, and repeated nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pricing.payments.cards import CARD_LETTERS_MAX, BadCardError, check_card
from pricing.payments.gateway import DECLINES, DELAYS, LOST
from tests.command_line import here

if TYPE_CHECKING:
    from engine.api import Engine

NUMBER = "4111111111111111"  # Visa's, for tests
NUMBERS = (
    *(NUMBER, "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", " 4111111111111111"),
    *("4111111111111112", "6304000000000000", "tok_4111111111111111", "4111111111111111/12/27"),
    *("card=4111-1111-1111-1111;cvc=123", "4111111111111111 12/27 123", "٤١١١١١١١١١١١١١١١"),
)
SLIPS = (
    *("test:decline", "TEST:DECLINES", " test:declines", "test:declines ", "test-declines"),
    *("test:accepts", "tests:declines", "testdeclines", "declines", "Lost", "test :lost", "test:"),
)
WRONG = ("", " ", "tok good", "tok\n1", "tok\x1b[31m", "x" * (CARD_LETTERS_MAX + 1))
RIGHT = (
    *(DECLINES, LOST, DELAYS, "tok_good", "visa", "pm_1NvTz2LkdIwHu7ixKzPqWqbV", "x"),
    *(
        "tok_1234",
        "card_20261201",
        "8415-AB73-6344",
        "tok_1234567890123456",
        "testament",
        "tok_lost",
    ),
)


@pytest.mark.parametrize("card", [*NUMBERS, *SLIPS, *WRONG])
def test_what_is_no_name_of_a_card_is_refused_and_not_repeated(card: str) -> None:
    with pytest.raises(BadCardError) as refused:
        check_card(card)
    assert not card.strip() or card.strip() not in str(refused.value.to_json()).replace(
        "test:declines, test:lost and test:delays are known", ""
    )


@pytest.mark.parametrize("card", RIGHT)
def test_a_name_of_a_card_is_taken(card: str) -> None:
    check_card(card)


@pytest.mark.parametrize("card", [NUMBER, SLIPS[0], ""])
def test_neither_opening_nor_changing_takes_it_and_the_books_hold_nothing_of_it(
    card: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "books.db"
    command = here(capsys, "--db", f"sqlite:///{file}", "--now", "2027-01-25T09:00Z")
    refused = command("account", "open", "acme", "--plan", "starter", "--card", card)
    assert (refused.code, refused.err.count("\n"), file.exists()) == (2, 1, False), refused
    assert command("account", "open", "acme", "--plan", "starter", "--card", DECLINES).code == 3
    assert command("account", "open", "acme", "--plan", "starter", "--card", "tok_1").code == 0
    changed = command("account", "card", "acme", card, "--json")
    assert (changed.code, changed.json["error"]["code"]) == (2, "bad_card")
    told = changed.out + changed.err + refused.err
    assert not card or card not in told.replace(DECLINES, "")
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("books.db*"))
    assert not card or card.encode() not in kept.replace(DECLINES.encode(), b"")
    assert b"tok_1" in kept


def test_python_is_refused_likewise(engine: Engine) -> None:
    engine.accounts.open("acme", plan="starter", card="tok_1")
    with pytest.raises(BadCardError):
        engine.accounts.set_card("acme", NUMBER)
    with pytest.raises(BadCardError):
        engine.accounts.open("globex", card=NUMBER)
    assert NUMBER not in str(engine.accounts.log("acme"))
