"""``run --provider aws`` for real: the SDK is told, by its own setting, of a rehearsed AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from providers.rehearsal.aws_cloud import Rehearsal, start_rehearsal_server
from providers.rehearsal.faults import Fault, FaultKind
from tests.loadmuster.cli.accounts import BUCKET, Account, live_in, on_aws
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed AWS with a bucket, whose machines run what they boot."""
    started = start_rehearsal_server(
        tmp_path_factory.mktemp("aws"), boot_s=0.2, shutdown_s=0.2, owner_pid=os.getpid()
    )
    session = boto3.Session("acme", "secret")
    s3 = session.client("s3", region_name="eu-west-1", endpoint_url=started.endpoint_url)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield started
    started.stop()


@pytest.fixture
def acme_on_aws(
    acme: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Account]:
    live_in(monkeypatch, on_aws(server))
    server.clear()
    yield Account(acme, server, "aws", "CreateFleet")
    server.clear()


def objects(server: Rehearsal) -> int:
    s3 = boto3.Session("acme", "secret").client(
        "s3", region_name="eu-west-1", endpoint_url=server.endpoint_url
    )
    return s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]


@pytest.mark.early
def test_a_real_run_puts_its_load_on_bills_it_and_leaves_nothing(
    acme_on_aws: Account, shop: str
) -> None:
    answer = acme_on_aws.run(shop, "--request-id", "build-7")

    assert answer.code == 0, answer.err
    run = answer.json
    assert (run["outcome"], run["rehearsal"], run["spot"]) == ("completed", False, False)
    assert run["result"]["valid"], run["result"]["invalid_reasons"]
    assert run["result"]["peak_users"] == 10
    assert run["bill"]["usd"] == run["quote"]["usd"]
    assert [machine["state"] for machine in run["machines"]] == ["gone"]
    assert objects(acme_on_aws.server) == 0
    assert "rehears" not in answer.err

    acme_on_aws.server.inject(Fault(FaultKind.VCPU_LIMIT, available=0))
    again = acme_on_aws.run(shop, "--request-id", "build-7")
    assert again.json == run, "a request is answered even if its cloud would refuse it by now"


@pytest.mark.promise("exit-code-tells-outcome", command="run", provider="aws")
@pytest.mark.long
def test_a_spot_run_says_so_and_a_machine_taken_away_makes_its_result_invalid(
    acme_on_aws: Account, shop: str
) -> None:
    regions = ("us-east-1", "eu-west-1")
    process = acme_on_aws.start(
        shop, "10s", "--spot", *(f"--region={region}" for region in regions)
    )
    acme_on_aws.until("running", process)
    ec2 = boto3.Session("acme", "secret").client(
        "ec2", region_name="eu-west-1", endpoint_url=acme_on_aws.server.endpoint_url
    )
    alive: Any = ec2.describe_instances(
        Filters=[{"Name": "instance-state-name", "Values": ["running"]}]
    )
    (taken,) = [one["InstanceId"] for each in alive["Reservations"] for one in each["Instances"]]
    ec2.terminate_instances(InstanceIds=[taken])

    out, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 7, err
    run = json.loads(out)
    assert run["spot"]
    assert not run["result"]["valid"]
    assert [injector["lost"] for injector in run["result"]["injectors"]].count(True) == 1
    assert any("spot machines" in warning for warning in run["result"]["warnings"])
    fleets = acme_on_aws.server.requests("CreateFleet")
    assert len(fleets) == 2
    assert {
        each.parameters["TargetCapacitySpecification.SpotTargetCapacity"] for each in fleets
    } == {"1"}
    shown = acme_on_aws.here("show", run["id"]).out
    assert "2 spot machines, proven gone" in shown
    assert "a result that lost one is not valid" in shown


