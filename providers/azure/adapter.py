"""AzureProvider: the contract of machines, kept by Microsoft Azure.

A resource group for the run in each region, tagged in its own PUT, and in it one Flexible scale
set per attempt, in one PUT under a name that is the token. Scale sets are force-deleted first,
then the group; a group that Azure does not know any more is the proof that nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from azure.core import MatchConditions

from kernel.clock import Clock
from kernel.errors import ProviderFailedError
from providers.azure.boot import boot_script
from providers.azure.clients import AzureClients
from providers.azure.codes import EXISTS_CODES
from providers.azure.connection import Connection
from providers.azure.inventory import (
    DELETING,
    FAILED,
    SUCCEEDED,
    FoundVm,
    ScaleSet,
    all_groups,
    end,
    end_if_empty,
    find_group,
    find_scale_set,
    list_machines,
    machines_of,
)
from providers.azure.login import throwaway_key
from providers.azure.names import run_group, scale_set_name
from providers.azure.network import ensure_network, named_subnet
from providers.azure.operations import CREATE, Operations
from providers.azure.quota import check_quota
from providers.azure.requests import LaunchPrerequisites, scale_set_body
from providers.azure.sizes import wanted_sizes
from providers.azure.spent import is_spent, spent_error
from providers.contract import LaunchSpec, Machine, in_order
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    UnknownOutcomeError,
)
from providers.shortage import left_behind_error, shortage_error

PATIENCE_S = 15.0
"""How long one call of ``launch`` watches a scale set; shorter than a controller's lease."""
POLL_S = 1.0
# A machine may be listed some seconds after its scale set has settled.
LAG_LOOKS = 5
_BEING_MADE = frozenset({"Creating", "Updating"})


