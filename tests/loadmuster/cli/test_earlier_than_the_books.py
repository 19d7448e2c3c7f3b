"""A look under an earlier clock than the account's shows later books, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

LOOKS = (
    ("account", "show", "clk"),
    ("ledger", "clk"),
    ("invoices", "clk"),
    ("usage", "clk"),
    ("department", "list", "clk"),
)
SAID = "As of 2029-05-01 10:00, the account's last command"


@pytest.fixture
def clk(loadmuster: CommandLine) -> CommandLine:
    opened = ("account", "open", "clk", "--plan", "starter")
    assert loadmuster.here("--now", "2029-05-01T10:00", *opened).code == 0
    return loadmuster


@pytest.mark.parametrize("look", LOOKS, ids=" ".join)
def test_books_of_a_later_time_than_was_asked_for_say_so(
    look: tuple[str, ...], clk: CommandLine
) -> None:
    earlier = clk.here("--now", "2028-01-01", *look)
    assert earlier.code == 0
    assert SAID in " ".join((earlier.out + earlier.err).split())
    own = clk.here("--now", "2029-05-01T10:01", *look)
    assert "As of" not in own.out + own.err


def test_of_all_accounts_those_that_are_shown_later_than_asked_for_are_marked(
    clk: CommandLine,
) -> None:
    opened = ("account", "open", "old", "--plan", "starter")
    assert clk.here("--now", "2027-01-25", *opened).code == 0
    told = "+: as of the account's last command; books of an earlier time are not shown"
    earlier = clk.here("--now", "2028-01-01", "usage", "--all").out
    assert ("clk+" in earlier, "old+" in earlier) == (True, False)
    assert told in " ".join(earlier.split())
    own = clk.here("--now", "2029-05-01T10:01", "usage", "--all").out
    assert "+" not in own
