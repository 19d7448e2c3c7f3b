"""Ways to a rehearsed Azure: in this process, or over loopback; and the provider that takes them.

In this process, requests travel through the same HTTP library as to the real Azure, up to the
point where it would open a connection.
"""

from __future__ import annotations

import io
import time
from typing import Any

import requests
from azure.core.credentials import AccessToken
from msgspec.structs import replace
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from kernel.clock import Clock
from providers.azure import AzureProvider, Connection
from providers.azure.clients import AzureClients
from providers.azure.connection import direct_session
from providers.azure.objects import BlobObjects
from providers.rehearsal.azure_account import SUBSCRIPTION, TOKEN, TOKEN_LIFE_S
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_blobs import ACCOUNT
from providers.rehearsal.azure_refusals import ConnectionBrokenError
from providers.settings import AZURE_PUBLIC_ENDPOINT

CONTAINER = "loadmuster-rehearsal"
BLOB_REGION = "rehearsal"
STORAGE_IN_PROCESS = f"https://127.0.0.1/{ACCOUNT}"
# The public half of a pair whose private half was never kept: nobody logs in to a rehearsal.
PUBLIC_KEY = "ssh-rsa rehearsal"


class RehearsedCredential:
    """Gives the token that opens a rehearsal."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 - azure-core's own
        """A token that lives for an hour."""
        del scopes, options
        return AccessToken(TOKEN, int(time.time()) + TOKEN_LIFE_S)


class InProcess(BaseAdapter):
    """Takes a request to a rehearsed Azure in this process instead of opening a connection."""

    def __init__(self, arm: RehearsedArm) -> None:
        super().__init__()
        self._arm = arm

    def send(
        self, request: requests.PreparedRequest, *args: object, **options: object
    ) -> requests.Response:
        """Answer the request."""
        del args, options
        headers = {name: str(value) for name, value in request.headers.items()}
        body = request.body or b""
        assert isinstance(body, (bytes, str)), "the SDK sends whole documents"
        try:
            reply = self._arm.answer(
                request.method or "",
                request.url or "",
                headers,
                body if isinstance(body, bytes) else body.encode(),
            )
        except ConnectionBrokenError as error:
            raise requests.ConnectionError(ProtocolError("rehearsed")) from error
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.url = request.url or ""
        response.request = request
        response.raw = HTTPResponse(
            body=io.BytesIO(reply.body),
            headers=dict(reply.headers),
            status=reply.status,
            preload_content=False,
        )
        return response

    def close(self) -> None:
        """Nothing was opened."""


def azure_rehearsal_provider(endpoint_url: str, clock: Clock) -> AzureProvider:
    """The provider of Azure, talking to a rehearsal over loopback, deaf to the caller's account."""
    return AzureProvider(clock, connection=_connection(endpoint_url), make_key=lambda: PUBLIC_KEY)


def azure_rehearsal_objects(endpoint_url: str, clock: Clock) -> BlobObjects:
    """Containers of a rehearsal's storage account."""
    clients = AzureClients(clock, _connection(endpoint_url))
    return BlobObjects(clients, f"{endpoint_url}/{ACCOUNT}", BLOB_REGION, CONTAINER)


def _connection(endpoint_url: str) -> Connection:
    return Connection(
        SUBSCRIPTION, RehearsedCredential(), endpoint=endpoint_url, session=direct_session()
    )


def azure_provider_in_process(
    arm: RehearsedArm,
    clock: Clock,
    *,
    identity_id: str | None = None,
    subnets: tuple[str, ...] = (),
) -> AzureProvider:
    """The provider of Azure, talking to a rehearsal in this process."""
    connection = replace(connection_in_process(arm), identity_id=identity_id, subnets=subnets)
    return AzureProvider(clock, connection=connection, make_key=lambda: PUBLIC_KEY)


def connection_in_process(arm: RehearsedArm) -> Connection:
    """A way to a rehearsal in this process, by the addresses of the real Azure; and its storage."""
    session = requests.Session()
    for url in (AZURE_PUBLIC_ENDPOINT, STORAGE_IN_PROCESS):
        session.mount(f"{url}/", InProcess(arm))
    return Connection(SUBSCRIPTION, RehearsedCredential(), session=session)
