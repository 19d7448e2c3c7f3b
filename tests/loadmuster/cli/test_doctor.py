"""``loadmuster doctor``: what is there, what is missing, what to do; and the policy it prints."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from providers.clock_skew import skew_of
from providers.rehearsal.aws_cloud import Rehearsal, start_rehearsal_server
from providers.rehearsal.faults import Fault, FaultKind
from tests.loadmuster.cli import accounts
from tests.loadmuster.cli.accounts import BUCKET

if TYPE_CHECKING:
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    started = start_rehearsal_server(tmp_path_factory.mktemp("aws"), owner_pid=os.getpid())
    s3 = boto3.Session("acme", "secret").client(
        "s3", region_name="us-east-1", endpoint_url=started.endpoint_url
    )
    s3.create_bucket(Bucket=BUCKET)
    yield started
    started.stop()


@pytest.fixture
def nobody(loadmuster: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line of somebody who has no cloud."""
    accounts.live_in(monkeypatch, accounts.NOBODYS_AWS)
    return loadmuster


@pytest.fixture
def on_aws(
    nobody: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """The command line of somebody whose AWS is rehearsed."""
    accounts.live_in(monkeypatch, accounts.on_aws(server))
    server.clear()
    yield nobody
    server.clear()


def finding(answer: Answer, what: str) -> dict[str, Any]:
    (found,) = [
        each for each in answer.json["findings"] if each["what"] == what and each["of"] != "here"
    ]
    assert isinstance(found, dict)
    return found


def test_a_ready_account_is_ok_in_all_and_nothing_is_left_behind(
    on_aws: CommandLine, server: Rehearsal
) -> None:
    server.inject(Fault(FaultKind.VCPU_LIMIT, available=32))
    server.inject(Fault(FaultKind.VCPU_LIMIT, available=8, spot=True))

    answer = on_aws.here("doctor", "--provider", "aws", "--region", "eu-west-1", "--json")

    assert answer.code == 0, answer.out
    assert answer.json["usable"]
    assert {each["what"]: each["grade"] for each in answer.json["findings"]} == dict.fromkeys(
        (
            *("database", "folder", "reaper", "load engine", "prices", "clock"),
            *("credentials", "bucket"),
            *("network eu-west-1", "image eu-west-1", "quota eu-west-1"),
            *("spot quota eu-west-1", "launching eu-west-1"),
        ),
        "ok",
    )
    assert finding(answer, "quota eu-west-1")["said"] == "0 of 32 vCPUs in use"
    ec2 = boto3.Session("acme", "secret").client(
        "ec2", region_name="eu-west-1", endpoint_url=server.endpoint_url
    )
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    s3 = boto3.Session("acme", "secret").client(
        "s3", region_name="us-east-1", endpoint_url=server.endpoint_url
    )
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_without_credentials_runs_here_are_possible_and_runs_on_aws_are_not(
    nobody: CommandLine,
) -> None:
    both = nobody.here("doctor", "--json")
    aws = nobody.here("doctor", "--provider", "aws", "--json")
    here = nobody.here("doctor", "--provider", "local", "--json")

    assert (both.code, aws.code, here.code) == (0, 4, 0)
    assert both.json["providers"] == {"local": True, "aws": False, "azure": False}
    assert "AWS_PROFILE" in finding(aws, "credentials")["remedy"]


def test_people_see_a_table_with_what_to_do(nobody: CommandLine) -> None:
    shown = nobody.here("doctor").out

    assert "local: runs can work" in shown
    assert "aws: runs cannot work yet" in shown
    words = " ".join(shown.split())
    assert re.search(r"OK (what: )?database", words)
    assert "is not there yet" in words
    assert re.search(r"missing (what: )?credentials", words)
    assert "or run" in words


def test_a_bucket_that_nobody_named_is_a_setting_that_is_missing(
    on_aws: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADMUSTER_AWS_BUCKET")

    answer = on_aws.here("doctor", "--provider", "aws", "--json")

    assert answer.code == 2
    assert "LOADMUSTER_AWS_BUCKET=NAME" in finding(answer, "bucket")["remedy"]


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("RunInstances", "launching us-east-1"),
        ("CreateLaunchTemplate", "launching us-east-1"),
        ("DescribeSubnets", "network us-east-1"),
        ("GetParameter", "image us-east-1"),
        ("PutObject", "bucket"),
    ],
)
def test_a_permission_that_is_missing_is_named_with_the_policy_to_attach(
    on_aws: CommandLine, server: Rehearsal, action: str, what: str
) -> None:
    code = "UnauthorizedOperation" if what.startswith(("launch", "net")) else "AccessDenied"
    server.inject(Fault(FaultKind.REFUSAL, action, times=9, code=code))

    answer = on_aws.here("doctor", "--provider", "aws", "--json")

    assert answer.code == 4, answer.out
    found = finding(answer, what)
    assert found["grade"] == "missing"
    assert action in found["said"]
    assert "doctor --policy aws" in found["remedy"]


def test_where_fleets_are_forbidden_runs_can_work_without(
    on_aws: CommandLine, server: Rehearsal
) -> None:
    server.inject(Fault(FaultKind.REFUSAL, "CreateFleet", code="UnauthorizedOperation"))

    answer = on_aws.here("doctor", "--provider", "aws", "--json")

    assert answer.code == 0, answer.out
    assert finding(answer, "launching us-east-1")["grade"] == "unknown"


def test_a_quota_that_is_used_up_is_missing_and_one_that_nobody_tells_is_unknown(
    on_aws: CommandLine, server: Rehearsal
) -> None:
    server.inject(Fault(FaultKind.VCPU_LIMIT, available=0))

    answer = on_aws.here("doctor", "--provider", "aws", "--json")

    assert answer.code == 4
    assert finding(answer, "quota us-east-1")["said"] == "0 of 0 vCPUs in use"
    assert "L-1216C47A" in finding(answer, "quota us-east-1")["remedy"]
    assert finding(answer, "spot quota us-east-1")["grade"] == "unknown"


def test_a_database_that_cannot_be_opened_is_a_finding_and_no_traceback(
    nobody: CommandLine,
) -> None:
    answer = nobody.here("doctor", "--db", "sqlite:////proc/loadmuster/books.db", "--json")

    assert answer.code == 2
    (database,) = [each for each in answer.json["findings"] if each["what"] == "database"]
    assert database["grade"] == "missing"
    assert "name a file you may write" in database["remedy"]


def test_a_region_that_does_not_exist_is_a_finding_with_near_ones(on_aws: CommandLine) -> None:
    answer = on_aws.here("doctor", "--provider", "aws", "--region", "eu-wset-1", "--json")

    assert answer.code == 4
    assert "eu-west-1" in str(answer.json["findings"])


def test_the_clock_is_compared_with_the_one_of_aws() -> None:
    now = datetime(2026, 11, 22, 2, 30, 40, tzinfo=UTC)

    assert skew_of("Sun, 22 Nov 2026 02:30:00 GMT", now) == 40.0
    assert skew_of("Sun, 22 Nov 2026 02:31:00 GMT", now) == -20.0


def test_the_policy_is_json_for_the_bucket_that_was_named(
    on_aws: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = on_aws.here("doctor", "--policy", "aws").json

    assert policy["Version"] == "2012-10-17"
    assert f"arn:aws:s3:::{BUCKET}/runs/*" in str(policy)
    assert not server.requests()
    monkeypatch.delenv("LOADMUSTER_AWS_BUCKET")
    refused = on_aws.here("doctor", "--policy", "aws")
    assert refused.code == 2
    assert "LOADMUSTER_AWS_BUCKET" in refused.err
