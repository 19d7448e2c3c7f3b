"""What the things of a run are called on Azure: the same wish always gives the same names.

A run has one resource group in each region where it has machines. One group over all regions
would do too, but then a short fleet in one region could not be put away whole, and a group cannot
be changed while the region that keeps its records is down.
"""

from __future__ import annotations

import hashlib
import re

from providers.contract import LaunchSpec

PREFIX = "loadmuster"
DIGITS = 20
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
GROUP_NAME_LIMIT = 90
_GROUP_NAME = re.compile(r"[A-Za-z0-9_.()-]*[A-Za-z0-9_()-]")


def run_group(run_id: str, region: str) -> str:
    """The resource group of a run in a region."""
    name = f"{PREFIX}-{run_id}-{region}"
    if len(name) <= GROUP_NAME_LIMIT and _GROUP_NAME.fullmatch(name):
        return name
    return f"{PREFIX}-{_digest(name)}"


def shared_group(region: str) -> str:
    """The resource group of what all runs in a region share: the network, and spent tokens."""
    return f"{PREFIX}-shared-{region}"


def scale_set_name(spec: LaunchSpec) -> str:
    """The scale set of a launch: its name is the token, which makes the launch idempotent."""
    return f"lm-{_digest(spec.token)}"


def spent_record_name(scale_set: str) -> str:
    """The record that outlives a scale set."""
    return f"spent-{scale_set}"


def content_name(kind: str, content: str) -> str:
    """The name that the content gives."""
    return f"{PREFIX}-{kind}-{_digest(content)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
