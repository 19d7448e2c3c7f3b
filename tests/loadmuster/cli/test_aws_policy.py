"""The IAM policy for runs on AWS: all that a run calls, nothing else, and only on what is ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest

from kernel.clock import SystemClock
from providers.aws import AwsProvider
from providers.aws.policy import PERMISSIONS, actions, policy_document
from providers.contract import LaunchSpec
from providers.rehearsal.aws_cloud import Rehearsal, start_rehearsal_server
from providers.rehearsal.faults import Fault, FaultKind
from providers.settings import AwsSettings

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

BUCKET = "acme-load-tests"
REGION = "eu-west-1"


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rehearsal]:
    """A rehearsed AWS to which the environment leads."""
    started = start_rehearsal_server(tmp_path_factory.mktemp("aws"), owner_pid=os.getpid())
    monkeypatch.setenv("AWS_ENDPOINT_URL", started.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "acme")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("LOADMUSTER_AWS_BUCKET", BUCKET)
    boto3.Session().client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
    yield started
    started.stop()


def named_subnet() -> str:
    """A subnet of a network of the user's own, routed to the internet."""
    ec2 = boto3.Session().client("ec2", region_name=REGION)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    ec2.create_route(
        RouteTableId=tables["RouteTables"][0]["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway,
    )
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    return subnet


def launch_without_fleets_in(subnet: str) -> None:
    """A launch in a named network by somebody who may not create fleets, and its release."""
    now = SystemClock().now()
    spec = LaunchSpec(
        run_id="run-7",
        attempt=1,
        token="run-7-1",  # noqa: S106 - a name
        region=REGION,
        machine_types=("c5.large",),
        count=1,
        min_count=1,
        created_at=now,
        expires_at=now + timedelta(minutes=5),
        owner="acme",
    )
    session = boto3.Session(botocore_session=botocore.session.Session())
    settings = AwsSettings(subnets=(subnet,))
    provider = AwsProvider(SystemClock(), session=session, settings=settings)
    provider.check(spec)
    provider.launch(spec)
    provider.release(spec.run_id, [REGION])


@pytest.mark.long
def test_the_policy_permits_every_call_of_a_run_and_no_other(
    acme: CommandLine, shop: str, server: Rehearsal
) -> None:
    subnet = named_subnet()
    server.clear()

    run = acme(
        *("run", "examples/checkout.yaml", "--account", "acme", "--provider", "aws"),
        *("--users", "10", "--duration", "3s", "--set", f"TARGET={shop}"),
    )
    server.inject(Fault(FaultKind.REFUSAL, "CreateFleet", code="UnauthorizedOperation"))
    launch_without_fleets_in(subnet)
    doctor = acme("doctor", "--provider", "aws")

    assert (run.code, doctor.code) == (0, 0), run.err + doctor.out
    assert {request.action for request in server.requests()} == set(PERMISSIONS)


def statements() -> dict[str, Any]:
    return {each["Sid"]: each for each in policy_document(BUCKET)["Statement"]}


def test_the_policy_lists_the_actions_that_the_calls_take_and_no_other() -> None:
    listed = {action for each in statements().values() for action in each["Action"]}

    assert listed == set(actions())
    assert not any("*" in action for action in listed)


def test_nothing_is_created_without_our_tag_and_nothing_ended_that_lacks_it() -> None:
    launch, end = statements()["LaunchTaggedOnly"], statements()["EndTaggedOnly"]

    assert launch["Condition"] == {"Null": {"aws:RequestTag/loadmuster:run": "false"}}
    assert end["Condition"] == {"Null": {"aws:ResourceTag/loadmuster:run": "false"}}
    freely = set(statements()["LaunchFrom"]["Resource"])
    assert not freely & set(launch["Resource"])
    assert all(
        any(resource.endswith(f":{kind}/*") for resource in launch["Resource"])
        for kind in ("instance", "fleet", "volume", "network-interface")
    )
    others = [each for sid, each in statements().items() if sid != "EndTaggedOnly"]
    assert not any(
        action.startswith(("ec2:Terminate", "ec2:Delete"))
        for each in others
        for action in each["Action"]
    )


def test_objects_are_read_and_written_below_runs_in_one_bucket_only() -> None:
    on_objects = {
        resource
        for each in statements().values()
        if any(action.startswith("s3:") and "Object" in action for action in each["Action"])
        for resource in each["Resource"]
    }

    assert on_objects == {f"arn:aws:s3:::{BUCKET}/runs/*"}
    assert statements()["ListRuns"]["Condition"] == {"StringLike": {"s3:prefix": "runs/*"}}


def test_everything_but_looking_is_bound_to_resources() -> None:
    unbound = [sid for sid, each in statements().items() if each["Resource"] == ["*"]]

    assert unbound == ["Look"]
