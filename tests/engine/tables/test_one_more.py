"""A third cloud and a sixth load engine, added by a row each, and nothing else told of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.catalogs.refresh import refresh
from engine.catalogs.sources import price_source
from engine.clouds import one_cloud_more
from engine.planning.estimate import estimate
from engine.readers import read_scenario
from kernel.clock import ManualClock
from pricing.catalog import Catalog
from pricing.catalog.versions import Versions
from tests.command_line import Answer
from tests.engine.tables.toy import FOLDER, TOY, write_catalog
from tests.patience import PATIENCE_S

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
TUNE = """\
echo timeStamp,elapsed,success,allThreads > drum.csv
end=$((LOADMUSTER_START_AT + LOADMUSTER_DURATION_S))
while [ "$(date +%s)" -lt "$end" ]; do
  curl --silent --output /dev/null "$LOADMUSTER_TARGET/"
  echo "$(date +%s)000,7,true,$LOADMUSTER_USERS" >> drum.csv
  sleep 0.2
done
"""


class Loadmuster:
    """The command line with the toy cloud and the toy engine, in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        write_catalog(home / "catalog")

    def __call__(self, *arguments: str) -> Answer:
        environment = os.environ | {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "LOADMUSTER_DB": f"sqlite:///{self.home}/books.db",
            "LOADMUSTER_CATALOG": str(self.home / "catalog"),
            FOLDER: str(self.home / "toy"),
            "COLUMNS": "100",
        }
        ended = subprocess.run(
            [sys.executable, "-m", "tests.engine.tables.toy", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def document(self, *arguments: str) -> dict[str, object]:
        answer = self(*arguments, "--json")
        assert answer.code == 0, answer.err
        document = answer.json
        assert isinstance(document, dict)
        return document


@pytest.fixture
def loadmuster(tmp_path: Path) -> Loadmuster:
    return Loadmuster(tmp_path)


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The address of a shop on loopback."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "shop.py"), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def drummed(tmp_path: Path, shop: str) -> str:
    """A scenario that the toy engine plays."""
    (tmp_path / "roll.sh").write_text(TUNE)
    path = tmp_path / "drummed.json"
    load = {"users": 4, "duration": "5s"}
    engine = {"name": "drum", "tune": "roll.sh"}
    path.write_text(
        json.dumps({"name": "roll", "target": shop, "load": load, "load_engine": engine})
    )
    return str(path)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("estimate", 1),
        ("run", 2),
        ("reap", 1),
        ("calibrate", 1),
        ("doctor", 2),
        ("catalog refresh", 1),
    ],
)
def test_every_command_offers_it(loadmuster: Loadmuster, command: str, options: int) -> None:
    answer = loadmuster(*command.split(), "--help")
    assert answer.code == 0, answer.err
    assert answer.out.count("azure|toy") == options, answer.out


def test_it_is_estimated_where_its_facts_say(loadmuster: Loadmuster, drummed: str) -> None:
    fleet = loadmuster.document("estimate", drummed, "--provider", "toy")["fleet"]
    assert isinstance(fleet, list)
    found = [(each["provider"], each["region"], each["instance_type"]) for each in fleet]
    assert found == [("toy", "toy-north", "toy.small")]
    shown = loadmuster("estimate", drummed)
    assert "Toy Cloud" in shown.out, "of any cloud it is the cheapest"


def test_it_is_billed_as_its_facts_say(tmp_path: Path) -> None:
    write_catalog(tmp_path / "catalog")
    catalog = Catalog(tmp_path / "catalog" / "versions" / "2026-11-01")
    scenario = replace(read_scenario(ROOT / "examples" / "checkout.yaml"), request_bytes=10**6)
    with one_cloud_more(TOY):
        fleet = estimate(scenario, catalog=catalog, provider="toy", at=NOON.date()).fleet
    items = {each.name: each.usd_micros for each in fleet.items}
    hourly = sum(group.hourly_usd_micros for group in fleet.groups)
    # A test of 600 s, and 2 s until a machine is there, counted in whole minutes.
    assert items["machines"] + items["start-up"] == round(hourly * 660 / 3_600)
    low = next(each for each in fleet.items if each.name == "egress")
    assert low.usd_micros - low.low_usd_micros == 70_000, "one gigabyte is free"


def test_it_is_compared_with_the_others(loadmuster: Loadmuster, drummed: str) -> None:
    rows = loadmuster.document("compare", drummed)["rows"]
    assert "own-toy" in {row["tariff"] for row in rows}  # type: ignore[attr-defined]


@pytest.mark.early
@pytest.mark.parametrize("kind", ["real", "rehearsed"])
def test_a_run_goes_there_with_the_engine_and_ends(
    loadmuster: Loadmuster, drummed: str, kind: str
) -> None:
    assert loadmuster("account", "open", "acme").code == 0
    rehearsed = ("--dry-run", "--with-load") if kind == "rehearsed" else ()
    run = loadmuster.document(
        "run", drummed, "--account", "acme", "--provider", "toy", "--spot", *rehearsed
    )
    assert run["outcome"] == "completed", run
    result = run["result"]
    assert isinstance(result, dict)
    assert result["valid"], result["invalid_reasons"]
    assert result["peak_users"] == 4
    assert result["requests"] > 3
    assert [machine["state"] for machine in run["machines"]] == ["gone"]  # type: ignore[attr-defined]
    assert loadmuster("reap", "--provider", "toy", "--region", "toy-north").code == 0


def test_it_is_examined_and_has_a_policy(loadmuster: Loadmuster) -> None:
    found = loadmuster.document("doctor", "--provider", "toy")
    assert "toy box" in {each["what"] for each in found["findings"]}  # type: ignore[attr-defined]
    assert loadmuster("doctor", "--policy", "toy").json == {"allowed": "to play"}


def test_its_prices_are_refreshed(tmp_path: Path) -> None:
    write_catalog(tmp_path / "bundled")
    versions = Versions(tmp_path, bundled=tmp_path / "bundled" / "versions" / "2026-11-01")
    with one_cloud_more(TOY):
        source = price_source("toy", ManualClock(NOON))
        done = refresh(source, versions, day=NOON.date(), regions=["toy-north"])
        fresh = versions.open(done.version)
        assert fresh.offering("toy", "toy-north", "toy.small").hourly_usd_micros == 40_000
        assert fresh.offering("toy", "toy-south", "toy.small").hourly_usd_micros == 30_000
        assert fresh.boot_disk("toy", "toy-north").usd_micros == 10 * 110_000
        assert fresh.egress("toy", "toy-north").usd_micros == 60_000


def test_an_engine_s_name_alone_is_answered_by_its_example(
    loadmuster: Loadmuster, tmp_path: Path
) -> None:
    path = tmp_path / "alone.json"
    path.write_text('{"name": "a", "load": {"users": 1, "duration": "1s"}, "load_engine": "drum"}')
    answer = loadmuster("estimate", str(path))
    assert answer.code == 2
    assert "{name: drum, tune: roll.sh}" in answer.err


def test_an_engine_that_takes_no_steps_is_not_calibrated_on_a_cloud(
    loadmuster: Loadmuster, drummed: str
) -> None:
    assert loadmuster("account", "open", "acme").code == 0
    answer = loadmuster("calibrate", drummed, "--provider", "toy", "--account", "acme", "--yes")
    assert answer.code == 2
    assert "drum is told the most users and a duration, and no steps" in answer.err