def test_without_a_bucket_a_run_is_refused_with_the_setting(
    acme_on_aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADMUSTER_AWS_BUCKET")

    error = acme_on_aws.refused(2)

    assert error["setting"] == "LOADMUSTER_AWS_BUCKET"
    assert not acme_on_aws.server.requests()


def test_a_bucket_that_does_not_exist_is_refused_with_how_to_make_it(
    acme_on_aws: Account, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADMUSTER_AWS_BUCKET", "acme-nowhere")

    error = acme_on_aws.refused(4, "--set", f"TARGET={shop}")

    assert "aws s3 mb s3://acme-nowhere" in error["message"]


def test_a_bucket_that_must_not_be_written_is_refused(acme_on_aws: Account, shop: str) -> None:
    acme_on_aws.server.inject(Fault(FaultKind.REFUSAL, "PutObject", code="AccessDenied"))

    error = acme_on_aws.refused(4, "--set", f"TARGET={shop}")

    assert "PutObject: AccessDenied" in error["message"]


@pytest.mark.promise("provider-checked-before-charge", command="run", provider="aws")
def test_without_credentials_a_run_is_refused_with_how_to_set_them(
    acme_on_aws: Account, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    error = acme_on_aws.refused(4, "--set", f"TARGET={shop}")

    assert "AWS_PROFILE" in error["message"]


def test_a_region_that_the_catalogue_does_not_know_is_refused(
    acme_on_aws: Account, shop: str
) -> None:
    error = acme_on_aws.refused(2, "--set", f"TARGET={shop}", "--region", "eu-wset-1")

    assert "eu-west-1" in error["message"]


def test_a_machine_type_that_is_not_offered_is_refused(acme_on_aws: Account, shop: str) -> None:
    acme_on_aws.server.inject(
        Fault(FaultKind.REFUSAL, "DescribeInstanceTypes", code="InvalidInstanceType")
    )

    error = acme_on_aws.refused(4, "--set", f"TARGET={shop}")

    assert "InvalidInstanceType" in error["message"]


def test_a_quota_of_nothing_is_refused_in_numbers(acme_on_aws: Account, shop: str) -> None:
    acme_on_aws.server.inject(Fault(FaultKind.VCPU_LIMIT, available=0))

    error = acme_on_aws.refused(4, "--set", f"TARGET={shop}")

    assert (error["code"], error["limit"]) == ("provider_quota", 0)
    assert error["wanted"] > 0


def test_a_load_longer_than_addresses_are_signed_for_is_refused_in_numbers(
    acme_on_aws: Account, shop: str
) -> None:
    error = acme_on_aws.refused(2, "--set", f"TARGET={shop}", "--duration", "7d")

    assert error["load_s"] == 7 * 24 * 3_600 > error["load_s_max"] > 6 * 24 * 3_600
    assert not acme_on_aws.server.requests()


def test_a_host_is_loaded_only_once_the_account_has_allowed_it(
    acme_on_aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ("--set", "TARGET=https://Shop.Example.com/v2")

    error = acme_on_aws.refused(3, *wish)
    assert (error["code"], error["host"]) == ("target_not_allowed", "shop.example.com")
    assert "account allow-target acme shop.example.com" in error["message"]
    assert not acme_on_aws.server.requests(), "nothing is asked of a cloud for it"

    assert acme_on_aws.here("account", "allow-target", "acme", "shop.example.com").code == 0
    monkeypatch.setenv("LOADMUSTER_AWS_BUCKET", "acme-nowhere")
    assert acme_on_aws.refused(4, *wish)["bucket"] == "acme-nowhere", "it is past the target"


def test_spot_is_refused_where_there_is_none(acme_on_aws: Account) -> None:
    answer = acme_on_aws.here(
        "run", "examples/checkout.yaml", "--account", "acme", "--spot", "--provider", "local"
    )

    assert answer.code == 2
    assert "--spot" in answer.err


def test_targets_are_allowed_listed_and_forbidden(acme: CommandLine) -> None:
    def hosts(*arguments: str) -> list[str]:
        answer = acme.here("account", *arguments, "--json")
        assert answer.code == 0, answer.err
        return [each["host"] for each in answer.json["targets"]]

    assert hosts("allow-target", "acme", "Shop.Example.com.") == ["shop.example.com"]
    assert hosts("allow-target", "acme", "shop.example.com") == ["shop.example.com"]
    assert hosts("allow-target", "acme", "192.0.2.7", "--request-id", "r1") == [
        *("192.0.2.7", "shop.example.com"),
    ]
    assert hosts("forbid-target", "acme", "192.0.2.7") == ["shop.example.com"]
    assert hosts("allow-target", "acme", "192.0.2.7", "--request-id", "r1") == [
        "shop.example.com"
    ], "a request that was done is not done again"
    assert hosts("targets", "acme") == ["shop.example.com"]
    assert acme.here("account", "forbid-target", "acme", "192.0.2.7").code == 2
    assert acme.here("account", "allow-target", "acme", "x.org", "--request-id", "r1").code == 3


@pytest.mark.parametrize("host", ["https://shop.example.com", "shop.example.com:8443", "a b", ""])
def test_what_is_no_host_is_not_allowed(acme: CommandLine, host: str) -> None:
    answer = acme.here("account", "allow-target", "acme", host)

    assert answer.code == 2
    assert "shop.example.com, without scheme" in answer.err


def test_targets_of_an_account_that_does_not_exist_are_refused(acme: CommandLine) -> None:
    for arguments in (("allow-target", "nobody", "x.org"), ("targets", "nobody")):
        answer = acme.here("account", *arguments)
        assert answer.code == 2
        assert "nobody" in answer.err
