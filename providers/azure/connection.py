"""To which Azure the provider speaks, as whom, and how a request travels."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from msgspec import Struct

from kernel.clock import Clock
from providers.settings import AZURE_PUBLIC_ENDPOINT, AzureSettings

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineRequest

PLAIN = "http:"
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60


class Connection(Struct, frozen=True):
    """An Azure that can be called.

    Attributes:
        subscription_id: Whose machines they are.
        credential: Gives tokens.
        endpoint: Where Azure Resource Manager answers.
        session: How requests travel; None: over the network.
        subnets: Ids of those that machines may be in, of all regions; elsewhere one is made.
        identity_id: Resource id of the user-assigned identity by which a machine ends itself.
        identity_client_id: Its client id, for which a machine asks.
    """

    subscription_id: str
    credential: TokenCredential
    endpoint: str = AZURE_PUBLIC_ENDPOINT
    session: requests.Session | None = None
    subnets: tuple[str, ...] = ()
    identity_id: str | None = None
    identity_client_id: str | None = None


def connection_of(settings: AzureSettings) -> Connection:
    """The Azure of whoever runs this; credentials are found as Azure's own tools find them.

    Raises:
        BadInputError: No subscription is named, or it is no id.
    """
    from azure.identity import DefaultAzureCredential

    # It says why each kind of credential is missing; what is to be done is ours to say.
    logging.getLogger("azure.identity").addHandler(logging.NullHandler())
    return Connection(
        subscription_id=settings.wanted_subscription(),
        credential=DefaultAzureCredential(),
        endpoint=settings.endpoint,
        session=direct_session() if settings.endpoint.startswith(PLAIN) else None,
        subnets=settings.subnets,
        identity_id=settings.identity_id,
        identity_client_id=settings.identity_client_id,
    )


def direct_session() -> requests.Session:
    """A session to an Azure on this computer, where no proxy leads."""
    import requests

    session = requests.Session()
    session.trust_env = False
    return session


class LoopbackTokens(SansIOHTTPPolicy[Any, Any]):
    """Sends tokens over plain HTTP, by which Azure's own policies let none travel.

    Settings allow plain HTTP to this computer only: to an emulator, or to a rehearsal.

    Args:
        credential: Gives tokens.
    """

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Put a token into the request."""
        token = self._credential.get_token(f"{AZURE_PUBLIC_ENDPOINT}/.default").token
        request.http_request.headers["Authorization"] = f"Bearer {token}"


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
