"""The user's own clouds, where machines cost money: what a run asks of each, whatever its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.runs.clouds.cloud import Cloud
from engine.runs.model.states import Limits, Placement
from engine.runs.record.store import RunStore
from kernel.errors import BadInputError
from providers.contract import LaunchSpec, Provider
from providers.findings import Finding

CHECKED_LIFETIME = timedelta(hours=1)
"""Of the machines of a launch that is only looked at; any will do."""


class UserCloud(Protocol):
    """One cloud, as the user's settings and credentials open it."""

    @property
    def limits(self) -> Limits:
        """How long each phase of a run there may take."""
        ...

    def check_settings(self) -> None:
        """Look for all that a run needs on this side; asks the cloud nothing.

        Raises:
            BadInputError: The SDK or a setting is missing.
        """
        ...

    def endpoint(self) -> str:
        """Where injectors of a new run meet their controller; goes on record with the run.

        Raises:
            BadInputError: The settings do not say.
        """
        ...

    def open(self, endpoint: str, store: RunStore) -> Cloud:
        """Machines, and load whose injectors meet at an endpoint that is on record.

        The store has the files of the programs that put the load on.

        Raises:
            BadInputError: The SDK is missing.
            ProviderFailedError: The meeting place cannot be reached.
        """
        ...

    def provider(self) -> Provider:
        """The machines of whichever run.

        Raises:
            BadInputError: The SDK or a setting is missing.
        """
        ...

    @property
    def signed_s_max(self) -> float:
        """The longest for which it signs the addresses by which injectors fetch and report."""
        ...

    def check(self, placements: Sequence[Placement], *, owner: str, spot: bool) -> None:
        """Look at everything that a run would need, before it is on record; costs nothing.

        Raises:
            BadInputError: A setting is missing.
            ProviderFailedError: A run could not work, or the cloud does not answer.
        """
        ...

    def examine(self, regions: Sequence[str]) -> Iterator[Finding]:
        """What stands between the account and a run, one thing after the other."""
        ...

    def policy(self) -> dict[str, Any]:
        """The least that whoever runs load tests there must be allowed, in the cloud's own form.

        Raises:
            BadInputError: A setting that stands in it is missing.
        """
        ...


def launches_to_check(
    placements: Sequence[Placement], now: datetime, *, owner: str, spot: bool
) -> Iterator[LaunchSpec]:
    """The launches of a run that is not on record yet; none of them is ever sent."""
    for placement in placements:
        yield LaunchSpec(
            run_id="run-check",
            attempt=1,
            token="check",  # noqa: S106 - names a launch that is never sent
            region=placement.region,
            machine_types=placement.machine_types,
            count=placement.count,
            min_count=placement.count,
            created_at=now,
            expires_at=now + CHECKED_LIFETIME,
            owner=owner,
            spot=spot,
        )


def check_lifetime(limits: Limits, load_s: float, signed_s_max: float) -> None:
    """Refuse a run whose injectors' addresses would expire before its end.

    Args:
        limits: How long the phases around the load may take.
        load_s: How long the load flows.
        signed_s_max: The longest for which the cloud signs an address.

    Raises:
        BadInputError: With ``load_s`` and ``load_s_max``, whole seconds.
    """
    load_s_max = signed_s_max - limits.lifetime_with_s(0.0)
    if load_s > load_s_max:
        raise BadInputError(
            f"the load takes {load_s / 3_600:,.1f} hours, and the addresses by which injectors "
            f"fetch and report are signed for {load_s_max / 3_600:,.1f} at most; make it shorter",
            load_s=int(load_s),
            load_s_max=int(load_s_max),
        )
