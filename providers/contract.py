"""The contract that every provider of machines keeps; one test suite holds all of them to it.

A provider launches machines for a run, tells which exist, and releases them. It keeps no state of
its own: what exists is what the cloud says, found by the run's tag. Every method may be called
twice, late, or by another process than the one that launched.

On EC2 a run's tags stand on its instances and the token goes into the create call; on Azure the
tags stand on a resource group for the run, and a scale set's name is the token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

RUN_TAG = "loadmuster:run"
ATTEMPT_TAG = "loadmuster:attempt"
OWNER_TAG = "loadmuster:owner"
CREATED_TAG = "loadmuster:created-at"
EXPIRES_TAG = "loadmuster:expires-at"


class MachineState(StrEnum):
    """The states that matter to a run; a terminated machine is not observed at all."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    LEFTOVER = "leftover"
    """No machine any more, or not yet one: what holds the parts of machines and is not gone."""

    GONE = "gone"
    """Proven not to be there any more: only the record of a run that ended shows it."""


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """One machine that exists now.

    Attributes:
        machine_id: The provider's own id.
        run_id: From its tag.
        region: Where it is.
        machine_type: For example ``c7i.large``; ``process`` on this machine.
        state: See ``MachineState``.
        launched_at: When the provider says it was launched.
        expires_at: The hard end that its dead man enforces.
    """

    machine_id: str
    run_id: str
    region: str
    machine_type: str
    state: MachineState
    launched_at: datetime
    expires_at: datetime

    @property
    def is_up(self) -> bool:
        """Whether it carries load, or is on its way to."""
        return self.state in (MachineState.PENDING, MachineState.RUNNING)


def in_order(machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """Machines by region and id."""
    return tuple(sorted(machines, key=lambda machine: (machine.region, machine.machine_id)))


class LaunchSpec(Struct, frozen=True):
    """A wish for ``count`` machines in one region, in one call.

    Attributes:
        run_id: Which run they are for.
        attempt: 1, 2, ...: a new attempt has a new token.
        token: At most 64 ASCII characters. The same token never launches twice.
        region: Where.
        machine_types: In order of preference, cheapest first.
        count: Machines wanted; fewer than ``min_count`` is a failure and leaves none behind.
        min_count: At least this many.
        created_at: When the intent was recorded.
        expires_at: When a machine must end itself, whatever happened to its controller.
        owner: The account that pays.
        commands: What machine ``i`` executes: argument vectors that run side by side. Providers
            that boot an image receive ``user_data`` instead.
        user_data: Boot script, at most 16 KB on EC2 and 64 KB on Azure, less its dead man.
        spot: Machines that the cloud sells cheaper and may take away at any moment.
    """

    run_id: str
    attempt: int
    token: str
    region: str
    machine_types: Sequence[str]
    count: int
    min_count: int
    created_at: datetime
    expires_at: datetime
    owner: str
    commands: Sequence[Sequence[Sequence[str]]] = ()
    user_data: str = ""
    spot: bool = False

    def tags(self) -> Mapping[str, str]:
        """The tags that go into the create call itself."""
        return {
            RUN_TAG: self.run_id,
            ATTEMPT_TAG: str(self.attempt),
            OWNER_TAG: self.owner,
            CREATED_TAG: self.created_at.isoformat(),
            EXPIRES_TAG: self.expires_at.isoformat(),
        }


class Provider(Protocol):
    """Machines of one cloud, or of this computer."""

    @property
    def name(self) -> str:
        """``aws``, ``azure`` or ``local``."""
        ...

    def check(self, spec: LaunchSpec) -> None:
        """Look before any money is spent: credentials, region, types, quota.

        Creates nothing that costs anything.

        Raises:
            ConfigurationRejectedError: The launch could never work.
            QuotaExceededError: It would exceed what the account may have.
        """
        ...

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        """Create the machines, tagged in the create call.

        The same token again returns the machines of the first call and creates none. After a
        release, the same token creates none either. Between ``min_count`` and ``count`` machines
        are returned, or an error is raised and none of this attempt is left. A launch that takes
        longer than some seconds is an unknown outcome: the same token goes on waiting for it.

        Raises:
            ThrottledError: Nothing was created; likewise with the next three.
            QuotaExceededError: The account may not have that many.
            CapacityUnavailableError: The cloud has none left there.
            ConfigurationRejectedError: The request can never work as it is.
            UnknownOutcomeError: Nobody knows; call again with the same token.
        """
        ...

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        """All machines of a run that are not gone, in any of the regions; none is proof of release.

        Where machines are gone and something of theirs is not, that is shown in their place, as
        ``LEFTOVER``.

        Raises:
            ThrottledError, UnknownOutcomeError: Nothing is known; ask again.
        """
        ...

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        """All machines that carry our tags, of whichever run: what the reaper reads first."""
        ...

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        """Ask for the end of every machine of the run. Already gone is success.

        Returns once the cloud accepted; ``observe`` tells when they are gone. Must end the
        machines even where the launch's answer was lost.
        """
        ...
