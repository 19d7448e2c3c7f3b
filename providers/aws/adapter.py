"""AwsProvider: the contract of machines, kept by Amazon EC2.

One CreateFleet per region and attempt, with tags and token in the call itself; DeleteFleets ends
it; DescribeInstances, by tag, is the only truth about what exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import boto3
from msgspec import Struct

from kernel.clock import Clock
from kernel.errors import ProviderFailedError
from kernel.words import counted
from providers.aws.boot import boot_script
from providers.aws.clients import AwsClients
from providers.aws.errors import PERMISSION_CODES, TOKEN_CODES, from_code
from providers.aws.inventory import FoundInstance, end, existing, find
from providers.aws.launch_prerequisites import LaunchPrerequisites, machine_types, survey
from providers.aws.launch_rate import LaunchRates
from providers.aws.network import check_addresses, check_network
from providers.aws.quota import check_quota
from providers.aws.requests import fleet_request, run_request
from providers.contract import ATTEMPT_TAG, RUN_TAG, LaunchSpec, Machine, in_order
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    UnknownOutcomeError,
)
from providers.settings import AwsSettings
from providers.shortage import left_behind_error, shortage_error

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import CreateFleetResultTypeDef

# A machine may take seconds to be described after it was launched.
VISIBLE_ATTEMPTS = 6
VISIBLE_FIRST_WAIT_S = 0.25
DEFAULT_SETTINGS = AwsSettings()


class _Answer(Struct, frozen=True):
    """What a create call gave: machines, and what kept it from giving more."""

    machine_ids: Sequence[str]
    errors: Sequence[ProviderFailedError] = ()


class AwsProvider:
    """Machines of Amazon EC2.

    Args:
        clock: On which waits pass.
        session: Credentials and settings; default: as the AWS command line finds them.
        endpoint_url: Another place that answers as AWS does, such as a rehearsal.
        settings: Where machines are put; default: the default network.
        launch_rates: Shared by all that launch from this process; default: of its own.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        session: boto3.Session | None = None,
        endpoint_url: str | None = None,
        settings: AwsSettings = DEFAULT_SETTINGS,
        launch_rates: LaunchRates | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._launch_rates = launch_rates or LaunchRates(clock)
        self._clients = AwsClients(clock, session=session, endpoint_url=endpoint_url)

    @property
    def name(self) -> str:
        """``aws``."""
        return "aws"

    def check(self, spec: LaunchSpec) -> None:
        """Look at credentials, boot script, machine types, network and quota; create nothing."""
        boot_script(spec)
        identity = self._clients.client("sts", spec.region)
        self._clients.call("GetCallerIdentity", spec.region, identity.get_caller_identity)
        types = machine_types(self._clients, spec)
        free = check_network(self._clients, spec.region, self._settings)
        check_addresses(spec.region, free, spec.min_count)
        vcpus = {name: info["VCpuInfo"]["DefaultVCpus"] for name, info in types.items()}
        check_quota(self._clients, spec, vcpus)

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        """Create the machines in one call; a fleet below ``min_count`` is released at once."""
        ground = survey(self._clients, spec, self._settings)
        self._launch_rates.take(spec.region, spec.token, spec.count)
        answer = self._create(spec, ground)
        if len(answer.machine_ids) < spec.min_count:
            self._release_short_fleet(spec, answer)
            raise shortage_error("AWS", spec, len(answer.machine_ids), answer.errors)
        found = self._await_visible(spec, answer.machine_ids)
        machines = in_order(one.machine(spec.region) for one in found if one.exists)
        if not machines:
            raise ConfigurationRejectedError(
                f"AWS {spec.region}: the machines of run {spec.run_id}, attempt {spec.attempt}, "
                "are gone; a new attempt needs a new token",
                run=spec.run_id,
                attempt=spec.attempt,
            )
        return machines

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        """The run's machines, by tag, in the order of their ids."""
        return self._observe(regions, {RUN_TAG: run_id})

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        """The machines of every run, by tag."""
        return self._observe(regions, {RUN_TAG: None})

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        """End whatever carries the run's tag, whether or not its launch was ever answered."""
        for region in regions:
            end(self._clients, region, {RUN_TAG: run_id})

    def _observe(
        self, regions: Sequence[str], tags: Mapping[str, str | None]
    ) -> tuple[Machine, ...]:
        return in_order(
            found.machine(region)
            for region in regions
            for found in existing(self._clients, region, tags)
        )

    def _create(self, spec: LaunchSpec, ground: LaunchPrerequisites) -> _Answer:
        client = self._clients.ec2(spec.region)
        request = fleet_request(spec, ground)
        try:
            answer = self._clients.call(
                "CreateFleet", spec.region, partial(client.create_fleet, **request)
            )
        except ConfigurationRejectedError as error:
            code = error.facts.get("aws_code")
            if code in TOKEN_CODES:
                return self._earlier_answer(spec, error)
            if code in PERMISSION_CODES:
                return self._create_without_fleet(spec, ground)
            raise
        return _Answer(
            [machine_id for one in answer["Instances"] for machine_id in one["InstanceIds"]],
            _fleet_errors(answer, spec.region),
        )

    def _earlier_answer(self, spec: LaunchSpec, error: ConfigurationRejectedError) -> _Answer:
        """The machines of a launch with this token whose parameters have changed since.

        A newer image or a new default subnet makes the same launch another request.
        """
        found = self._of_attempt(spec)
        if not found:
            raise error
        return _Answer([one.machine_id for one in found])

    def _create_without_fleet(self, spec: LaunchSpec, ground: LaunchPrerequisites) -> _Answer:
        """RunInstances, type by type, for accounts that may not create fleets.

        The token covers one type and subnet, so what an earlier call launched is looked for first.
        """
        found = self._of_attempt(spec)
        if found:
            return _Answer([one.machine_id for one in found])
        client = self._clients.ec2(spec.region)
        errors: list[ProviderFailedError] = []
        subnets = ground.network.subnets if ground.network.named_subnets else (None,)
        for machine_type, subnet in product(spec.machine_types, subnets):
            request = run_request(spec, ground, machine_type, subnet)
            try:
                answer = self._clients.call(
                    "RunInstances", spec.region, partial(client.run_instances, **request)
                )
            except (CapacityUnavailableError, QuotaExceededError) as error:
                errors.append(error)
            else:
                return _Answer([one["InstanceId"] for one in answer["Instances"]])
        return _Answer([], errors)

    def _of_attempt(self, spec: LaunchSpec) -> list[FoundInstance]:
        """Also those that are gone already: a token is never good for other machines."""
        # By one tag: for each, a rehearsal looks through all tags of all machines.
        of_run = find(self._clients, spec.region, {RUN_TAG: spec.run_id})
        return [one for one in of_run if one.tags.get(ATTEMPT_TAG) == str(spec.attempt)]

    def _await_visible(self, spec: LaunchSpec, machine_ids: Sequence[str]) -> list[FoundInstance]:
        """The machines as EC2 describes them, which may be some seconds after their launch."""
        wait_s = VISIBLE_FIRST_WAIT_S
        for _ in range(VISIBLE_ATTEMPTS):
            found = [one for one in self._of_attempt(spec) if one.machine_id in machine_ids]
            if len(found) == len(machine_ids):
                return found
            self._clock.sleep(wait_s)
            wait_s *= 2
        raise UnknownOutcomeError(
            f"AWS {spec.region}: launched {counted(len(machine_ids), 'machine')} for run "
            f"{spec.run_id}, but only {len(found)} can be seen yet; ask again with the same token",
            region=spec.region,
            launched=len(machine_ids),
            seen=len(found),
        )

    def _release_short_fleet(self, spec: LaunchSpec, answer: _Answer) -> None:
        """Leave nothing of a launch that gave too little."""
        if not answer.machine_ids:
            return
        try:
            self._await_visible(spec, answer.machine_ids)
            end(self._clients, spec.region, _attempt_tags(spec))
        except ProviderFailedError as error:
            raise left_behind_error("AWS", spec, len(answer.machine_ids), error) from error


def _attempt_tags(spec: LaunchSpec) -> dict[str, str | None]:
    return {RUN_TAG: spec.run_id, ATTEMPT_TAG: str(spec.attempt)}


def _fleet_errors(answer: CreateFleetResultTypeDef, region: str) -> list[ProviderFailedError]:
    return [
        from_code(
            one["ErrorCode"], one.get("ErrorMessage", ""), operation="CreateFleet", region=region
        )
        for one in answer.get("Errors", [])
    ]
