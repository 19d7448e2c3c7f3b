"""``loadmuster estimate`` and ``schema``: what people see, what programs read, what is loaded."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from engine.planning.estimate import estimate
from engine.readers import read_scenario
from loadmuster.cli.estimate_view import show_estimate
from loadmuster.documents.estimated import estimate_document
from loadmuster.documents.schema import SCHEMAS, json_schema
from pricing.catalog import Catalog
from tests.command_line import Command, here
from tests.patience import PATIENCE_S

Golden = Callable[[str, str], None]
Write = Callable[[str], Path]

TODAY = date(2026, 11, 21)
SOAK = """\
name: soak [bold]test
protocol: browser
load:
  arrivals:
    stages: [{jump_to: 10}, {hold: 2m}, {ramp_to: 150.5, over: 1m}]
    iteration: 30s
regions: {us-east-1: 60%, eu-west-1: 40%}
reference_injector: true
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line in this process."""
    return here(capsys)


def rendered(source: Path, catalog: Catalog, width: int, *, terminal: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        highlight=False,
        legacy_windows=False,
    )
    show_estimate(console, estimate(read_scenario(source), catalog=catalog, at=TODAY))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_example_looks_as_it_should(
    width: int, example: Path, small_catalog: Catalog, golden: Golden
) -> None:
    text = rendered(example, small_catalog, width)
    assert max(len(line) for line in text.splitlines()) <= width
    golden(f"checkout-{width}.txt", text)


def test_regions_arrivals_and_warnings_look_as_they_should(
    write: Write, small_catalog: Catalog, golden: Golden
) -> None:
    text = rendered(write(SOAK), small_catalog, 80)
    assert max(len(line) for line in text.splitlines()) <= 80
    golden("soak-80.txt", text)


def test_a_terminal_gets_colours_and_others_plain_text(
    example: Path, small_catalog: Catalog
) -> None:
    assert "\x1b[" in rendered(example, small_catalog, 80, terminal=True)
    assert "\x1b[" not in rendered(example, small_catalog, 80)


def test_the_document_is_as_it_should_be(
    example: Path, small_catalog: Catalog, golden: Golden
) -> None:
    document = estimate_document(estimate(read_scenario(example), catalog=small_catalog, at=TODAY))
    golden("checkout.json", json.dumps(document, indent=2) + "\n")


@pytest.mark.parametrize("options", [(), ("--explain",)])
@pytest.mark.parametrize("text", [None, SOAK])
def test_the_document_fits_the_exported_schema(
    text: str | None, options: tuple[str, ...], example: Path, write: Write, run: Command
) -> None:
    source = example if text is None else write(text)
    code, out, _ = run("--json", "estimate", source, *options)
    assert code == 0
    schema_code, schema_out, _ = run("schema", "estimate")
    assert schema_code == 0
    schema = json.loads(schema_out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(out), schema)


def test_the_document_has_the_shape_of_the_contract(example: Path, run: Command) -> None:
    _, out, _ = run("estimate", example, "--json")
    document = json.loads(out)
    expected: dict[str, Any] = {
        "scenario": {"name", "protocol", "format"},
        "load": {"peak_users", "duration_s", "user_seconds", "arrivals"},
        "requirement": {"injectors", "users_per_injector", "binding", "li_minutes"},
        "cost": {"usd", "usd_low", "usd_high", "items"},
    }
    for name, fields in expected.items():
        assert fields <= document[name].keys()
    machine_fields = {"provider", "region", "instance_type", "count", "usd_per_hour"}
    assert machine_fields <= document["fleet"][0].keys()
    assert {"name", "usd"} <= document["cost"]["items"][0].keys()
    assert {"tariff", "unit", "quantity", "usd", "as_of"} <= document["quotes"][0].keys()
    assert {"field", "reason"} == document["unknown"][0].keys()
    assert all(isinstance(warning, str) for warning in document["warnings"])
    assert document["load"]["peak_users"] == 1000
    assert document["requirement"]["li_minutes"] == 20


def test_a_cost_below_a_cent_is_not_nothing(example: Path, run: Command) -> None:
    code, out, _ = run("--json", "estimate", example, "--users", "1", "--duration", "1m")
    assert code == 0
    for cost in [json.loads(out)["cost"], *[each["cost"] for each in json.loads(out)["clouds"]]]:
        items = cost["items"]
        assert 0 < Decimal(cost["usd_low"]) <= Decimal(cost["usd"]) < Decimal("0.01")
        assert Decimal(cost["usd"]) == sum(Decimal(each["usd"]) for each in items)
    _, out, _ = run("--json", "compare", example, "--users", "1", "--duration", "1m")
    (own,) = [each for each in json.loads(out)["rows"] if each["tariff"] == "own-aws"]
    assert 0 < Decimal(own["usd"]) < Decimal("0.01")
    assert "0.00 " not in own["note"]


def test_the_next_best_machines_are_shown_with_what_they_cost_more(
    example: Path, run: Command
) -> None:
    wishes = ("--users", "17500", "--provider", "aws", "--architecture", "arm64")
    code, out, _ = run("estimate", example, *wishes, "--explain")
    assert code == 0
    assert "Next best on AWS" in out
    assert "other family" in out
    assert "No machines there are cheaper, which is proven." in out
    _, out, _ = run("estimate", example, *wishes, "--explain", "--json")
    document = json.loads(out)
    (explanation,) = document["explanation"]
    assert explanation["optimal"] is True
    assert explanation["gap_percent"] < 1
    assert explanation["speeds"]["reference"] == "c7i"
    assert set(explanation["speeds"]["vcpu_percent"]) == {
        each["instance_type"].split(".")[0] for each in document["fleet"]
    }
    kinds = {each["kind"]: each for each in explanation["alternatives"]}
    assert "other architecture" not in kinds, "it was wished for"
    assert len({each["instance_type"] for each in kinds["one type"]["fleet"]}) == 1
    assert float(kinds["one type"]["usd_more"]) > 0


def test_python_gives_the_same_values_as_the_command(example: Path, run: Command) -> None:
    _, out, _ = run("--json", "--now", "2026-11-21", "estimate", example, "--users", "700")
    document = estimate_document(estimate(read_scenario(example, users=700), at=TODAY))
    assert json.loads(out) == document


def test_the_items_of_a_cost_add_up_to_it(example: Path, run: Command) -> None:
    _, out, _ = run("--json", "estimate", example, "--users", "100000", "--duration", "2h")
    for cloud in json.loads(out)["clouds"]:
        cost = cloud["cost"]
        micros = sum(round(float(item["usd"]) * 1_000_000) for item in cost["items"])
        assert abs(micros - round(float(cost["usd"]) * 1_000_000)) <= 5_000


def test_every_option_counts(write: Write, run: Command) -> None:
    source = write(
        "name: ${NAME}\nload: {arrivals: {stages: [{ramp_to: 20, over: 1m}, {hold: 1m}]}}"
    )
    code, out, err = run(
        "--json",
        "estimate",
        source,
        *("--format", "loadmuster", "--set", "NAME=options", "--duration", "10m"),
        *("--iteration-seconds", "30", "--users", "550", "--users-per-injector", "100"),
        *("--provider", "azure", "--region", "westeurope", "--region", "uksouth"),
    )
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["scenario"]["name"] == "options"
    assert document["load"]["peak_users"] == 550
    assert document["load"]["duration_s"] == 600
    assert document["requirement"]["users_per_injector"] == 100
    assert document["requirement"]["injectors"] == 6
    regions = dict.fromkeys(each["region"] for each in document["fleet"])
    assert list(regions) == ["westeurope", "uksouth"]
    assert {cloud["provider"] for cloud in document["clouds"]} == {"azure"}


def test_r33_fixed_injectors_on_the_command_line(example: Path, run: Command) -> None:
    _, out, _ = run("--json", "estimate", example, "--injectors", "3")
    requirement = json.loads(out)["requirement"]
    assert (requirement["injectors"], requirement["users_per_injector"]) == (3, 334)


def test_an_account_is_quoted_under_its_plan(example: Path, tmp_path: Path, run: Command) -> None:
    db = f"sqlite:///{tmp_path / 'books.db'}"
    assert run("--db", db, "account", "open", "acme", "--plan", "starter")[0] == 0
    _, out, _ = run("--db", db, "--json", "estimate", example, "--account", "acme")
    ours = [quote for quote in json.loads(out)["quotes"] if quote["of_account"]]
    assert [(quote["tariff"], quote["usd"], quote["runs_per_period"]) for quote in ours] == [
        ("starter", None, 90)
    ]
    (edge,) = json.loads(out)["cliffs"]
    assert edge["text"] == "one more user takes another injector: 30 LI-minutes instead of 20"
    code, _, err = run("--db", db, "estimate", example, "--account", "nobody")
    assert code == 2
    assert "nobody" in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--users", "0"], "--users"),
        (["--duration", "-5m"], "--duration: '-5m' is not a length of time"),
        (["--provider", "gcp"], "--provider"),
        (["--region", "mars"], "no cloud has a region 'mars'"),
        (["--injectors", "2", "--users-per-injector", "5"], "give either injectors or"),
        (["--set", "X=1"], "--set X: the file has no such placeholder"),
        (["--iteration-seconds", "0"], "--iteration-seconds"),
        (["--unheard-of"], "--unheard-of"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_code_2(
    arguments: list[str], expected: str, example: Path, run: Command
) -> None:
    code, out, err = run("estimate", example, *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1


def test_an_unknown_peak_names_its_option_in_line_and_document(write: Write, run: Command) -> None:
    source = write("name: x\nload: {arrivals: {per_second: 20}, duration: 10m}")
    code, out, err = run("--json", "estimate", source)
    error = json.loads(out)["error"]
    assert code == 2
    assert error["code"] == "unknown_peak_users"
    assert error["field"] == "load.arrivals.iteration"
    assert "--iteration-seconds" in err


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_prints_a_json_schema(name: str, run: Command) -> None:
    code, out, _ = run("schema", name)
    assert code == 0
    assert json.loads(out) == json_schema(name)
    assert json.loads(out)["title"] == f"loadmuster {name}"


def test_an_unknown_schema_is_refused(run: Command) -> None:
    code, _, err = run("schema", "nothing")
    assert code == 2
    assert "scenario" in err


def test_an_estimate_loads_no_database_no_cloud_and_no_numpy(example: Path) -> None:
    script = (
        "import sys\n"
        "from loadmuster.cli.main import main\n"
        "try:\n"
        f"    main(['estimate', {str(example)!r}])\n"
        "finally:\n"
        "    heavy = {'sqlalchemy', 'boto3', 'botocore', 'numpy', 'locust', 'psutil'}\n"
        "    heavy.add('matplotlib')\n"
        "    print('LOADED', sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    assert "LOADED []" in done.stderr
