"""``loadmuster catalog refresh`` as a process of its own, against both lists on loopback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine import Engine, read_scenario
from kernel.clock import ManualClock
from pricing.catalog import Catalog
from tests.command_line import Answer, Command, here
from tests.engine.catalogs.conftest import NOW
from tests.engine.catalogs.server import PriceLists
from tests.engine.catalogs.shapes import aws_machine, azure_machine
from tests.patience import PATIENCE_S, until

REGION = "westeurope"
DEARER = 1.5


@pytest.fixture
def process(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line as a process of its own."""
    del address
    monkeypatch.setenv("LOADMUSTER_CATALOG", str(tmp_path / "catalog"))

    def call(*arguments: str) -> Answer:
        ended = subprocess.run(
            [sys.executable, "-m", "loadmuster.cli", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture
def loadmuster(
    tmp_path: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command line in this process, which is faster."""
    del address
    monkeypatch.setenv("LOADMUSTER_CATALOG", str(tmp_path / "catalog"))

    return here(capsys)


@pytest.fixture
def example() -> Path:
    return Path(__file__).parents[3] / "examples" / "checkout.yaml"


@pytest.fixture
def dearer(lists: PriceLists) -> PriceLists:
    """Azure's list of a region as the bundled catalogue has it, half as dear again."""
    lists.page_rows = 300
    lists.items = []
    for offering in Catalog.bundled().offerings("azure", REGION):
        usd = DEARER * offering.hourly_usd_micros / 1_000_000
        name = offering.machine.name
        lists.items += [
            azure_machine(name, 2 * usd, REGION, productName="Virtual Machines D Series Windows"),
            azure_machine(name, round(usd, 6), REGION),
            azure_machine(name, usd / 5, REGION, skuName=f"{name} Spot"),
        ]
    return lists


def test_every_command_uses_what_was_refreshed_until_told_otherwise(
    dearer: PriceLists,
    loadmuster: Command,
    process: Command,
    example: Path,
) -> None:
    asked = ("--json", "estimate", str(example), "--provider", "azure", "--region", REGION)
    before = loadmuster(*asked).json
    done = process(
        "--json", "--now", "2026-11-22", "catalog", "refresh", "--provider", "azure",
        "--region", REGION, "--spot",
    )  # fmt: skip
    assert done.code == 0, done.err
    document = done.json
    known = len(Catalog.bundled().offerings("azure", REGION))
    assert document["counts"]["prices"] == document["counts"]["repriced"] == known
    assert document["counts"]["spot"] == known
    assert document["left_out"] == {"windows": known}
    assert document["largest_change"]["change_percent"] == pytest.approx(50, abs=0.1)
    assert (document["version"], document["before"]) == ("2026-11-22", "bundled")
    assert f"1/1  azure {REGION}: {2 * known:,} prices" in done.err
    assert len(dearer.calls) >= 3 * known // 300

    after = process(*asked).json
    (machine, *_), (old, *_) = after["fleet"], before["fleet"]
    assert float(machine["usd_per_hour"]) == pytest.approx(DEARER * float(old["usd_per_hour"]))
    assert machine["as_of"] == "2026-11-22"
    assert any("catalogue of 2026-11-22" in each for each in after["warnings"])
    assert not any("catalogue of" in each for each in before["warnings"])

    show = ("catalog", "show", "azure", REGION, machine["instance_type"])
    shown = loadmuster("--json", *show).json
    assert (shown["catalog"], shown["source"]) == ("2026-11-22", "azure-retail-prices")
    assert "asked on 2026-11-22" in loadmuster(*show).out
    assert float(shown["spot"][0]["usd_per_hour"]) < float(shown["usd_per_hour"])

    versions = loadmuster("--json", "catalog", "versions").json["versions"]
    assert [(each["version"], each["in_use"]) for each in versions] == [
        ("bundled", False),
        ("2026-11-22", True),
    ]
    assert loadmuster("catalog", "use", "bundled").code == 0
    assert loadmuster(*asked).json["cost"] == before["cost"]


def test_a_damaged_catalogue_ends_every_command_with_one_line_and_2(
    lists: PriceLists,
    loadmuster: Command,
    process: Command,
    example: Path,
    tmp_path: Path,
) -> None:
    lists.items = [
        azure_machine(offering.machine.name, offering.hourly_usd_micros / 1_000_000, REGION)
        for offering in Catalog.bundled().offerings("azure", REGION)
    ]
    lists.page_rows = 500
    refresh = ("catalog", "refresh", "--provider", "azure", "--region", REGION)
    assert loadmuster("--now", "2026-11-22", *refresh).code == 0
    damaged = tmp_path / "catalog" / "versions" / "2026-11-22" / "azure" / "machine-types.csv"
    damaged.write_text("oops\n")
    ended = process("estimate", str(example))
    assert ended.code == 2
    assert "catalog use bundled" in ended.err
    assert ended.err.count("\n") == 1
    again = loadmuster("--json", "--now", "2026-11-22", *refresh)
    assert again.json["before"] == "bundled"
    assert loadmuster("estimate", str(example)).code == 0


def test_aws_is_refreshed_by_the_same_command(lists: PriceLists, loadmuster: Command) -> None:
    region = "eu-west-1"
    known = Catalog.bundled().offerings("aws", region)
    lists.products = [
        aws_machine(each.machine.name, f"{each.hourly_usd_micros / 1_000_000:.6f}", region)
        for each in known
    ]
    ended = loadmuster("--json", "catalog", "refresh", "--provider", "aws", "--region", region)
    assert ended.code == 0, ended.err
    counts = ended.json["counts"]
    assert (counts["prices"], counts["repriced"], counts["new"]) == (len(known), 0, 0)
    assert ended.json["published"] == "2026-11-19"


def test_a_cloud_that_does_not_answer_ends_the_command_with_4(
    lists: PriceLists, loadmuster: Command
) -> None:
    lists.faults = dict.fromkeys(range(1, 50), "400")
    ended = loadmuster("--json", "catalog", "refresh", "--provider", "azure")
    assert ended.code == 4
    assert ended.json["error"]["code"] == "provider_configuration"
    assert loadmuster("--json", "catalog", "versions").json["versions"][0]["in_use"]


@pytest.mark.parametrize(
    "arguments",
    [("refresh",), ("refresh", "--provider", "gcp"), ("use",), ("use", "yesterday")],
    ids=" ".join,
)
def test_bad_arguments_are_one_line_and_2(arguments: tuple[str, ...], loadmuster: Command) -> None:
    ended = loadmuster("catalog", *arguments)
    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_the_python_api_refreshes_and_estimates_with_what_it_got(
    dearer: PriceLists, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: Path
) -> None:
    del dearer, address
    monkeypatch.setenv("LOADMUSTER_CATALOG", str(tmp_path / "catalog"))
    engine = Engine(f"sqlite:///{tmp_path / 'books.db'}", clock=ManualClock(NOW))
    scenario = read_scenario(example)
    before = engine.estimate(scenario, provider="azure", regions=[REGION])
    regions: list[str] = []
    done = engine.catalog.refresh(
        "azure", regions=[REGION], watch=lambda progress: regions.append(progress.region)
    )
    assert regions == [REGION]
    assert engine.catalog.current().name == done.version == "2026-11-22"
    after = engine.estimate(scenario, provider="azure", regions=[REGION])
    assert after.fleet.usd_micros > before.fleet.usd_micros
    assert engine.catalog.use("bundled").name == engine.catalog.current().name == "bundled"


def test_a_process_that_is_killed_is_gone_on_with_by_the_next(
    dearer: PriceLists, process: Command, tmp_path: Path
) -> None:
    dearer.page_rows = 100
    dearer.faults[4] = "hang"
    command = ("catalog", "refresh", "--provider", "azure", "--region", REGION)
    with subprocess.Popen(
        [sys.executable, "-m", "loadmuster.cli", *command], stdout=subprocess.DEVNULL
    ) as victim:
        until(lambda: dearer.called >= 4)
        victim.kill()
    dearer.gate.set()
    assert not (tmp_path / "catalog" / "current").exists()
    kept = len(list((tmp_path / "catalog" / "pages").rglob("machine-*.json")))
    before = dearer.called
    assert before == 4
    assert process(*command).code == 0
    machines = [call for call in dearer.calls[before:] if "Virtual Machines" in call]
    assert kept == 3
    assert len(machines) == -(-len(dearer.items) // 100) - kept
