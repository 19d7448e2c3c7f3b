"""To which Azure the provider speaks, as whom, and how a request travels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.pipeline.transport import RequestsTransport

from kernel.clock import Clock
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import TokenCredential

PUBLIC_ENDPOINT = "https://management.azure.com"
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Connection:
    """An Azure that can be called.

    Attributes:
        subscription_id: Whose machines they are.
        credential: Gives tokens.
        endpoint: Where Azure Resource Manager answers.
        session: How requests travel; None: over the network.
        authentication: A policy that takes the place of bearer tokens, which need HTTPS.
        identity_id: Resource id of the user-assigned identity by which a machine ends itself.
        identity_client_id: Its client id, for which a machine asks.
    """

    subscription_id: str
    credential: TokenCredential
    endpoint: str = PUBLIC_ENDPOINT
    session: requests.Session | None = None
    authentication: Any = None
    identity_id: str | None = None
    identity_client_id: str | None = None


def connection_from_environment() -> Connection:
    """The Azure of whoever runs this, found as Azure's own tools find it.

    Raises:
        ConfigurationRejectedError: No subscription is named.
    """
    from azure.identity import DefaultAzureCredential

    subscription_id = os.environ.get("AZURE_SUBSCRIPTION_ID")
    if not subscription_id:
        raise ConfigurationRejectedError(
            "no Azure subscription is named: set AZURE_SUBSCRIPTION_ID, as "
            "`az account show --query id` prints it"
        )
    return Connection(
        subscription_id=subscription_id,
        credential=DefaultAzureCredential(),
        identity_id=os.environ.get("LOADMUSTER_AZURE_IDENTITY"),
        identity_client_id=os.environ.get("LOADMUSTER_AZURE_IDENTITY_CLIENT_ID"),
    )


class ClockedTransport(RequestsTransport):  # type: ignore[misc] # azure-core loads it lazily
    """Carries requests; waits between two of them pass on the clock that it was given.

    Args:
        clock: On which waits pass.
        session: How requests travel; None: over the network.
    """

    def __init__(self, clock: Clock, session: requests.Session | None) -> None:
        super().__init__(
            session=session,
            session_owner=session is None,
            use_env_settings=session is None,
            connection_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
        )
        self._clock = clock

    def sleep(self, duration: float) -> None:
        """Let ``duration`` seconds pass."""
        self._clock.sleep(duration)
