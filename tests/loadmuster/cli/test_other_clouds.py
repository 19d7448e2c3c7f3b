"""``run --or-on``: a run whose cloud has no machines left goes to the other one that was named."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from engine.api import Engine
from providers.rehearsal import aws_cloud, azure_cloud
from providers.rehearsal.faults import Fault, FaultKind
from providers.rehearsal.program import RehearsedCloud, is_alive
from tests.loadmuster.cli.test_run_command import processes_of

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
CLOUDS = {"aws": aws_cloud.CLOUD, "azure": azure_cloud.CLOUD}
BOTH_WAYS = [("aws", "azure"), pytest.param("azure", "aws", marks=pytest.mark.long)]


def wish(first: str, other: str, *more: str) -> tuple[str, ...]:
    clouds = ("--provider", first, "--or-on", other, "--dry-run")
    return ("run", CHECKOUT, "--account", "acme", *clouds, "--request-id", "build-7", *more)


def accepted_where_nothing_is_left(acme: CommandLine, first: str, *more: str) -> tuple[str, str]:
    """A run that waits, and its first cloud, which has no machine of any type in any region."""
    queued = acme("--json", *more, "--queue")
    assert queued.code == 0, queued.err
    run_id = queued.json["id"]
    engine = Engine(f"sqlite:///{acme.database}")
    cloud: RehearsedCloud = CLOUDS[first]
    rehearsal = cloud.start(engine.runs.folder / run_id)
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, available=0))
    engine.runs.store.set_endpoint(run_id, rehearsal.endpoint_url)
    engine.close()
    return run_id, rehearsal.endpoint_url


def details(run: dict[str, Any], name: str) -> list[str]:
    return [each["detail"] for each in run["timeline"] if each["event"] == name]


@pytest.mark.early
@pytest.mark.parametrize(("first", "other"), BOTH_WAYS)
def test_a_run_whose_cloud_has_nothing_left_completes_on_the_other_and_costs_the_same(
    first: str, other: str, acme: CommandLine
) -> None:
    asked = wish(first, other, "--speed", "600")
    run_id, endpoint = accepted_where_nothing_is_left(acme, first, *asked)

    served = acme("serve", "--until-idle")

    assert served.code == 0, served.err
    run = acme.here("--json", "show", run_id).json
    assert (run["id"], run["outcome"]) == (run_id, "completed")
    assert (run["provider"], run["or_on"]) == (first, [other])
    assert {(each["provider"], each["state"]) for each in run["machines"]} == {(other, "gone")}
    refused = details(run, "refused")
    assert len(refused) >= 3
    assert refused[-1].endswith(f" on {other}")
    assert details(run, "launched") == [f"2 of 2 machines: 2 on {other}"]
    assert run["bill"]["usd"] == run["quote"]["usd"] == "5.00"
    assert not is_alive(endpoint)
    assert processes_of(str(acme.home)) == [], "both clouds are put away"


@pytest.mark.long
@pytest.mark.parametrize(("first", "other"), BOTH_WAYS)
def test_injectors_on_the_other_cloud_meet_in_the_storage_of_the_first(
    first: str, other: str, acme: CommandLine, shop: str
) -> None:
    load = ("--users", "20", "--duration", "8s", "--set", f"TARGET={shop}", "--with-load")
    asked = wish(first, other, *load)
    run_id, _ = accepted_where_nothing_is_left(acme, first, *asked)

    served = acme("serve", "--until-idle")

    assert served.code == 0, served.err
    run = acme.here("--json", "show", run_id).json
    assert {each["provider"] for each in run["machines"]} == {other}
    assert run["result"]["valid"], run["result"]["invalid_reasons"]
    assert run["result"]["peak_users"] == 20
    assert run["result"]["requests"] > 20
    assert processes_of(str(acme.home)) == []


@pytest.mark.long
def test_whoever_serves_finds_both_clouds_of_a_killed_controller_and_leaves_nothing_in_either(
    acme: CommandLine,
) -> None:
    asked = wish("aws", "azure", "--speed", "10")
    run_id, _ = accepted_where_nothing_is_left(acme, "aws", *asked)
    process = acme.start("serve")
    acme.until_state("running", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    engine = Engine(f"sqlite:///{acme.database}")
    before = engine.runs.store.load(run_id)
    places = {place.name: place for place in engine.reaper.places()}
    assert set(places) == {"aws", "azure"}, "the reaper would look in both"
    assert [each.run_id for each in engine.reaper.reap().rounds[1].machines] == [run_id]

    cancelled = acme("--json", "cancel", run_id)

    assert cancelled.code == 0, cancelled.err
    assert cancelled.json["outcome"] == "cancelled"
    after = engine.runs.store.load(run_id)
    engine.close()
    assert (after.endpoint, after.other_endpoints) == (before.endpoint, before.other_endpoints)
    assert [each["provider"] for each in cancelled.json["machines"]] == ["azure"]
    assert cancelled.json["bill"]["usd"] == cancelled.json["bill"]["startup_usd"]
    assert processes_of(str(acme.home)) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--provider", "local", "--or-on", "aws"), "two clouds"),
        (("--provider", "aws", "--or-on", "aws", "--dry-run"), "another cloud"),
        (("--provider", "aws", "--or-on", "gcp", "--dry-run"), "gcp"),
        (("--provider", "aws", "--or-on", "azure", "--dry-run", "--spot"), "azure"),
    ],
)
def test_another_cloud_that_makes_no_sense_is_one_line_and_nothing_is_begun(
    acme: CommandLine, arguments: tuple[str, ...], word: str
) -> None:
    answer = acme.here("run", CHECKOUT, "--account", "acme", *arguments)
    assert answer.code == 2
    assert answer.err.count("\n") == 1, answer.err
    assert word in answer.err
    assert acme.here("--json", "runs").json == {"runs": []}
