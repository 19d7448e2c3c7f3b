"""The least that the adapter may be permitted on AWS, derived from the calls that it makes.

Machines, disks and fleets are created only with a run's tag, and ended only where they carry it.
Launch templates cost nothing and are shared by runs, so they carry none.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.contract import RUN_TAG

CREATED = ("fleet", "instance", "volume", "network-interface")
USED = ("launch-template", "security-group", "subnet", "spot-instances-request")

PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    # A fleet launches machines and tags them, in our name, through a role of its own.
    "CreateFleet": (
        "ec2:CreateFleet",
        "ec2:RunInstances",
        "ec2:CreateTags",
        "iam:CreateServiceLinkedRole",
    ),
    "CreateLaunchTemplate": ("ec2:CreateLaunchTemplate",),
    "DeleteFleets": ("ec2:DeleteFleets", "ec2:TerminateInstances"),
    "DescribeInstanceTypes": ("ec2:DescribeInstanceTypes",),
    "DescribeInstances": ("ec2:DescribeInstances",),
    "DescribeRouteTables": ("ec2:DescribeRouteTables",),
    "DescribeSecurityGroups": ("ec2:DescribeSecurityGroups",),
    "DescribeSubnets": ("ec2:DescribeSubnets",),
    "RunInstances": ("ec2:RunInstances", "ec2:CreateTags"),
    "TerminateInstances": ("ec2:TerminateInstances",),
    # Everybody may ask who they are.
    "GetCallerIdentity": (),
    "GetParameter": ("ssm:GetParameter",),
    "GetServiceQuota": ("servicequotas:GetServiceQuota",),
    "GetBucketLocation": ("s3:GetBucketLocation",),
    "ListObjectsV2": ("s3:ListBucket",),
    "GetObject": ("s3:GetObject",),
    "PutObject": ("s3:PutObject",),
    # Injectors upload with a form that was signed in our name.
    "PostObject": ("s3:PutObject",),
    "DeleteObjects": ("s3:DeleteObject",),
}
"""Every call that the adapter or an injector makes, and what it takes."""


def policy_document(bucket: str) -> dict[str, Any]:
    """The IAM policy for whoever runs load tests with a bucket, as JSON."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement(
                "Look",
                [
                    *(each for each in actions() if each.startswith("ec2:Describe")),
                    "servicequotas:GetServiceQuota",
                ],
                ["*"],
            ),
            _statement(
                "FindImage",
                ["ssm:GetParameter"],
                ["arn:aws:ssm:*::parameter/aws/service/ami-amazon-linux-latest/*"],
            ),
            _statement("KeepTemplates", ["ec2:CreateLaunchTemplate"], _ec2(("launch-template",))),
            _statement(
                "LaunchTaggedOnly",
                ["ec2:CreateFleet", "ec2:RunInstances"],
                _ec2(CREATED),
                {"Null": {f"aws:RequestTag/{RUN_TAG}": "false"}},
            ),
            _statement(
                "LaunchFrom",
                ["ec2:CreateFleet", "ec2:RunInstances"],
                [*_ec2(USED), "arn:aws:ec2:*::image/*"],
            ),
            _statement(
                "TagWhatIsLaunched",
                ["ec2:CreateTags"],
                _ec2(CREATED),
                {"StringEquals": {"ec2:CreateAction": ["CreateFleet", "RunInstances"]}},
            ),
            _statement(
                "EndTaggedOnly",
                ["ec2:DeleteFleets", "ec2:TerminateInstances"],
                _ec2(("fleet", "instance")),
                {"Null": {f"aws:ResourceTag/{RUN_TAG}": "false"}},
            ),
            _statement(
                "RolesOfFleets",
                ["iam:CreateServiceLinkedRole"],
                ["arn:aws:iam::*:role/aws-service-role/*"],
                {
                    "StringEquals": {
                        "iam:AWSServiceName": ["ec2fleet.amazonaws.com", "spot.amazonaws.com"]
                    }
                },
            ),
            _statement("FindBucket", ["s3:GetBucketLocation"], [f"arn:aws:s3:::{bucket}"]),
            _statement(
                "ListRuns",
                ["s3:ListBucket"],
                [f"arn:aws:s3:::{bucket}"],
                {"StringLike": {"s3:prefix": "runs/*"}},
            ),
            _statement(
                "KeepRuns",
                ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                [f"arn:aws:s3:::{bucket}/runs/*"],
            ),
        ],
    }


def actions() -> tuple[str, ...]:
    """Every action that one of the calls takes, in order."""
    return tuple(sorted({action for taken in PERMISSIONS.values() for action in taken}))


def _ec2(resources: tuple[str, ...]) -> list[str]:
    return [f"arn:aws:ec2:*:*:{resource}/*" for resource in resources]


def _statement(
    name: str,
    permitted: list[str],
    resources: list[str],
    condition: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    statement = {"Sid": name, "Effect": "Allow", "Action": permitted, "Resource": resources}
    return statement if condition is None else {**statement, "Condition": condition}
