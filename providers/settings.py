"""What the surroundings say about the user's clouds: frozen values, read once, at the rim."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kernel.errors import BadInputError

AWS_BUCKET = "LOADMUSTER_AWS_BUCKET"
AWS_SUBNETS = "LOADMUSTER_AWS_SUBNETS"
AWS_SECURITY_GROUPS = "LOADMUSTER_AWS_SECURITY_GROUPS"

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a dot in the name
# would break the certificate of the bucket's own host name, which injectors call.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Where machines are put on AWS, and where they meet their controller.

    Attributes:
        bucket: Name of the S3 bucket for work and reports; None: none was named.
        subnets: Those that machines may be in, of all regions; none: the default ones.
        security_groups: Those that machines are in, of all regions; none: the default one.
    """

    bucket: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """What the user has said about each cloud."""

    aws: AwsSettings = field(default_factory=AwsSettings)


def aws_settings(environment: Mapping[str, str]) -> AwsSettings:
    """The settings in environment variables.

    Raises:
        BadInputError: A value is not of its kind; the message names the variable.
    """
    bucket = environment.get(AWS_BUCKET, "").strip() or None
    if bucket is not None and not _BUCKET.fullmatch(bucket):
        raise BadInputError(
            f"{AWS_BUCKET}: {bucket!r} is no bucket's name; write it like my-load-tests: small "
            "letters, digits and hyphens",
            setting=AWS_BUCKET,
            value=bucket,
        )
    return AwsSettings(
        bucket=bucket,
        subnets=_ids(environment, AWS_SUBNETS, _SUBNET, "subnet-0a1b2c3d,subnet-4e5f6a7b"),
        security_groups=_ids(environment, AWS_SECURITY_GROUPS, _SECURITY_GROUP, "sg-0a1b2c3d"),
    )


def _ids(
    environment: Mapping[str, str], name: str, form: re.Pattern[str], example: str
) -> tuple[str, ...]:
    """The ids that a variable lists, each once."""
    listed = [one.strip() for one in environment.get(name, "").split(",")]
    for one in listed:
        if one and not form.fullmatch(one):
            raise BadInputError(
                f"{name}: {one!r} is no id; write it like {example}", setting=name, value=one
            )
    return tuple(dict.fromkeys(one for one in listed if one))
