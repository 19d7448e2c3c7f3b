"""The least that must be allowed on Azure, as role definitions.

`az role definition create --role-definition @docs/azure-role.json` takes them, once the
subscription is filled in. Names of actions:
https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
"""

from __future__ import annotations

import re
from typing import Any

EVERY_SUBSCRIPTION = "/subscriptions/SUBSCRIPTION"

CALLED = (
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
    "Microsoft.Resources/subscriptions/resourceGroups/delete",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
)
"""What the adapter's own requests need."""
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


def role_definition() -> dict[str, Any]:
    """The role of whoever launches machines."""
    return _role(
        "loadmuster",
        "Launches load injectors, sees them and releases them, each run in groups of its own.",
        sorted((*CALLED, *ENTAILED)),
    )


def machine_role_definition() -> dict[str, Any]:
    """The role of the identity by which a machine ends its run when nobody else does.

    Best assigned in a subscription of its own: Azure cannot limit the deletion of groups to those
    that carry a run's tag.
    """
    return _role(
        "loadmuster dead man",
        "Deletes resource groups: the last guard against a forgotten run.",
        list(DEAD_MAN),
    )


def action_of(method: str, path: str) -> str:
    """The action that a request asks for, as Azure names it.

    Args:
        method: Of HTTP.
        path: From ``/subscriptions`` on.
    """
    _, _, subscribed = path.partition("/subscriptions/")
    before, _, provided = subscribed.partition("/providers/")
    if not provided:
        assert re.fullmatch(r"[^/]+/resourcegroups(/[^/]+)?", before, re.IGNORECASE), path
        return f"Microsoft.Resources/subscriptions/resourceGroups/{_LAST[method]}"
    namespace, *parts = provided.split("/")
    if method == "POST":
        *parts, verb = parts
        return f"{namespace}/{'/'.join(parts[::2])}/{verb}/action"
    return f"{namespace}/{'/'.join(parts[::2])}/{_LAST[method]}"


def _role(name: str, description: str, actions: list[str]) -> dict[str, Any]:
    return {
        "Name": name,
        "IsCustom": True,
        "Description": description,
        "Actions": actions,
        "NotActions": [],
        "AssignableScopes": [EVERY_SUBSCRIPTION],
    }
