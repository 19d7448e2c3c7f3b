"""``compare``: the same test at every tariff, on every plan and on each cloud, by its price."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace
from rich.console import Console

from engine.planning.compare import Comparison, compare, services
from engine.planning.compared_row import Kind, Row
from engine.readers import read_scenario
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from loadmuster.cli.compare_view import show_comparison
from loadmuster.documents.schema import json_schema
from pricing.catalog import Catalog
from pricing.plans.model import Caps
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.tariffs import load_tariff, monthly_plans, tariff_names
from tests.command_line import here

Golden = Callable[[str, str], None]
Run = Callable[..., dict[str, Any]]

TODAY = date(2026, 11, 22)


@pytest.fixture
def thousand(small_catalog: Catalog, thousand_users: Scenario) -> Comparison:
    """1,000 HTTP users for 40 minutes."""
    return compare(thousand_users, catalog=small_catalog, at=TODAY)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with ``--json`` in this process: its document."""

    call = here(capsys, "--json", "--now", "2026-11-22")

    def run_command(*arguments: str | Path) -> dict[str, Any]:
        answer = call(*arguments)
        assert answer.code == 0
        assert isinstance(answer.json, dict)
        return answer.json

    return run_command


def row(comparison: Comparison, name: str) -> Row:
    (found,) = [each for each in comparison.rows if each.name == name]
    return found


def test_everything_that_is_in_force_is_compared_once(thousand: Comparison) -> None:
    names = [each.name for each in thousand.rows]
    assert len(set(names)) == len(names)
    assert set(names) == {"own-aws", "own-azure", "on-demand", "starter", *services()}
    older = {name for name in tariff_names() if load_tariff(name).superseded_by}
    assert older
    assert not older & set(names)


def test_the_cheapest_comes_first_and_what_has_no_price_last(thousand: Comparison) -> None:
    prices = [each.usd_micros for each in thousand.rows]
    known = [price for price in prices if price is not None]
    assert prices[: len(known)] == sorted(known)
    assert thousand.rows[0].kind is Kind.OWN
    for each in thousand.rows:
        assert (each.usd_micros is None) == (each.reason is not None), each.name
        assert each.usd_micros != 0, each.name


def test_every_price_of_a_service_says_where_it_is_from(thousand: Comparison) -> None:
    priced = [each for each in thousand.rows if each.kind is Kind.SERVICE and each.usd_micros]
    assert {"azure-load-testing", "grafana-k6", "gatling"} <= {each.name for each in priced}
    for each in priced:
        assert each.price_from is not None, each.name
        assert each.price_from.source, each.name
    others = [each for each in thousand.rows if each not in priced]
    assert all(each.price_from is None for each in others)
    assert thousand.monthly_plans == monthly_plans()


def test_each_service_counts_on_its_own_users_per_engine(thousand: Comparison) -> None:
    engines = {each.name: each.engines for each in thousand.rows}
    assert engines["azure-load-testing"] == 4
    assert engines["browserstack"] == 1
    assert engines["tencent-pts"] == 2
    assert engines["grafana-k6"] is None
    assert row(thousand, "loadview").quantity == 80
    assert row(thousand, "blazemeter").quantity == 1_000


def test_a_subscription_costs_its_share_of_the_month(thousand: Comparison) -> None:
    starter = row(thousand, "starter")
    assert (starter.quantity, starter.usd_micros) == (80, 8_840_000)
    assert "199.00 USD a month for 1,800 LI-minutes" in str(starter.note)


def test_an_account_of_one_s_own_costs_what_its_fleet_does(thousand: Comparison) -> None:
    for fleet in thousand.estimate.clouds:
        own = row(thousand, f"own-{fleet.provider}")
        assert own.engines == sum(group.count for group in fleet.groups)
        assert own.usd_micros is not None
        assert abs(own.usd_micros - fleet.usd_micros) <= 5_000


def test_redline13_costs_whole_hours_of_the_same_machines(thousand: Comparison) -> None:
    (fleet,) = [each for each in thousand.estimate.clouds if each.provider == "aws"]
    hour = sum(group.count * group.offering.hourly_usd_micros for group in fleet.groups)
    # 1,000 users, each with a request of 1,000 bytes a second for 40 minutes: 2.4 GB.
    expected = hour + 24 * 90_000 // 10
    priced = row(thousand, "redline13").usd_micros
    assert priced is not None
    assert abs(priced - expected) <= 5_000


