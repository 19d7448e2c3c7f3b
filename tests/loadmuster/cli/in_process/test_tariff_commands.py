from __future__ import annotations

import pytest

from pricing.tariffs import tariff_names
from tests.command_line import Command


def test_tariff_price_says_the_vendor_s_own_example(loadmuster: Command) -> None:
    answer = loadmuster(
        "--json", "tariff", "price", "loadview", "--injectors", "10", "--duration", "3m"
    )
    assert (answer.code, answer.err) == (0, "")
    document = answer.json
    assert {"tariff", "unit", "quantity", "usd", "as_of", "steps"} <= document.keys()
    assert (document["tariff"], document["quantity"], document["usd"]) == ("loadview", 50, None)
    assert document["unit"] == "LI-minute"
    assert document["unknown"][0]["field"] == "usd"
    assert "10 injectors x 5m = 50 LI-minutes" in document["steps"]


def test_tariff_price_tells_people_the_arithmetic(loadmuster: Command) -> None:
    answer = loadmuster("tariff", "price", "on-demand", "--users", "1200", "--duration", "1h30m")
    assert "1200 http users, 500 on an injector: 3 injectors" in answer.out
    assert "= 42.90 USD" in answer.out


def test_money_is_text_and_quantities_are_numbers(loadmuster: Command) -> None:
    answer = loadmuster(
        "tariff", "price", "tencent-pts", "--users", "1", "--duration", "1s", "--json"
    )
    assert answer.json["quantity"] == 8.3333
    assert answer.json["usd"] == "0.01"


def test_redline13_is_priced_by_the_machine_that_is_given(loadmuster: Command) -> None:
    sized = ("tariff", "price", "redline13", "--injectors", "3", "--duration", "1h", "--json")
    document = loadmuster(*sized, "--machine-usd", "0.113", "--sent-gb", "0.0022").json
    assert (document["quantity"], document["usd"], document["unknown"]) == (3, "0.34", [])
    unpriced = loadmuster(*sized).json
    assert unpriced["usd"] is None
    assert unpriced["unknown"][0]["field"] == "usd"


def test_an_older_tariff_says_what_took_its_place(loadmuster: Command) -> None:
    document = loadmuster("--json", "tariff", "list").json
    older = {each["tariff"]: each["superseded_by"] for each in document["tariffs"]}
    assert older["flood-node"] == "flood-vuh"
    assert older["flood-vuh"] is None


def test_the_price_by_an_older_rule_says_so(loadmuster: Command) -> None:
    sized = ("tariff", "price", "flood-node", "--injectors", "5", "--duration", "3m")
    warnings = loadmuster("--json", "--now", "2027-01-01", *sized).json["warnings"]
    assert warnings == ["an older rule; flood-vuh is in force"]


def test_tariff_show_gives_the_vendor_s_example_with_its_page(loadmuster: Command) -> None:
    newest = loadmuster("--json", "tariff", "show", "blazemeter").json["versions"][-1]
    example = newest["examples"][0]
    assert (example["quantity"], example["usd"]) == (120, None)
    assert example["source"].startswith("https://help.blazemeter.com/")
    shown = " ".join(loadmuster("tariff", "show", "blazemeter").out.split())
    assert "is billed 2 x 60 = 120 VUH" in shown


def test_at_chooses_the_wording_of_the_day_and_the_test_clock_is_its_default(
    loadmuster: Command,
) -> None:
    command = ("--json", "tariff", "price", "gatling", "--injectors", "1", "--duration", "1m")
    assert loadmuster(*command, "--at", "2026-07-20").json["version"] == "2026-07-15"
    assert loadmuster(*command, "--now", "2026-02-01").json["version"] == "2026-01-20"


def test_a_day_before_the_first_version_is_priced_with_a_warning(loadmuster: Command) -> None:
    command = ("tariff", "price", "gatling", "--injectors", "1", "--duration", "1m")
    document = loadmuster("--json", *command, "--at", "2020-01-01").json
    assert document["warnings"] == [
        "the oldest version known is of 2026-01-20; it is taken for 2020-01-01 too"
    ]
    assert "Note: the oldest version" in loadmuster(*command, "--at", "2020-01-01").out


def test_tariff_list_has_every_tariff(loadmuster: Command) -> None:
    document = loadmuster("--json", "tariff", "list").json
    assert [each["tariff"] for each in document["tariffs"]] == list(tariff_names())
    shown = loadmuster("tariff", "list").out
    assert all(name in shown for name in tariff_names())


@pytest.mark.parametrize("name", tariff_names())
def test_tariff_show_tells_the_rule_and_where_it_is_published(
    loadmuster: Command, name: str
) -> None:
    document = loadmuster("--json", "tariff", "show", name).json
    assert document["tariff"] == name
    newest = document["versions"][-1]
    assert (newest["usd_per_unit"] is None) == bool(newest["unknown"])
    assert newest["version"] in loadmuster("tariff", "show", name).out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("price", "loadvue", "--injectors", "1", "--duration", "3m"), "no tariff 'loadvue'"),
        (("show", "loadvue"), "no tariff 'loadvue'"),
        (("price", "loadview", "--injectors", "0", "--duration", "3m"), "injectors must be"),
        (("price", "loadview", "--injectors", "1", "--duration=-3m"), "--duration: '-3m'"),
        (("price", "loadview", "--injectors", "1", "--duration", "soon"), "--duration: 'soon'"),
        (("price", "loadview", "--injectors", "1", "--duration", "0s"), "duration in seconds"),
        (("price", "loadview", "--duration", "3m"), "a number of users, or of injectors"),
        (("price", "loadview", "--injectors", "1"), "--duration"),
        (("price", "loadview", "--injectors", "x", "--duration", "3m"), "--injectors"),
        (("price", "grafana-k6", "--injectors", "1", "--duration", "3m"), "counts users"),
        (
            ("price", "redline13", "--injectors", "1", "--duration", "3m", "--machine-usd=x"),
            "--machine-usd: 'x' is not an amount",
        ),
        (
            ("price", "redline13", "--injectors", "1", "--duration", "3m", "--machine-usd=-1"),
            "machines' price in micro-dollars must be from 0",
        ),
        (
            ("price", "redline13", "--injectors", "1", "--duration", "3m", "--sent-gb=-1"),
            "--sent-gb",
        ),
        (
            ("price", "loadview", "--users", "1", "--duration", "3m", "--protocol", "gopher"),
            "--protocol",
        ),
        (
            ("price", "loadview", "--users", "1", "--duration", "3m", "--at", "yesterday"),
            "--at: 'yesterday'",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    loadmuster: Command, arguments: tuple[str, ...], problem: str
) -> None:
    answer = loadmuster("--json", "tariff", *arguments)
    assert answer.code == 2
    assert problem in answer.err
    assert answer.err.count("\n") == 1
    assert problem in answer.json["error"]["message"]
