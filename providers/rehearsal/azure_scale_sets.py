"""Scale sets of a rehearsed Azure: what a PUT must say, and the machines that it brings.

A set that cannot have all its machines is accepted all the same, and fails later: some of its
machines succeed, the others fail and stay until somebody deletes them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from providers.rehearsal.azure_refusals import ArmError
from providers.rehearsal.azure_stock import (
    Allocation,
    allocate,
    architecture_of,
    offered,
    vcpus_of,
)
from providers.rehearsal.azure_things import Holdings, Thing
from providers.rehearsal.fault_injector import FaultInjector

CUSTOM_DATA_LIMIT_BYTES = 65_535
CAPACITY_LIMIT = 1_000
MIXED = "Mix"
NAME_DIGITS = 8
READY = "Succeeded"


class ScaleSets(Struct, frozen=True):
    """The making and the ending of scale sets and machines."""

    holdings: Holdings
    world: FaultInjector

    def create(self, thing_id: str, body: dict[str, Any], late: str | None) -> Thing:
        """A new scale set with its machines, all of which fail if ``late`` is a code."""
        sizes = self._check(body)
        wanted = int(body["sku"]["capacity"])
        self._check_quota(body["location"], wanted * vcpus_of(sizes[0]))
        if late is None:
            allocation = allocate(self.world, sizes, wanted)
        else:
            allocation = Allocation([], (late, f"Rehearsed: {late}."))
        now_s, pace = self.holdings.now_s(), self.holdings.pace
        scale_set = self.holdings.put(
            Thing(thing_id, body, ready_s=now_s + pace.boot_s, failure=allocation.failure)
        )
        for index in range(wanted):
            given = index < len(allocation.sizes)
            size = allocation.sizes[index] if given else sizes[0]
            self._add_machine(scale_set, index, size, None if given else allocation.failure)
        return scale_set

    def machines(self, scale_set: Thing) -> list[Thing]:
        """The machines of a set."""
        group_id = _group_id(scale_set.thing_id)
        beginning = f"{scale_set.name}_"
        found = self.holdings.below(group_id, "virtualmachines")
        return [one for one in found if one.name.startswith(beginning)]

    def delete(self, scale_set: Thing, *, forced: bool) -> float:
        """End a set with its machines; when that is done."""
        done_s = [self.delete_machine(one, forced=forced) for one in self.machines(scale_set)]
        now_s = self.holdings.now_s()
        scale_set.gone_s = min(scale_set.gone_s, max(done_s, default=now_s))
        return scale_set.gone_s

    def delete_machine(self, machine: Thing, *, forced: bool) -> float:
        """End a machine, with what it was told to take along; when the machine is gone."""
        gone_s = self.holdings.delete(machine, forced=forced)
        for part in _parts_of(self.holdings, machine):
            if part.body["deleteOption"] == "Delete":
                part.gone_s = min(part.gone_s, gone_s + self.holdings.pace.linger_s)
        return gone_s

    def delete_instances(self, scale_set: Thing, names: Sequence[str], *, forced: bool) -> float:
        """End some machines of a set, which is smaller and in order from then on."""
        machines = {one.name: one for one in self.machines(scale_set)}
        for name in names:
            if name not in machines:
                raise ArmError("InvalidParameter", f"The instance '{name}' is not in the set.")
        done_s = [self.delete_machine(machines[name], forced=forced) for name in names]
        left = int(scale_set.body["sku"]["capacity"]) - len(names)
        scale_set.body = {**scale_set.body, "sku": {**scale_set.body["sku"], "capacity": left}}
        scale_set.failure = None
        return max(done_s, default=self.holdings.now_s())

    def _add_machine(
        self, scale_set: Thing, index: int, size: str, failure: tuple[str, str] | None
    ) -> None:
        holdings, body = self.holdings, scale_set.body
        now_s = holdings.now_s()
        digest = hashlib.sha256(f"{scale_set.thing_id}/{index}".encode()).hexdigest()
        group_id, name = (
            _group_id(scale_set.thing_id),
            f"{scale_set.name}_{digest[:NAME_DIGITS]}",
        )
        profile = body["properties"]["virtualMachineProfile"]
        machine = holdings.put(
            Thing(
                f"{group_id}/providers/Microsoft.Compute/virtualMachines/{name}",
                {
                    "location": body["location"],
                    "tags": body.get("tags", {}),
                    "properties": {
                        "hardwareProfile": {"vmSize": size},
                        "timeCreated": datetime.fromtimestamp(now_s, UTC).isoformat(),
                        "virtualMachineScaleSet": {"id": scale_set.thing_id},
                    },
                },
                ready_s=now_s + holdings.pace.boot_s,
                visible_s=now_s + holdings.pace.visible_s,
                failure=failure,
            )
        )
        if failure is None:
            custom_data = profile["osProfile"].get("customData", "")
            holdings.furnish(machine, base64.b64decode(custom_data).decode())
        for kind, option in _delete_options(profile).items():
            part = {"location": body["location"], "tags": body.get("tags", {})}
            part_id = f"{group_id}/providers/{kind}/{name}"
            holdings.put(Thing(part_id, {**part, "deleteOption": option}))

    def _check(self, body: Mapping[str, Any]) -> Sequence[str]:
        """Refuse what Azure would refuse at once; the sizes that are wanted."""
        properties = body.get("properties", {})
        if properties.get("orchestrationMode") != "Flexible":
            raise ArmError("BadRequest", "Only Flexible scale sets are rehearsed.")
        if properties.get("platformFaultDomainCount") is None:
            raise ArmError("InvalidParameter", "platformFaultDomainCount must be given.")
        if not 0 < int(body["sku"]["capacity"]) <= CAPACITY_LIMIT:
            raise ArmError("InvalidParameter", f"capacity must be 1 to {CAPACITY_LIMIT}.")
        sizes = _sizes(body)
        for size in sizes:
            if size not in offered():
                raise ArmError(
                    "InvalidParameter",
                    f"The value {size} provided for the VM size is not valid.",
                )
        profile = properties["virtualMachineProfile"]
        _check_system(profile)
        image = profile["storageProfile"]["imageReference"]["sku"]
        if {architecture_of(size) for size in sizes} != {"Arm64" if "arm64" in image else "x64"}:
            raise ArmError(
                "BadRequest", f"The image '{image}' does not boot on {', '.join(sizes)}."
            )
        self._check_network(profile)
        return sizes

    def _check_network(self, profile: Mapping[str, Any]) -> None:
        network = profile["networkProfile"]
        if not network.get("networkApiVersion"):
            raise ArmError("InvalidParameter", "networkApiVersion is required for Flexible sets.")
        for interface in network["networkInterfaceConfigurations"]:
            firewall = interface["properties"].get("networkSecurityGroup")
            if firewall is not None:
                self._check_ready(firewall["id"])
            for address in interface["properties"]["ipConfigurations"]:
                self._check_ready(address["properties"]["subnet"]["id"].rsplit("/", 2)[0])

    def _check_ready(self, thing_id: str) -> None:
        found = self.holdings.find(thing_id)
        if found is None:
            raise ArmError("InvalidParameter", f"There is no {thing_id}.")
        if found.state(self.holdings.now_s()) != READY:
            raise ArmError("ReferencedResourceNotProvisioned", f"{thing_id} is not ready yet.")

    def _check_quota(self, region: str, wanted: int) -> None:
        limit = self.world.vcpu_limit(spot=False)
        used = sum(vcpus_of(size) for size in sizes_in_use(self.holdings, region))
        if limit is not None and used + wanted > limit:
            raise ArmError(
                "OperationNotAllowed",
                "Operation could not be completed as it results in exceeding approved Total "
                f"Regional Cores quota. Additional details - Location: {region}, Current Limit: "
                f"{limit}, Current Usage: {used}, Additional Required: {wanted}, (Minimum) New "
                f"Limit Required: {used + wanted}.",
            )


def sizes_in_use(holdings: Holdings, region: str) -> list[str]:
    """The sizes of the machines that a region holds."""
    return [
        one.body["properties"]["hardwareProfile"]["vmSize"]
        for one in holdings.below("/subscriptions", "virtualmachines")
        if one.body["location"] == region
    ]


def _group_id(thing_id: str) -> str:
    return "/".join(thing_id.split("/")[:5])


def _parts_of(holdings: Holdings, machine: Thing) -> list[Thing]:
    """Disk, interface and address of a machine."""
    found = holdings.below(_group_id(machine.thing_id))
    return [one for one in found if one.name == machine.name and "deleteOption" in one.body]


def _delete_options(profile: Mapping[str, Any]) -> dict[str, str]:
    """What becomes of a machine's parts when it goes; Azure keeps what it is not told to delete."""
    interface = profile["networkProfile"]["networkInterfaceConfigurations"][0]["properties"]
    address = interface["ipConfigurations"][0]["properties"]
    options = {
        "Microsoft.Compute/disks": profile["storageProfile"]["osDisk"],
        "Microsoft.Network/networkInterfaces": interface,
    }
    public = address.get("publicIPAddressConfiguration")
    if public is not None:
        options["Microsoft.Network/publicIPAddresses"] = public.get("properties", {})
    return {kind: where.get("deleteOption", "Detach") for kind, where in options.items()}


def _sizes(body: Mapping[str, Any]) -> Sequence[str]:
    if body["sku"]["name"] != MIXED:
        return [body["sku"]["name"]]
    ranked = sorted(body["properties"]["skuProfile"]["vmSizes"], key=lambda one: one["rank"])
    return [one["name"] for one in ranked]


def _check_system(profile: Mapping[str, Any]) -> None:
    system = profile["osProfile"]
    keys = system.get("linuxConfiguration", {}).get("ssh", {}).get("publicKeys", [])
    if not system.get("adminPassword") and not any(key.get("keyData") for key in keys):
        raise ArmError("InvalidParameter", "A Linux machine needs a password or a public key.")
    size_bytes = len(base64.b64decode(system.get("customData", ""), validate=True))
    if size_bytes > CUSTOM_DATA_LIMIT_BYTES:
        raise ArmError("InvalidParameter", "Custom data is longer than Azure takes.")
