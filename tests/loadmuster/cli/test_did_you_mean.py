"""A name that nobody knows is answered with the one that may have been meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.near_names import LETTERS_MAX, meant, near_names
from tests.command_tree import commands

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
TARIFF = ("tariff", "price", "loadview", "--duration", "3m")
MEASURE = ("calibrate", CHECKOUT, "--provider", "aws", "--dry-run")
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
    "plan of a curve": (("plot", "cost", CHECKOUT, "--tariff", "profesional"), "professional"),
    "tariff of a curve": (("plot", "cost", CHECKOUT, "--tariff", "loadvew"), "loadview"),
    "tariff to set": (("tariff", "set", "loadvew", "--usd", "1", "--per", "u"), "loadview"),
    "tariff to unset": (("tariff", "unset", "loadvew"), "loadview"),
    "host to forbid": (("account", "forbid-target", "acme", "shop.exmple.com"), "shop.example.com"),
    "invoice": (("invoices", "paid", "--html", "paid-0001"), "paid-00001"),
    "invoice as a file": (("invoices", "paid", "--pdf", "paid-0001", "--out", "OUT"), "paid-00001"),
    "invoice to give back": (
        ("account", "refund", "paid", "--invoice", "paid-0001", "--reason", "slow"),
        "paid-00001",
    ),
    "column to sort by": (
        ("sweep", "SWEPT", "OUT", "--sort", "uds"),
        "usd",
    ),
    "column of a condition": (
        ("sweep", "SWEPT", "OUT", "--where", "uds<100"),
        "usd",
    ),
    "column of a curve's rows": (("plot", "sweep", "SWEPT", "--where", "pln=starter"), "plan"),
    "word of a curve's rows": (("plot", "sweep", "SWEPT", "--where", "plan=startr"), "starter"),
    "account of a calibration": ((*MEASURE, "--account", "acm"), "acme"),
    "region of a calibration": (
        (*MEASURE, "--account", "acme", "--region", "eu-wst-1"),
        "eu-west-1",
    ),
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
    "provider of the catalogue": (("catalog", "list", "--provider", "azur"), "azure"),
    "provider of a machine type": (("catalog", "show", "azur", "eastus", "D2s_v5"), "azure"),
    "region of a machine type": (("catalog", "show", "aws", "us-est-1", "c7i.large"), "us-"),
    "run to draw": (("plot", "run", "run-checkot"), "run-checkout"),
    "run with logs": (("logs", "run-checkot"), "run-checkout"),
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


NAMES = {
    "account": ("account of a run", "account of an estimate", "account of a calibration"),
    "account_id": ("account",),
    "department": ("department of a run",),
    "name": ("department", "tariff", "tariff to set", "tariff to unset"),
    "families": ("family",),
    "family": ("family",),
    "format": ("format",),
    "grid": ("axis", "word of an axis"),
    "host": ("host to forbid",),
    "machine_type": ("machine type of a region",),
    "types": ("machine type",),
    "invoice": ("invoice to give back",),
    "number": ("invoice",),
    "pdf_number": ("invoice as a file",),
    "plan": ("plan to change to", "plan of a sweep"),
    "plan_name": ("plan",),
    "provider": ("provider of the catalogue", "provider of a machine type"),
    "region": ("region of a cloud", "region of a calibration", "region of a machine type"),
    "regions": ("region",),
    "run_id": ("run", "run to watch", "run to cancel", "run to draw", "run with logs"),
    "sort": ("column to sort by",),
    "tariffs": ("plan of a curve", "tariff of a curve"),
    "timezone": ("time zone",),
    "version": ("version of the catalogue",),
    "where": ("column of a condition", "column of a curve's rows", "word of a curve's rows"),
}
"""The options and arguments that take a name out of many, with the slips above that try them."""

MADE_UP = frozenset(
    {
        *("add", "address", "agreed_with", "customer", "email", "representative", "request_id"),
        "reason",
        *("seller", "series"),
    }
)
SAID_BY_KIND = frozenset(
    {
        *("activated", "as_of", "at", "first", "last", "month", "now"),
        *("duration", "duration_s", "max_age", "older_than", "reap_every", "window"),
        *("machine_usd", "max_usd_micros", "usd", "card", "credit", "debit"),
        *("country", "currency", "dask", "db", "source", "target", "tax_id"),
    }
)
"""Days, lengths, amounts and addresses: what would be right is their form."""

NOT_TOLD = frozenset({"administrators", "by", "remove"})
"""Who administers an account is not told to those who do not."""

ONE = frozenset({"per", "settings"})
"""What would be right is named in any case."""


def texts() -> set[str]:
    """The names of all parameters of all commands that take any text."""
    return {
        str(each.name)
        for _, command in commands()
        for each in command.params
        if each.type is click.STRING and not getattr(each, "is_flag", False)
    }


def test_every_option_that_takes_a_name_is_among_the_slips() -> None:
    assert texts() == NAMES.keys() | MADE_UP | SAID_BY_KIND | NOT_TOLD | ONE
    assert {slip for slips in NAMES.values() for slip in slips} <= SLIPS.keys()


@pytest.fixture
def books(acme: CommandLine) -> CommandLine:
    assert acme.here("department", "add", "acme", "research").code == 0
    url = f"sqlite:///{acme.database}"
    with Engine(url, new_id=lambda: "run-checkout") as engine:
        engine.runs.accept(read_scenario(CHECKOUT), account="acme", users=3)
    text = Path(CHECKOUT).read_text(encoding="utf-8")
    assert "think_time" in text
    assert acme.here("account", "open", "paid", "--plan", "starter").code == 0
    assert acme.here("account", "allow-target", "acme", "shop.example.com").code == 0
    swept = str(acme.home / "swept.csv")
    grid = ("--grid", "users=1,2", "--grid", "duration=60", "--grid", "plan=starter,on-demand")
    assert acme.here("sweep", *grid, swept).code == 0
    (acme.home / "slip.yaml").write_text(text.replace("think_time", "thnk_time"))
    return acme


def test_every_name_that_nobody_knows_is_answered_with_one_that_may_be_meant(
    books: CommandLine,
) -> None:
    for kind, (words, expected) in SLIPS.items():
        files = {"FILE": "slip.yaml", "SWEPT": "swept.csv", "OUT": "out.csv"}
        line = [str(books.home / files[word]) if word in files else word for word in words]
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
