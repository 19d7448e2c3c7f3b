"""Which machines exist, and how they end: DescribeInstances, DeleteFleets, TerminateInstances."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from providers.aws.clients import AwsClients
from providers.aws.errors import NOT_FOUND_CODES, PERMISSION_CODES
from providers.contract import EXPIRES_TAG, RUN_TAG, Machine, MachineState
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef

T = TypeVar("T")

# What EC2 itself puts on every machine that a fleet launched.
FLEET_TAG = "aws:ec2:fleet-id"
STATES: Final[Mapping[str, MachineState]] = {
    "pending": MachineState.PENDING,
    "running": MachineState.RUNNING,
    "shutting-down": MachineState.STOPPING,
    "stopping": MachineState.STOPPING,
    # It has no processor any more, but its disk is there and is billed.
    "stopped": MachineState.STOPPING,
}
TERMINATED = "terminated"
# From these a machine does not go by itself.
ENDLESS_STATES = frozenset({"pending", "running", "stopping", "stopped"})

PAGE_SIZE = 1_000
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteFleets.html
FLEETS_PER_DELETE = 25
MACHINES_PER_DELETE = 1_000
MACHINES_PER_TERMINATE = 500
TERMINATE_ROUNDS = 3


class FoundInstance(Struct, frozen=True):
    """A machine as EC2 describes it, terminated ones included."""

    machine_id: str
    state: str
    machine_type: str
    launched_at: datetime
    tags: Mapping[str, str]

    @property
    def exists(self) -> bool:
        """Whether it is still there, in whatever state."""
        return self.state != TERMINATED

    def machine(self, region: str) -> Machine:
        """This machine as the contract shows it; without an expiry it has expired already."""
        expiry = self.tags.get(EXPIRES_TAG)
        return Machine(
            machine_id=self.machine_id,
            run_id=self.tags[RUN_TAG],
            region=region,
            machine_type=self.machine_type,
            state=STATES[self.state],
            launched_at=self.launched_at,
            expires_at=datetime.fromisoformat(expiry) if expiry else self.launched_at,
        )


def find(
    clients: AwsClients,
    region: str,
    tags: Mapping[str, str | None],
    *,
    states: Collection[str] | None = None,
) -> list[FoundInstance]:
    """All machines that carry the tags.

    Args:
        clients: How AWS is called.
        region: Where to look.
        tags: Wanted value by key; None: any value.
        states: EC2's names of those to look for; None: any state, also the terminated machines
            that EC2 still remembers.
    """
    client = clients.ec2(region)
    filters: list[FilterTypeDef] = [
        {"Name": "tag-key", "Values": [key]}
        if value is None
        else {"Name": f"tag:{key}", "Values": [value]}
        for key, value in tags.items()
    ]
    if states is not None:
        filters.append({"Name": "instance-state-name", "Values": sorted(states)})

    def describe() -> list[FoundInstance]:
        pages = client.get_paginator("describe_instances").paginate(
            Filters=filters, PaginationConfig={"PageSize": PAGE_SIZE}
        )
        return [
            _found(instance)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]

    return clients.call("DescribeInstances", region, describe)


def existing(
    clients: AwsClients, region: str, tags: Mapping[str, str | None]
) -> list[FoundInstance]:
    """The machines that carry the tags and are not gone."""
    return find(clients, region, tags, states=STATES.keys())


def end(clients: AwsClients, region: str, tags: Mapping[str, str | None]) -> None:
    """End every machine with the tags: its fleets in one call, stragglers by their own names."""
    machines = existing(clients, region, tags)
    if len(machines) > MACHINES_PER_DELETE:
        _terminate(clients, region, tags)
    fleets = sorted({one.tags[FLEET_TAG] for one in machines if FLEET_TAG in one.tags})
    _delete_fleets(clients, region, fleets)
    _terminate(clients, region, tags)


def _delete_fleets(clients: AwsClients, region: str, fleets: Sequence[str]) -> None:
    """Delete instant fleets, which ends their machines; those that cannot be are left."""
    client = clients.ec2(region)
    for batch in _batches(fleets, FLEETS_PER_DELETE):
        request = partial(client.delete_fleets, FleetIds=batch, TerminateInstances=True)
        try:
            clients.call("DeleteFleets", region, request)
        except ConfigurationRejectedError as error:
            # Who may not delete fleets may still terminate machines.
            if error.facts.get("aws_code") not in PERMISSION_CODES:
                raise
            return


def _terminate(clients: AwsClients, region: str, tags: Mapping[str, str | None]) -> None:
    """Terminate what is not ending yet; one that is gone meanwhile fails its batch: look again."""
    client = clients.ec2(region)
    for rounds_left in reversed(range(TERMINATE_ROUNDS)):
        found = find(clients, region, tags, states=ENDLESS_STATES)
        machine_ids = [one.machine_id for one in found]
        try:
            for batch in _batches(machine_ids, MACHINES_PER_TERMINATE):
                request = partial(client.terminate_instances, InstanceIds=batch)
                clients.call("TerminateInstances", region, request)
        except ConfigurationRejectedError as error:
            if error.facts.get("aws_code") not in NOT_FOUND_CODES or not rounds_left:
                raise
        else:
            return


def _found(instance: InstanceTypeDef) -> FoundInstance:
    return FoundInstance(
        machine_id=instance["InstanceId"],
        state=instance["State"]["Name"],
        machine_type=instance["InstanceType"],
        launched_at=instance["LaunchTime"].astimezone(UTC),
        tags={tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])},
    )


def _batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
