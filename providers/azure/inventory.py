"""What exists of a run on Azure, and how it ends: groups, scale sets, machines.

The group is the last thing of a run to go, so a group that Azure does not know any more is the
proof that nothing is left: no machine, and no disk or address that would be billed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kernel.errors import ProviderFailedError
from providers.azure.boot import FORCED_TYPES
from providers.azure.clients import AzureClients
from providers.azure.names import run_group
from providers.azure.spent import record_spent
from providers.contract import CREATED_TAG, EXPIRES_TAG, RUN_TAG, Machine, MachineState

if TYPE_CHECKING:
    from azure.mgmt.compute.models import VirtualMachine, VirtualMachineScaleSet
    from azure.mgmt.resource.resources.models import ResourceGroup

DELETING = "Deleting"
FAILED = "Failed"
SUCCEEDED = "Succeeded"
STATES: Final[Mapping[str, MachineState]] = {
    "Creating": MachineState.PENDING,
    "Updating": MachineState.RUNNING,
    SUCCEEDED: MachineState.RUNNING,
    DELETING: MachineState.STOPPING,
    # It may or may not run, and carries no load; but it is there and may be billed.
    FAILED: MachineState.STOPPING,
}
GROUP_TYPE = "resource group"
"""The machine type of a group that holds no machine but is not gone."""


class RunGroup(Struct, frozen=True):
    """The resource group of a run in a region."""

    name: str
    run_id: str
    region: str
    deleting: bool
    tags: Mapping[str, str]

    @property
    def created_at(self) -> datetime:
        """When the intent was recorded; for a group without that tag, the beginning of time."""
        text = self.tags.get(CREATED_TAG)
        return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)

    @property
    def expires_at(self) -> datetime:
        """The hard end of what is in it; without that tag it has expired already."""
        text = self.tags.get(EXPIRES_TAG)
        return datetime.fromisoformat(text) if text else self.created_at


class ScaleSet(Struct, frozen=True):
    """The machines of one launch, as a whole."""

    name: str
    state: str
    capacity: int


class FoundVm(Struct, frozen=True):
    """A machine as Azure describes it.

    Attributes:
        name: Unique, since its beginning is the scale set's.
        state: Azure's word for how far it has come.
        machine_type: Its size.
        launched_at: When Azure made it; None: it does not say.
        failure: Code and message of why it failed, where Azure was asked and says so.
    """

    name: str
    state: str
    machine_type: str
    launched_at: datetime | None
    failure: tuple[str, str] | None = None

    def machine(self, group: RunGroup) -> Machine:
        """This machine as the contract shows it."""
        return Machine(
            machine_id=self.name,
            run_id=group.run_id,
            region=group.region,
            machine_type=self.machine_type,
            state=MachineState.STOPPING
            if group.deleting
            else STATES.get(self.state, MachineState.STOPPING),
            launched_at=self.launched_at or group.created_at,
            expires_at=group.expires_at,
        )


def find_group(clients: AzureClients, run_id: str, region: str) -> RunGroup | None:
    """The run's group in a region; None: there is nothing of the run there."""
    name = run_group(run_id, region)
    found = clients.find(
        "ResourceGroups.Get", region, lambda: clients.resources.resource_groups.get(name)
    )
    return None if found is None else _group(found, run_id)


def all_groups(clients: AzureClients, region: str) -> list[RunGroup]:
    """The groups of all runs in a region."""

    def list_them() -> list[RunGroup]:
        pages = clients.resources.resource_groups.list(filter=f"tagName eq '{RUN_TAG}'")
        return [
            _group(one, (one.tags or {}).get(RUN_TAG, ""))
            for one in pages
            if one.location == region
        ]

    return clients.call("ResourceGroups.List", region, list_them)


def machines_of(clients: AzureClients, group: RunGroup) -> list[Machine]:
    """What a run's group holds: its machines, or itself where it holds none.

    A group without a machine is not gone, and neither are the disks and addresses in it.
    """
    found = list_machines(clients, group.region, group.name)
    if found:
        return [one.machine(group) for one in found]
    return [
        Machine(
            machine_id=group.name,
            run_id=group.run_id,
            region=group.region,
            machine_type=GROUP_TYPE,
            state=MachineState.LEFTOVER,
            launched_at=group.created_at,
            expires_at=group.expires_at,
        )
    ]


