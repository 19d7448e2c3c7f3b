"""``run --provider aws --or-on azure`` for real: settings lead to two rehearsed clouds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest

from engine.api import Engine
from engine.runs.clouds.aws import AWS_LIMITS
from engine.runs.clouds.azure import AZURE_LIMITS
from engine.runs.clouds.cloud import widest
from engine.runs.clouds.contract import check_lifetime
from engine.runs.model.errors import MachinesElsewhereError
from providers.aws.objects import LIFETIME_S_MAX
from providers.rehearsal import aws_cloud, azure_cloud
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.faults import Fault, FaultKind
from providers.rehearsal.program import Rehearsal
from tests.loadmuster.cli.accounts import BUCKET, SMALL, live_in, on_aws, on_azure

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

RUN = ("run", "examples/checkout.yaml", "--account", "acme", "--json", "--provider", "aws")
OR_ON = ("--or-on", "azure")


@dataclass(frozen=True)
class Clouds:
    """The line of somebody who has an account on each of two clouds."""

    line: CommandLine
    aws: Rehearsal
    azure: Rehearsal

    def engine(self) -> Engine:
        return Engine(f"sqlite:///{self.line.database}")


@pytest.fixture
def clouds(
    acme: CommandLine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clouds]:
    folder = tmp_path_factory.mktemp("clouds")
    aws = aws_cloud.start_rehearsal_server(folder, boot_s=0.2, shutdown_s=0.2)
    azure = azure_cloud.start_rehearsal_server(folder, boot_s=0.2, shutdown_s=0.2, group_s=0.2)
    s3 = boto3.Session("acme", "secret").client(
        "s3", region_name="us-east-1", endpoint_url=aws.endpoint_url
    )
    s3.create_bucket(Bucket=BUCKET)
    live_in(monkeypatch, {**on_aws(aws), **on_azure(azure)})
    yield Clouds(acme, aws, azure)
    aws.stop()
    azure.stop()


@pytest.mark.long
def test_a_real_run_goes_to_the_other_account_and_leaves_nothing_in_either(
    clouds: Clouds, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds.aws.inject(
        Fault(FaultKind.REFUSAL, "CreateFleet", times=50, code="InsufficientInstanceCapacity")
    )

    answer = clouds.line(*RUN, *OR_ON, *SMALL, "--set", f"TARGET={shop}")

    assert answer.code == 0, answer.err
    run = answer.json
    assert (run["outcome"], run["rehearsal"], run["or_on"]) == ("completed", False, ["azure"])
    assert {(each["provider"], each["state"]) for each in run["machines"]} == {("azure", "gone")}
    assert run["result"]["valid"], run["result"]["invalid_reasons"]
    assert run["bill"]["usd"] == run["quote"]["usd"]
    engine = clouds.engine()
    rounds = engine.reaper.reap().rounds
    assert {(each.place.name, len(each.machines)) for each in rounds} == {("aws", 0), ("azure", 0)}
    assert [each.provider for each in engine.reaper.heartbeats()] == ["aws"] * 3 + ["azure"]
    on_record = engine.runs.store.load(run["id"])
    assert on_record.other_endpoints["azure"].endswith(f"#{SUBSCRIPTION}")
    engine.close()

    # Who takes it over with another subscription would see no machine, and take them for gone.
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION.replace("0", "1"))
    engine = clouds.engine()
    cloud = engine.runs.controller().open_cloud(on_record)
    assert cloud.limits == widest([AWS_LIMITS, AZURE_LIMITS])
    with pytest.raises(MachinesElsewhereError, match=SUBSCRIPTION):
        cloud.observe(on_record)
    engine.close()


def test_the_other_clouds_settings_are_looked_at_first_and_the_cloud_is_not(
    clouds: Clouds, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADMUSTER_AZURE_STORAGE")
    refused = clouds.line.here(*RUN, *OR_ON, *SMALL, "--set", f"TARGET={shop}")
    assert (refused.code, refused.err.count("\n")) == (2, 1), refused
    assert "LOADMUSTER_AZURE_STORAGE" in refused.err
    assert clouds.line.here("--json", "runs").json == {"runs": []}
    assert clouds.azure.requests() == []


def test_a_load_must_leave_the_slower_cloud_its_time_before_addresses_expire(
    clouds: Clouds, shop: str
) -> None:
    too_long_s = int(LIFETIME_S_MAX - AWS_LIMITS.lifetime_with_s(0.0))
    refused = clouds.line.here(
        *RUN, *OR_ON, "--users", "1", "--duration", f"{too_long_s}s", "--set", f"TARGET={shop}"
    )
    assert (refused.code, refused.err.count("\n")) == (2, 1), refused
    assert "signed for" in refused.err
    assert clouds.line.here("--json", "runs").json == {"runs": []}
    check_lifetime(AWS_LIMITS, too_long_s, LIFETIME_S_MAX)


def test_a_run_that_may_go_to_two_clouds_has_the_time_of_the_slower_one() -> None:
    both = widest([AWS_LIMITS, AZURE_LIMITS])
    assert (both.launch_s, both.release_s, both.visibility_s) == (900.0, 1_800.0, 60.0)
    assert both.start_s == AWS_LIMITS.start_s
    assert widest([AWS_LIMITS]) == AWS_LIMITS
