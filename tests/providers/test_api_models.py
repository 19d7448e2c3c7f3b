"""What AWS's APIs are like, read once for all sessions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.loaders import create_loader

from providers.aws.api_models import shared_loader, with_shared_models

SERVICES = ("ec2", "s3", "ssm", "service-quotas", "sts", "iam", "pricing")


def in_order(description: Mapping[str, Any]) -> str:
    return json.dumps(description)


def test_descriptions_are_those_that_botocore_reads_itself_in_the_same_order() -> None:
    own = create_loader()
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            read = shared_loader().load_service_model(service, kind)
            assert in_order(read) == in_order(own.load_service_model(service, kind)), service
    assert in_order(shared_loader().load_data("endpoints")) == in_order(own.load_data("endpoints"))


def test_sessions_share_what_they_have_read() -> None:
    one, other = (with_shared_models(botocore.session.Session()) for _ in range(2))

    assert one.get_service_model("ec2").metadata is other.get_service_model("ec2").metadata
