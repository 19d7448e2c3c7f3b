"""The calls that create machines, as values: the group's tags, and the scale set with all in it.

Both are functions of the spec and of what the region offers. Names of fields:
https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets/create-or-update
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from providers.azure.boot import custom_data
from providers.azure.names import scale_set_name
from providers.azure.network import Network
from providers.azure.sizes import ARM64, VmSize
from providers.contract import LaunchSpec

Body = dict[str, Any]

ADMIN = "loadmuster"
# Ubuntu's image has 30 GiB; a standard SSD of 32 GiB (E4) is the cheapest that every size takes.
BOOT_DISK_GIB = 32
BOOT_DISK_KIND = "StandardSSD_LRS"
NETWORK_API_VERSION = "2022-11-01"
MIXED = "Mix"
DELETE = "Delete"
_IMAGE_SKUS: Final = {ARM64: "server-arm64"}


class LaunchPrerequisites(Struct, frozen=True):
    """What a launch stands on.

    Attributes:
        sizes: In order of preference.
        network: Where machines are attached.
        boot_script: Custom data, raw.
        public_key: For a login that nobody needs; Azure insists on one.
        identity_id: By which a machine ends itself; None: it has none.
    """

    sizes: Sequence[VmSize]
    network: Network
    boot_script: str
    public_key: str
    identity_id: str | None


def scale_set_body(spec: LaunchSpec, ground: LaunchPrerequisites) -> Body:
    """A Flexible scale set: real machines, none to spare, each gone with all that is its own."""
    body: Body = {
        "location": spec.region,
        "tags": dict(spec.tags()),
        "sku": _sku(spec),
        "properties": {
            "orchestrationMode": "Flexible",
            "platformFaultDomainCount": 1,
            "singlePlacementGroup": False,
            "virtualMachineProfile": _machine(spec, ground),
        },
    }
    if len(ground.sizes) > 1:
        body["properties"]["skuProfile"] = {
            "allocationStrategy": "Prioritized",
            "vmSizes": [
                {"name": size.name, "rank": rank} for rank, size in enumerate(ground.sizes)
            ],
        }
    if ground.identity_id is not None:
        body["identity"] = {
            "type": "UserAssigned",
            "userAssignedIdentities": {ground.identity_id: {}},
        }
    return body


def _sku(spec: LaunchSpec) -> Body:
    single = len(spec.machine_types) == 1
    return {"name": spec.machine_types[0] if single else MIXED, "capacity": spec.count}


def _machine(spec: LaunchSpec, ground: LaunchPrerequisites) -> Body:
    return {
        "osProfile": _system(spec, ground),
        "storageProfile": _disk(ground),
        "networkProfile": {
            "networkApiVersion": NETWORK_API_VERSION,
            "networkInterfaceConfigurations": [_interface(spec, ground)],
        },
    }


def _system(spec: LaunchSpec, ground: LaunchPrerequisites) -> Body:
    return {
        "computerNamePrefix": scale_set_name(spec),
        "adminUsername": ADMIN,
        "customData": custom_data(ground.boot_script),
        "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "ssh": {
                "publicKeys": [
                    {
                        "path": f"/home/{ADMIN}/.ssh/authorized_keys",
                        "keyData": ground.public_key,
                    }
                ]
            },
        },
    }


def _disk(ground: LaunchPrerequisites) -> Body:
    image = {
        "publisher": "Canonical",
        "offer": "ubuntu-24_04-lts",
        "sku": _IMAGE_SKUS.get(ground.sizes[0].architecture, "server"),
        "version": "latest",
    }
    return {
        "imageReference": image,
        "osDisk": {
            "createOption": "FromImage",
            "deleteOption": DELETE,
            "diskSizeGB": BOOT_DISK_GIB,
            "managedDisk": {"storageAccountType": BOOT_DISK_KIND},
        },
    }


def _interface(spec: LaunchSpec, ground: LaunchPrerequisites) -> Body:
    properties: Body = {
        "primary": True,
        "deleteOption": DELETE,
        "ipConfigurations": [_address(spec, ground)],
    }
    if ground.network.firewall_id is not None:
        properties["networkSecurityGroup"] = {"id": ground.network.firewall_id}
    return {"name": "interface", "tags": dict(spec.tags()), "properties": properties}


def _address(spec: LaunchSpec, ground: LaunchPrerequisites) -> Body:
    return {
        "name": "address",
        "properties": {
            "primary": True,
            "subnet": {"id": ground.network.subnet_id},
            "publicIPAddressConfiguration": {
                "name": "public-address",
                "sku": {"name": "Standard", "tier": "Regional"},
                "tags": dict(spec.tags()),
                "properties": {"deleteOption": DELETE},
            },
        },
    }