def list_machines(
    clients: AzureClients, region: str, group: str, *, failures_of: str | None = None
) -> list[FoundVm]:
    """The machines of a group, in the order of their names.

    Args:
        clients: How Azure is called.
        region: Where the group is.
        group: Its name.
        failures_of: Id of a scale set: only its machines, with the reasons why they failed.
    """
    view = "instanceView" if failures_of else None
    chosen = f"'virtualMachineScaleSet/id' eq '{failures_of}'" if failures_of else None

    def list_them() -> list[FoundVm]:
        pages = clients.compute.virtual_machines.list(group, filter=chosen, expand=view)
        return sorted((_machine(one) for one in pages), key=lambda one: one.name)

    return clients.find("VirtualMachines.List", region, list_them) or []


def find_scale_set(clients: AzureClients, region: str, group: str, name: str) -> ScaleSet | None:
    """A scale set; None: there is none of that name."""
    found = clients.find(
        "VirtualMachineScaleSets.Get",
        region,
        lambda: clients.compute.virtual_machine_scale_sets.get(group, name),
    )
    return None if found is None else _scale_set(found)


def end(clients: AzureClients, run_id: str, region: str) -> None:
    """End all that a run has in a region: its scale sets first, since they cost most; its group.

    Deleting the group is enough by itself, so nothing that goes wrong before it may prevent it.
    """
    group = find_group(clients, run_id, region)
    if group is None or group.deleting:
        return
    for scale_set in _list_scale_sets(clients, group):
        with suppress(ProviderFailedError):
            _delete_scale_set(clients, group, scale_set)
        with suppress(ProviderFailedError):
            record_spent(clients, region, scale_set.name)
    _delete_group(clients, group)


def end_if_empty(clients: AzureClients, run_id: str, region: str) -> None:
    """Delete a group for which no scale set could be made, unless another launch made one."""
    group = find_group(clients, run_id, region)
    if group is not None and not group.deleting and not _list_scale_sets(clients, group):
        _delete_group(clients, group)


def _list_scale_sets(clients: AzureClients, group: RunGroup) -> list[ScaleSet]:
    def list_them() -> list[ScaleSet]:
        pages = clients.compute.virtual_machine_scale_sets.list(group.name)
        return [_scale_set(one) for one in pages]

    return clients.find("VirtualMachineScaleSets.List", group.region, list_them) or []


def _delete_scale_set(clients: AzureClients, group: RunGroup, scale_set: ScaleSet) -> None:
    if scale_set.state == DELETING:
        return
    clients.find(
        "VirtualMachineScaleSets.Delete",
        group.region,
        lambda: clients.compute.virtual_machine_scale_sets.begin_delete(
            group.name, scale_set.name, force_deletion=True, polling=False
        ),
    )


def _delete_group(clients: AzureClients, group: RunGroup) -> None:
    clients.find(
        "ResourceGroups.Delete",
        group.region,
        lambda: clients.resources.resource_groups.begin_delete(
            group.name, force_deletion_types=FORCED_TYPES, polling=False
        ),
    )


def _group(found: ResourceGroup, run_id: str) -> RunGroup:
    state = found.properties.provisioning_state if found.properties else None
    return RunGroup(
        name=found.name or "",
        run_id=run_id,
        region=found.location,
        deleting=state == DELETING,
        tags=found.tags or {},
    )


def _scale_set(found: VirtualMachineScaleSet) -> ScaleSet:
    assert found.properties is not None, "a scale set has properties"
    assert found.sku is not None, "a scale set has a size"
    return ScaleSet(
        name=found.name or "",
        state=found.properties.provisioning_state or "",
        capacity=found.sku.capacity or 0,
    )


def _machine(found: VirtualMachine) -> FoundVm:
    assert found.properties is not None, "a machine has properties"
    hardware = found.properties.hardware_profile
    created = found.properties.time_created
    return FoundVm(
        name=found.name or "",
        state=found.properties.provisioning_state or "",
        machine_type=_size_name(hardware.vm_size) if hardware else "",
        launched_at=created.astimezone(UTC) if created else None,
        failure=_failure(found),
    )


def _size_name(size: str | None) -> str:
    """A size by its name: of some, the SDK makes members of an enumeration."""
    return str(size.value) if isinstance(size, Enum) else size or ""


def _failure(found: VirtualMachine) -> tuple[str, str] | None:
    """Why a machine failed: Azure writes it as ``ProvisioningState/failed/AllocationFailed``."""
    view = found.properties.instance_view if found.properties else None
    for status in (view.statuses or []) if view else []:
        parts = (status.code or "").split("/")
        if parts[:2] == ["ProvisioningState", "failed"]:
            return parts[2] if len(parts) > 2 else FAILED, status.message or "no message"  # noqa: PLR2004 - three parts
    return None
