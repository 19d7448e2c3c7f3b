"""Runs on the user's own Azure: what they need, and what is looked at before they cost anything."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.clouds.azure import AZURE
from engine.load.sliced.driver import SlicedDriver
from engine.runs.clouds.cloud import Cloud
from engine.runs.clouds.contract import launches_to_check
from engine.runs.model.errors import MachinesElsewhereError
from engine.runs.model.states import Limits, Placement
from engine.runs.record.store import RunStore
from kernel.clock import Clock, SystemClock
from kernel.errors import BadInputError
from providers.findings import Finding, missing
from providers.settings import AZURE_SUBSCRIPTION, AzureSettings

if TYPE_CHECKING:
    from providers.azure import AzureProvider
    from providers.azure.clients import AzureClients

AZURE_LIMITS = Limits(launch_s=900.0, release_s=1_800.0, visibility_s=60.0)
"""Azure takes minutes for a machine, and for the end of a resource group."""


@dataclass(slots=True)
class AzureRuns:
    """Opens the user's own Azure for runs, which share its connections.

    Attributes:
        clock: The clock that the runs live by.
        settings: Subscription, storage account, identity.
    """

    clock: Clock
    settings: AzureSettings
    _clients: AzureClients | None = field(default=None)
    _provider: AzureProvider | None = field(default=None)
    _connecting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def limits(self) -> Limits:
        """How long each phase may take."""
        return AZURE_LIMITS

    @property
    def signed_s_max(self) -> float:
        """As long as a user delegation key holds."""
        from providers.azure.objects import LIFETIME_MAX

        return LIFETIME_MAX.total_seconds()

    def check_settings(self) -> None:
        """Look for the SDK, the subscription and the storage account."""
        AZURE.check_sdk()
        self.endpoint()

    def endpoint(self) -> str:
        """Container and subscription that the settings name, as ``STORAGE/CONTAINER#ID``."""
        subscription_id = self.settings.wanted_subscription()
        return f"{self.settings.wanted_storage()}/{self.settings.container}#{subscription_id}"

    def open(self, endpoint: str, store: RunStore) -> Cloud:
        """Azure's machines, which play load in slices and meet in the container.

        Raises:
            MachinesElsewhereError: The run's machines are in another subscription, where they
                cannot be seen, and would be taken for gone.
        """
        address, _, subscription_id = endpoint.partition("#")
        wanted = self.settings.wanted_subscription()
        if subscription_id != wanted:
            raise MachinesElsewhereError(
                f"its machines are in the subscription {subscription_id}, and "
                f"{AZURE_SUBSCRIPTION} is {wanted}; set it to the run's",
                host=subscription_id,
            )
        provider = self.provider()
        storage_url, _, container = address.rpartition("/")
        from providers.azure.storage import open_storage

        objects = open_storage(self._connected(), storage_url, container)
        return Cloud(provider, SlicedDriver(objects, store.program_bundle), AZURE_LIMITS)

    def check(self, placements: Sequence[Placement], *, owner: str, spot: bool) -> None:
        """Look at subscription, permissions, sizes, quotas and storage; costs nothing."""
        self.check_settings()
        from providers.azure.account import (
            check_allowed,
            check_enabled,
            check_registered,
            find_subscription,
        )
        from providers.azure.storage import check_storage, open_storage

        clients, storage_url = self._connected(), self.settings.wanted_storage()
        check_enabled(find_subscription(clients))
        check_registered(clients)
        check_allowed(clients)
        provider = self.provider()
        for spec in launches_to_check(placements, self.clock.now(), owner=owner, spot=spot):
            provider.check(spec)
        objects = open_storage(clients, storage_url, self.settings.container)
        check_storage(objects, storage_url, secrets.token_hex(4))

    def examine(self, regions: Sequence[str]) -> Iterator[Finding]:
        """What stands between the subscription and a run, one thing after the other."""
        try:
            AZURE.check_sdk()
        except BadInputError as error:
            yield missing("SDK", error)
            return
        try:
            clients = self._connected()
        except BadInputError as error:
            yield missing("subscription", error)
            return
        from providers.azure.examination import Examination

        yield from Examination(
            clients,
            # A test clock says nothing of how far this computer's is off.
            SystemClock(),
            self.settings,
            regions or (AZURE.prices.default_region,),
            secrets.token_hex(4),
        ).findings()

    def provider(self) -> AzureProvider:
        """Azure's machines, of whichever run."""
        clients = self._connected()
        from providers.azure import AzureProvider

        with self._connecting:
            if self._provider is None:
                self._provider = AzureProvider(self.clock, connection=clients.connection)
            return self._provider

    def policy(self) -> dict[str, Any]:
        """The least role for runs in the subscription."""
        AZURE.check_sdk()
        from providers.azure.roles import role_definition

        return role_definition(self.settings.wanted_subscription())

    def _connected(self) -> AzureClients:
        """The clients of the subscription, made once.

        Raises:
            BadInputError: The SDK or the subscription is missing.
        """
        AZURE.check_sdk()
        self.settings.wanted_subscription()
        from providers.azure.clients import AzureClients
        from providers.azure.connection import connection_of

        with self._connecting:
            if self._clients is None:
                self._clients = AzureClients(self.clock, connection_of(self.settings))
            return self._clients
