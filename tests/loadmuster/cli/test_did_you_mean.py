"""A name that nobody knows is answered with the one that may have been meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.near_names import LETTERS_MAX, meant, near_names

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
TARIFF = ("tariff", "price", "loadview", "--duration", "3m")
SLIPS = {
    "command": (("estmate", CHECKOUT), "estimate"),
    "command of a group": (("tariff", "lst"), "list"),
    "command of a group of accounts": (("account", "opne", "b"), "open"),
    "option": (("estimate", CHECKOUT, "--usrs", "3"), "--users"),
    "choice": ((*TARIFF, "--protocol", "htp"), "http"),
    "provider": (("doctor", "--provider", "azur"), "azure"),
    "schema": (("schema", "scenari"), "scenario"),
    "plan": (("account", "open", "b", "--plan", "startr"), "starter"),
    "plan to change to": (("account", "upgrade", "acme", "--plan", "Profesional"), "professional"),
    "tariff": (("tariff", "show", "loadvew"), "loadview"),
    "region": (("estimate", CHECKOUT, "--region", "eu-wst-1"), "eu-west-1"),
    "region of a cloud": (("catalog", "list", "--provider", "aws", "--region", "us-est-1"), "us-"),
    "machine type": (("estimate", CHECKOUT, "--type", "c7i.lrge"), "c7i.large"),
    "machine type of a region": (("catalog", "show", "aws", "us-east-1", "c7i.lrge"), "c7i.large"),
    "family": (("catalog", "list", "--family", "c7ii"), "c7i"),
    "version of the catalogue": (("catalog", "use", "bundld"), "bundled"),
    "format": (("estimate", CHECKOUT, "--format", "loadmustr"), "loadmuster"),
    "account": (("account", "show", "acm"), "acme"),
    "account of a run": (("run", CHECKOUT, "--account", "acm"), "acme"),
    "account of an estimate": (("estimate", CHECKOUT, "--account", "acm"), "acme"),
    "department": (("department", "show", "acme", "reserch"), "research"),
    "department of a run": (
        ("run", CHECKOUT, "--account", "acme", "--department", "reserch"),
        "research",
    ),
    "run": (("show", "run-checkot"), "run-checkout"),
    "run to watch": (("watch", "run-checkot"), "run-checkout"),
    "run to cancel": (("cancel", "run-checkot"), "run-checkout"),
    "time zone": (("account", "open", "b", "--timezone", "Europe/Pars"), "Europe/Paris"),
    "axis": (("sweep", "--grid", "protcol=http"), "protocol"),
    "word of an axis": (
        ("sweep", "--grid", "users=1", "--grid", "duration=60", "--grid", "protocol=htp"),
        "http",
    ),
    "plan of a sweep": (
        ("sweep", "--grid", "users=1", "--grid", "duration=60", "--plan", "startr"),
        "starter",
    ),
    "field of a scenario": (("estimate", "FILE"), "think_time"),
}


@pytest.fixture
def books(acme: CommandLine) -> CommandLine:
    assert acme.here("department", "add", "acme", "research").code == 0
    url = f"sqlite:///{acme.database}"
    with Engine(url, new_id=lambda: "run-checkout") as engine:
        engine.runs.accept(read_scenario(CHECKOUT), account="acme", users=3)
    text = Path(CHECKOUT).read_text(encoding="utf-8")
    assert "think_time" in text
    (acme.home / "slip.yaml").write_text(text.replace("think_time", "thnk_time"))
    return acme


def test_every_name_that_nobody_knows_is_answered_with_one_that_may_be_meant(
    books: CommandLine,
) -> None:
    for kind, (words, expected) in SLIPS.items():
        line = [str(books.home / "slip.yaml") if word == "FILE" else word for word in words]
        answer = books.here(*line)
        assert answer.code == 2, (kind, answer)
        assert re.search(f"([Dd]id you mean|near it:|right, like) '?{expected}", answer.err), kind
        assert len(answer.err.splitlines()) == 1, kind


def test_names_are_compared_in_one_place() -> None:
    modules = [file for floor in FLOORS for file in Path(floor).rglob("*.py")]
    comparing = [file for file in modules if "get_close_matches" in file.read_text("utf-8")]
    assert [str(file) for file in comparing] == ["kernel/near_names.py"]


FLOORS = ("kernel", "pricing", "providers", "engine", "loadmuster")


def test_capitals_do_not_count_and_what_is_like_nothing_has_no_hint() -> None:
    assert near_names("STARTR", ["starter", "Start"], most=1) == ["starter"]
    assert meant("zebra", ["starter", "advanced"]) == ""
    assert meant("x" * 10 * LETTERS_MAX, ["x" * 30]) == ""
