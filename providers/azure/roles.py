"""The least that must be allowed on Azure, as role definitions.

`az role definition create --role-definition @docs/azure-role.json` takes them, once the
subscription is filled in. Names of actions:
https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

PLACE = "SUBSCRIPTION"

HOW_TO_ALLOW = (
    "give this account the role that `loadmuster doctor --policy azure` prints, at the subscription"
)

CALLED = (
    "Microsoft.Authorization/permissions/read",
    "Microsoft.Compute/locations/operations/read",
    "Microsoft.Compute/locations/usages/read",
    "Microsoft.Compute/skus/read",
    "Microsoft.Compute/virtualMachineScaleSets/delete",
    "Microsoft.Compute/virtualMachineScaleSets/delete/action",
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachineScaleSets/write",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Network/locations/usages/read",
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/write",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/write",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/subscriptions/providers/read",
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/delete",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
)
"""What the adapter's own requests need."""
_BLOB_SERVICES = "Microsoft.Storage/storageAccounts/blobServices"
STORED: Final[Mapping[str, str]] = {
    "CreateContainer": f"{_BLOB_SERVICES}/containers/write",
    "DeleteContainer": f"{_BLOB_SERVICES}/containers/delete",
    "GetUserDelegationKey": f"{_BLOB_SERVICES}/generateUserDelegationKey/action",
    "ListContainers": f"{_BLOB_SERVICES}/containers/read",
}
"""What each call to storage needs that leaves blobs alone:
https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory."""
STORED_DATA: Final[Mapping[str, str]] = {
    "DeleteBlob": f"{_BLOB_SERVICES}/containers/blobs/delete",
    "GetBlob": f"{_BLOB_SERVICES}/containers/blobs/read",
    "ListBlobs": f"{_BLOB_SERVICES}/containers/blobs/read",
    "PutBlob": f"{_BLOB_SERVICES}/containers/blobs/write",
}
"""What each call for blobs needs. Injectors' addresses allow no more than who signed them may."""
ENTAILED = (
    "Microsoft.Compute/disks/write",
    "Microsoft.Compute/virtualMachines/delete",
    "Microsoft.Compute/virtualMachines/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    "Microsoft.Network/networkInterfaces/join/action",
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/publicIPAddresses/join/action",
    "Microsoft.Network/publicIPAddresses/write",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    # Azure drops old records in the name of whoever writes a new one.
    "Microsoft.Resources/deployments/delete",
)
"""What Azure does because of them, in the name of whoever sent them."""
DEAD_MAN = ("Microsoft.Resources/subscriptions/resourceGroups/delete",)
"""All that a machine needs: https://learn.microsoft.com/azure/azure-resource-manager/management/delete-resource-group."""

_LAST = {"GET": "read", "PUT": "write", "DELETE": "delete"}


def role_definition(subscription_id: str = PLACE) -> dict[str, Any]:
    """The role of whoever launches machines in a subscription, as ``az role definition`` takes it.

    Args:
        subscription_id: Where it may be assigned; default: a place to fill in.
    """
    return _role(
        "loadmuster",
        "Launches load injectors, sees them and releases them, each run in groups of its own.",
        sorted((*CALLED, *ENTAILED, *STORED.values())),
        sorted(set(STORED_DATA.values())),
        subscription_id,
    )


def machine_role_definition() -> dict[str, Any]:
    """The role of the identity by which a machine ends its run when nobody else does.

    Best assigned in a subscription of its own: Azure cannot limit the deletion of groups to those
    that carry a run's tag.
    """
    return _role(
        "loadmuster dead man",
        "Deletes resource groups: the last guard against a forgotten run.",
        DEAD_MAN,
    )


def action_of(method: str, path: str) -> str:
    """The action that a request asks for, as Azure names it.

    Args:
        method: Of HTTP.
        path: From ``/subscriptions`` on.
    """
    _, _, subscribed = path.partition("/subscriptions/")
    before, _, provided = subscribed.partition("/providers/")
    if not provided and "/" not in before:
        return f"Microsoft.Resources/subscriptions/{_LAST[method]}"
    if not provided:
        assert re.fullmatch(r"[^/]+/resourcegroups(/[^/]+)?", before, re.IGNORECASE), path
        return f"Microsoft.Resources/subscriptions/resourceGroups/{_LAST[method]}"
    namespace, *parts = provided.split("/")
    if not parts:
        return f"Microsoft.Resources/subscriptions/providers/{_LAST[method]}"
    if method == "POST":
        *parts, verb = parts
        return f"{namespace}/{'/'.join(parts[::2])}/{verb}/action"
    return f"{namespace}/{'/'.join(parts[::2])}/{_LAST[method]}"


def _role(
    name: str,
    description: str,
    actions: Sequence[str],
    data_actions: Sequence[str] = (),
    subscription_id: str = PLACE,
) -> dict[str, Any]:
    return {
        "Name": name,
        "IsCustom": True,
        "Description": description,
        "Actions": list(actions),
        "NotActions": [],
        "DataActions": list(data_actions),
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{subscription_id}"],
    }