class AzureProvider:
    """Machines of Microsoft Azure.

    Args:
        clock: On which waits pass.
        connection: Which Azure, and as whom.
        make_key: Gives the public key of a login that nobody uses.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        connection: Connection,
        make_key: Callable[[], str] = throwaway_key,
    ) -> None:
        self._clock = clock
        self._connection = connection
        self._clients = AzureClients(clock, self._connection)
        self._make_key = make_key
        self._operations = Operations()

    @property
    def name(self) -> str:
        """``azure``."""
        return "azure"

    def check(self, spec: LaunchSpec) -> None:
        """Look at credentials, boot script, subnets, machine sizes and quotas; create nothing."""
        boot_script(spec, self._connection)
        named_subnet(self._clients, spec.region)
        sizes = wanted_sizes(self._clients, spec)
        check_quota(self._clients, spec, sizes)

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        """Create the machines in one call, and watch them come for a while.

        Azure takes minutes for what EC2 does at once. What is still coming when the patience of
        one call ends is an unknown outcome: the same token asks about it again.
        """
        if self._clock.now() >= spec.expires_at:
            raise ConfigurationRejectedError(
                f"Azure {spec.region}: attempt {spec.attempt} of run {spec.run_id} has expired; "
                "a new attempt needs a new token",
                run=spec.run_id,
                attempt=spec.attempt,
            )
        if self._find(spec) is None:
            self._create(spec)
        return self._in_order(spec, self._await_settled(spec))

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        """The run's machines; a group that still stands for what is left of them is shown too."""
        groups = [find_group(self._clients, run_id, region) for region in regions]
        return in_order(
            machine
            for group in groups
            if group is not None
            for machine in machines_of(self._clients, group)
        )

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        """The machines of every run, by the tag of their groups."""
        return in_order(
            machine
            for region in regions
            for group in all_groups(self._clients, region)
            for machine in machines_of(self._clients, group)
        )

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        """End whatever the run's groups hold, whether or not its launch was ever answered."""
        for region in regions:
            end(self._clients, run_id, region)

    def _find(self, spec: LaunchSpec) -> ScaleSet | None:
        group = run_group(spec.run_id, spec.region)
        return find_scale_set(self._clients, spec.region, group, scale_set_name(spec))

    def _create(self, spec: LaunchSpec) -> None:
        """Send the create call, unless the token was spent; afterwards look again whether it was.

        A release writes its record before the group goes, so of a launch and a release at the
        same time at least one sees the other.
        """
        script = boot_script(spec, self._connection)
        self._check_unspent(spec)
        ground = LaunchPrerequisites(
            sizes=wanted_sizes(self._clients, spec),
            network=ensure_network(self._clients, spec.region),
            boot_script=script,
            public_key=self._make_key(),
            identity_id=self._connection.identity_id,
        )
        from azure.mgmt.compute.models import VirtualMachineScaleSet

        group, name = run_group(spec.run_id, spec.region), scale_set_name(spec)
        groups = self._clients.resources.resource_groups
        self._clients.call(
            "ResourceGroups.CreateOrUpdate",
            spec.region,
            lambda: groups.create_or_update(
                group, {"location": spec.region, "tags": dict(spec.tags())}
            ),
        )
        put = partial(
            self._clients.compute.virtual_machine_scale_sets.begin_create_or_update,
            group,
            name,
            VirtualMachineScaleSet(scale_set_body(spec, ground)),
            match_condition=MatchConditions.IfMissing,
            polling=False,
            raw_response_hook=partial(self._operations.remember, name),
        )
        try:
            self._clients.call(CREATE, spec.region, put)
        except (CapacityUnavailableError, ConfigurationRejectedError, QuotaExceededError) as error:
            if error.facts.get("azure_code") in EXISTS_CODES:
                return
            end_if_empty(self._clients, spec.run_id, spec.region)
            raise
        if is_spent(self._clients, spec.region, name):
            end(self._clients, spec.run_id, spec.region)
            raise spent_error(spec)

    def _check_unspent(self, spec: LaunchSpec) -> None:
        if is_spent(self._clients, spec.region, scale_set_name(spec)):
            raise spent_error(spec)

    def _await_settled(self, spec: LaunchSpec) -> list[FoundVm]:
        """The machines, once Azure has done what it can.

        Raises:
            UnknownOutcomeError: It has not yet.
        """
        patient_until = self._clock.now() + timedelta(seconds=PATIENCE_S)
        looks_left = LAG_LOOKS
        while True:
            scale_set, found = self._find(spec), self._list(spec)
            if scale_set is None:
                self._check_unspent(spec)
            elif scale_set.state == DELETING:
                raise spent_error(spec)
            elif scale_set.state not in _BEING_MADE:
                complete = len(found) >= scale_set.capacity
                looks_left -= scale_set.state == FAILED
                if (complete or not looks_left) and all(m.state not in _BEING_MADE for m in found):
                    return self._settle(spec, scale_set, found)
            if self._clock.now() >= patient_until:
                raise UnknownOutcomeError(
                    f"Azure {spec.region}: {len(found)} of {spec.count} machines of run "
                    f"{spec.run_id} can be seen so far; ask again with the same token",
                    region=spec.region,
                    wanted=spec.count,
                    seen=len(found),
                )
            self._clock.sleep(POLL_S)

    def _list(self, spec: LaunchSpec) -> list[FoundVm]:
        group = run_group(spec.run_id, spec.region)
        beginning = f"{scale_set_name(spec)}_"
        found = list_machines(self._clients, spec.region, group)
        return [one for one in found if one.name.startswith(beginning)]

    def _settle(self, spec: LaunchSpec, scale_set: ScaleSet, found: list[FoundVm]) -> list[FoundVm]:
        """Take what came if it suffices, without what failed; else leave nothing of it."""
        good = [one for one in found if one.state == SUCCEEDED]
        bad = [one for one in found if one.state != SUCCEEDED]
        if len(good) < spec.min_count:
            group = run_group(spec.run_id, spec.region)
            errors = self._operations.failures(self._clients, spec.region, group, scale_set.name)
            self._release_short_fleet(spec, len(good))
            raise shortage_error("Azure", spec, len(good), errors)
        if bad:
            self._drop(spec, scale_set, bad)
        return good

    def _drop(self, spec: LaunchSpec, scale_set: ScaleSet, bad: list[FoundVm]) -> None:
        """Delete the machines that failed: they may still be billed for their addresses."""
        names = [one.name for one in bad]
        group = run_group(spec.run_id, spec.region)
        self._clients.call(
            "VirtualMachineScaleSets.DeleteInstances",
            spec.region,
            lambda: self._clients.compute.virtual_machine_scale_sets.begin_delete_instances(
                group, scale_set.name, {"instanceIds": names}, force_deletion=True, polling=False
            ),
        )
        patient_until = self._clock.now() + timedelta(seconds=PATIENCE_S)
        while {one.name for one in self._list(spec)} & set(names):
            if self._clock.now() >= patient_until:
                raise UnknownOutcomeError(
                    f"Azure {spec.region}: machines that failed are not gone yet ({len(names)}); "
                    "ask again with the same token",
                    region=spec.region,
                    failed=len(names),
                )
            self._clock.sleep(POLL_S)

    def _release_short_fleet(self, spec: LaunchSpec, launched: int) -> None:
        """Leave nothing of a launch that gave too little."""
        try:
            end(self._clients, spec.run_id, spec.region)
        except ProviderFailedError as error:
            raise left_behind_error("Azure", spec, launched, error) from error

    def _in_order(self, spec: LaunchSpec, found: list[FoundVm]) -> tuple[Machine, ...]:
        group = find_group(self._clients, spec.run_id, spec.region)
        if group is None:
            raise spent_error(spec)
        return in_order(one.machine(group) for one in found)
