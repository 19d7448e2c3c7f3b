"""How a rehearsed Azure says no: a status, a code, and words, as Azure Resource Manager does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kernel.words import counted

# What is not here is answered with 400.
STATUSES = {
    "AllocationFailed": 409,
    "AnotherOperationInProgress": 409,
    "AuthenticationFailed": 401,
    "AuthorizationFailed": 403,
    "Conflict": 409,
    "DeploymentNotFound": 404,
    "GatewayTimeout": 504,
    "InternalServerError": 500,
    "InvalidAuthenticationToken": 401,
    "MissingSubscriptionRegistration": 409,
    "NotFound": 404,
    "OperationNotAllowed": 409,
    "OverconstrainedAllocationRequest": 409,
    "PreconditionFailed": 412,
    "PropertyChangeNotAllowed": 409,
    "QuotaExceeded": 409,
    "ReferencedResourceNotProvisioned": 409,
    "RequestDisallowedByPolicy": 403,
    "ResourceGroupBeingDeleted": 409,
    "ResourceGroupNotFound": 404,
    "ResourceNotFound": 404,
    "RetryableError": 429,
    "ScopeLocked": 409,
    "ServiceUnavailable": 503,
    "SkuNotAvailable": 409,
    "SubscriptionNotFound": 404,
    "TooManyRequests": 429,
    "ZonalAllocationFailed": 409,
}
BAD_REQUEST = 400
RETRY_AFTER_S = 1
# https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
TAGS_LIMIT = 50
TAG_NAME_LIMIT = 512
TAG_VALUE_LIMIT = 256
_FORBIDDEN_IN_TAGS = re.compile(r"[<>%&\\?/]")


class ArmError(Exception):
    """A request that is refused.

    Args:
        code: Azure's word for it.
        message: In words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUSES.get(self.code, BAD_REQUEST)

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message}}

    def headers(self) -> dict[str, str]:
        """Who is told to come back is told when."""
        retry = self.code in ("AnotherOperationInProgress", "RetryableError", "TooManyRequests")
        return {"Retry-After": str(RETRY_AFTER_S)} if retry else {}


class ConnectionBrokenError(Exception):
    """The connection is to break instead of an answer."""


def group_not_found(name: str) -> ArmError:
    """For whatever is asked about a group that is not there."""
    return ArmError("ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


def not_found(thing_id: str) -> ArmError:
    """For a resource that is not there."""
    kind, name = thing_id.split("/")[-2:]
    group = thing_id.split("/")[4]
    return ArmError(
        "DeploymentNotFound" if kind.lower() == "deployments" else "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found.",
    )


def check_tags(body: Mapping[str, Any]) -> None:
    """Refuse tags that Azure would not take."""
    tags: Mapping[str, str] = body.get("tags") or {}
    if len(tags) > TAGS_LIMIT:
        raise ArmError(
            "InvalidTags", f"{counted(len(tags), 'tag')}; a resource has at most {TAGS_LIMIT}."
        )
    for name, value in tags.items():
        if _FORBIDDEN_IN_TAGS.search(name) or not 0 < len(name) <= TAG_NAME_LIMIT:
            raise ArmError("InvalidTagNameCharacters", f"The tag name '{name}' is not allowed.")
        if not isinstance(value, str) or len(value) > TAG_VALUE_LIMIT:
            raise ArmError("InvalidTagValue", f"The value of the tag '{name}' is not allowed.")
