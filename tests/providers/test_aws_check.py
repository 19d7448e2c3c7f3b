"""What is looked at before any money is spent on AWS."""

from __future__ import annotations

import os
from collections.abc import Callable

import boto3
import botocore.session
import pytest

from kernel.clock import ManualClock, SystemClock
from providers.aws import AwsProvider
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError, QuotaExceededError
from providers.rehearsal.aws_cloud import Rehearsal
from providers.rehearsal.faults import Fault, FaultKind

MakeSpec = Callable[..., LaunchSpec]


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer on which nobody has set credentials."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_a_launch_that_can_work_passes_without_creating_anything(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    aws.check(make_spec())

    assert all(
        request.action.startswith(("Get", "Describe")) for request in rehearsal.requests()
    ), rehearsal.requests()


@pytest.mark.usefixtures("nobody")
def test_missing_credentials_are_named_with_the_way_to_set_them(
    rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    provider = AwsProvider(SystemClock(), endpoint_url=rehearsal.endpoint_url)

    with pytest.raises(ConfigurationRejectedError, match="AWS_ACCESS_KEY_ID"):
        provider.check(make_spec())


@pytest.mark.usefixtures("nobody")
def test_a_profile_that_does_not_exist_is_named(
    rehearsal: Rehearsal, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody-else")
    provider = AwsProvider(SystemClock(), endpoint_url=rehearsal.endpoint_url)

    with pytest.raises(ConfigurationRejectedError, match="somebody-else"):
        provider.check(make_spec())


@pytest.mark.usefixtures("nobody")
def test_credentials_that_aws_rejects_are_a_matter_of_configuration(
    rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.REFUSAL, "GetCallerIdentity", code="InvalidClientTokenId"))
    session = boto3.Session("wrong", "wrong", botocore_session=botocore.session.Session())
    provider = AwsProvider(SystemClock(), session=session, endpoint_url=rehearsal.endpoint_url)

    with pytest.raises(ConfigurationRejectedError, match=r"InvalidClientTokenId.*AWS_PROFILE"):
        provider.check(make_spec())


def test_a_region_that_does_not_exist_is_answered_with_near_ones(
    aws: AwsProvider, make_spec: MakeSpec
) -> None:
    with pytest.raises(ConfigurationRejectedError, match=r"'eu-wset-1'.*eu-west-1"):
        aws.check(make_spec(region="eu-wset-1"))


def test_a_machine_type_that_the_region_does_not_offer_is_named(
    aws: AwsProvider, make_spec: MakeSpec
) -> None:
    with pytest.raises(ConfigurationRejectedError, match=r"does not offer .* zz9\.huge"):
        aws.check(make_spec(machine_types=("c7i.large", "zz9.huge")))


def test_a_vcpu_quota_below_the_minimum_is_told_in_numbers(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    region = "sa-east-1"
    aws.launch(make_spec(region=region, machine_types=("c7i.large",), count=3))
    rehearsal.inject(Fault(FaultKind.VCPU_LIMIT, available=12))

    aws.check(make_spec(region=region, machine_types=("c7i.large",), min_count=3))
    with pytest.raises(QuotaExceededError) as caught:
        aws.check(make_spec(region=region, machine_types=("c7i.xlarge",), min_count=2))

    assert caught.value.facts == {
        "region": region,
        "quota": "L-1216C47A",
        "limit": 12,
        "used": 6,
        "wanted": 8,
    }


def test_a_quota_that_nobody_tells_is_unknown_and_not_zero(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    aws.check(make_spec(min_count=1000))

    assert len(rehearsal.requests("GetServiceQuota")) == 1


def test_a_type_outside_the_standard_quota_is_not_measured_against_it(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.VCPU_LIMIT, available=0))

    aws.check(make_spec(region="us-east-1", machine_types=("g5.xlarge",)))


def test_a_region_without_a_default_network_says_how_to_make_one(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    region = "ca-west-1"
    client = aws._clients.ec2(region)
    for subnet in client.describe_subnets()["Subnets"]:
        client.delete_subnet(SubnetId=subnet["SubnetId"])

    with pytest.raises(ConfigurationRejectedError, match="create-default-vpc --region ca-west-1"):
        aws.check(make_spec(region=region, machine_types=("c6i.large",)))
    del rehearsal


def test_throttled_waits_grow_at_random_and_pass_on_the_given_clock(
    rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    class NotingClock(ManualClock):
        waits_s: list[float]

        def sleep(self, duration_s: float) -> None:
            self.waits_s.append(duration_s)
            super().sleep(duration_s)

    clock = NotingClock(SystemClock().now())
    clock.waits_s = []
    session = boto3.Session("rehearsal", "rehearsal", botocore_session=botocore.session.Session())
    provider = AwsProvider(clock, session=session, endpoint_url=rehearsal.endpoint_url)
    rehearsal.inject(Fault(FaultKind.THROTTLING, "DescribeInstances", times=5))

    provider.observe(make_spec().run_id, ["eu-west-1"])

    assert len(clock.waits_s) == 2
    assert len(set(clock.waits_s)) == 2
    assert all(0 <= wait_s <= 20 for wait_s in clock.waits_s)