def test_redline13_without_aws_has_no_price(
    thousand_users: Scenario, small_catalog: Catalog
) -> None:
    comparison = compare(thousand_users, catalog=small_catalog, provider="azure", at=TODAY)
    assert row(comparison, "redline13").reason == "no machines of aws were looked at"
    assert "own-aws" not in [each.name for each in comparison.rows]


def test_a_service_that_cannot_count_the_protocol_says_so_and_comes_last(
    thousand_users: Scenario, small_catalog: Catalog
) -> None:
    browsers = replace(
        thousand_users, protocol=Protocol.BROWSER, profile=closed([(0, 20), (600, 20)])
    )
    comparison = compare(browsers, catalog=small_catalog, at=TODAY)
    assert [each.name for each in comparison.rows[-2:]] == ["alibaba-pts", "tencent-pts"]
    assert row(comparison, "tencent-pts").quantity is None
    assert "publishes no number of browser users" in str(row(comparison, "tencent-pts").note)
    assert row(comparison, "loadster").quantity == Decimal("3.3333")
    assert row(comparison, "grafana-k6").quantity == Decimal("33.3333")


def test_fixed_injectors_hold_everywhere_but_where_the_service_decides(
    thousand_users: Scenario, small_catalog: Catalog
) -> None:
    fixed = compare(replace(thousand_users, injectors=5), catalog=small_catalog, at=TODAY)
    engines = {each.name: each.engines for each in fixed.rows}
    assert (engines["loadview"], engines["gatling"], engines["on-demand"]) == (5, 5, 5)
    assert (engines["tencent-pts"], engines["browserstack"]) == (2, 1)


def test_a_plan_that_does_not_allow_the_run_has_no_price(
    thousand_users: Scenario, small_catalog: Catalog
) -> None:
    small = replace(find_plan("starter", BUNDLED_PLANS), caps=Caps(users=999))
    comparison = compare(thousand_users, catalog=small_catalog, at=TODAY, plans=[small])
    assert row(comparison, "starter").reason == "at most 999 users a run"
    assert "on-demand" not in [each.name for each in comparison.rows]


def test_cliffs_are_pointed_out_with_the_cheaper_neighbour(example: Path, run: Run) -> None:
    document = run("compare", example, "--users", "50001", "--duration", "3m")
    rows = {each["tariff"]: each for each in document["rows"]}
    cliff = rows["loadview"]["cliffs"][0]
    assert (cliff["here"], cliff["there"]) == (101, 100)
    assert (cliff["quantity"], cliff["quantity_there"]) == (1_515, 500)
    assert cliff["text"] == (
        "100 injectors instead of 101, with 501 users each: 500 instead of 1,515 LI-minutes"
    )
    assert rows["on-demand"]["cliffs"][0]["usd_there"] == "175.00"
    assert rows["loadster"]["cliffs"] == []


def test_the_document_has_the_shape_of_the_contract_and_of_its_schema(
    example: Path, run: Run
) -> None:
    document = run("compare", example)
    jsonschema.validate(document, json_schema("compare"))
    fields = {"tariff", "engines", "unit", "quantity", "usd", "as_of", "note"}
    for each in document["rows"]:
        assert fields <= each.keys()
        assert each["usd"] is not None or each["note"], each["tariff"]


def test_the_document_is_the_same_from_python(example: Path, run: Run) -> None:
    from engine import compare as public
    from loadmuster.documents.compared import comparison_document

    document = run("compare", example, "--users", "700", "--region", "us-east-1")
    there = public(read_scenario(example, users=700, regions=["us-east-1"]), at=TODAY)
    assert document == json.loads(json.dumps(comparison_document(there)))


@pytest.mark.parametrize("width", [80, 120])
def test_it_looks_as_it_should(
    width: int, example: Path, small_catalog: Catalog, golden: Golden
) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, legacy_windows=False)
    scenario = read_scenario(example, users=50_001, duration_s=180)
    show_comparison(console, compare(scenario, catalog=small_catalog, at=TODAY))
    text = file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    golden(f"compare-{width}.txt", "\n".join(line.rstrip() for line in text.splitlines()) + "\n")
