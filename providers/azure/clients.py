"""How Azure is called: clients, time-outs, and retries with a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.pipeline import policies
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from kernel.clock import Clock
from providers.azure.connection import PLAIN, ClockedTransport, Connection, LoopbackTokens
from providers.azure.errors import is_not_found, translated
from providers.errors import ConfigurationRejectedError
from providers.throttling import while_throttled

if TYPE_CHECKING:
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.resource.resources import ResourceManagementClient
    from azure.storage.blob import BlobServiceClient

T = TypeVar("T")

USER_AGENT = "loadmuster"


class AzureClients:
    """The clients of one subscription, made when first needed.

    Args:
        clock: On which waits pass.
        connection: Which Azure, and as whom.
    """

    def __init__(self, clock: Clock, connection: Connection) -> None:
        self.clock = clock
        self.connection = connection
        self._clients: dict[str, Any] = {}

    @property
    def compute(self) -> ComputeManagementClient:
        """Scale sets, machines, sizes."""
        if "compute" not in self._clients:
            from azure.mgmt.compute import ComputeManagementClient

            self._clients["compute"] = self._make(ComputeManagementClient)
        client: ComputeManagementClient = self._clients["compute"]
        return client

    @property
    def network(self) -> NetworkManagementClient:
        """Networks and addresses."""
        if "network" not in self._clients:
            from azure.mgmt.network import NetworkManagementClient

            self._clients["network"] = self._make(NetworkManagementClient)
        client: NetworkManagementClient = self._clients["network"]
        return client

    @property
    def resources(self) -> ResourceManagementClient:
        """Resource groups, and resources of any kind."""
        if "resources" not in self._clients:
            from azure.mgmt.resource.resources import ResourceManagementClient

            self._clients["resources"] = self._make(ResourceManagementClient)
        client: ResourceManagementClient = self._clients["resources"]
        return client

    def blobs(self, account_url: str) -> BlobServiceClient:
        """The containers of a storage account; waits and retries as for the other clients."""
        if account_url not in self._clients:
            from azure.storage.blob import BlobServiceClient, LinearRetry

            connection = self.connection
            is_plain = account_url.startswith(PLAIN)
            door = LoopbackTokens(connection.credential) if is_plain else None
            self._clients[account_url] = BlobServiceClient(
                account_url,
                credential=connection.credential if door is None else None,
                transport=ClockedTransport(self.clock, connection.session),
                retry_policy=LinearRetry(backoff=1, retry_total=1, random_jitter_range=0),
                user_agent=USER_AGENT,
                raw_request_hook=None if door is None else door.on_request,
            )
        client: BlobServiceClient = self._clients[account_url]
        return client

    def call(self, operation: str, region: str, request: Callable[[], T]) -> T:
        """Send a request, again while Azure throttles, and translate what goes wrong."""

        def once() -> T:
            with translated(operation, region):
                return request()

        return while_throttled(self.clock, once)

    def find(self, operation: str, region: str, request: Callable[[], T]) -> T | None:
        """Send a request for something that may not be there; None: it is not."""
        try:
            return self.call(operation, region, request)
        except ConfigurationRejectedError as error:
            if is_not_found(error):
                return None
            raise

    def _make(self, kind: Callable[..., Any]) -> Any:  # noqa: ANN401 - each client has its own type
        connection = self.connection
        return kind(
            connection.credential,
            connection.subscription_id,
            base_url=connection.endpoint,
            transport=ClockedTransport(self.clock, connection.session),
            policies=self._policies(),
        )

    def _policies(self) -> list[Any]:
        """What every request passes through.

        Azure's own list would also register resource providers by itself, waiting on the real
        clock, and retry throttling without our bound.
        """
        connection = self.connection
        credential = connection.credential
        return [
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy(USER_AGENT),
            policies.ContentDecodePolicy(),
            # One more try for a lost connection; every request of ours may be sent twice.
            policies.RetryPolicy(retry_total=1, retry_status=0, retry_on_status_codes=[]),
            LoopbackTokens(credential)
            if connection.endpoint.startswith(PLAIN)
            else ARMChallengeAuthenticationPolicy(credential, f"{connection.endpoint}/.default"),
            policies.CustomHookPolicy(),
        ]
