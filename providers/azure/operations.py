"""What became of an operation that Azure accepted: its failures come late, and in several places.

Whoever sent the create call was told where its operation can be asked about. Another process was
not, and reads what the machines themselves say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.rest import HttpRequest

from kernel.errors import ProviderFailedError
from providers.azure.clients import AzureClients
from providers.azure.errors import from_code, from_document
from providers.azure.inventory import list_machines

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse

OPERATION_HEADER = "Azure-AsyncOperation"
CREATE = "VirtualMachineScaleSets.CreateOrUpdate"


class Operations:
    """Where each create call of this process can be asked about, by the name of its scale set."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}

    def remember(self, scale_set: str, response: PipelineResponse[Any, Any]) -> None:
        """Keep the address that an answer names."""
        address = response.http_response.headers.get(OPERATION_HEADER)
        if address:
            self._addresses[scale_set] = address

    def failures(
        self, clients: AzureClients, region: str, group: str, scale_set: str
    ) -> list[ProviderFailedError]:
        """Why a scale set did not get all its machines, as far as Azure says."""
        address = self._addresses.get(scale_set)
        told = _operation_failure(clients, region, address) if address else None
        return [told] if told else _machine_failures(clients, region, group, scale_set)


def _operation_failure(
    clients: AzureClients, region: str, address: str
) -> ProviderFailedError | None:
    def ask() -> dict[str, Any]:
        response = clients.compute.send_request(HttpRequest("GET", address))
        response.raise_for_status()
        document: dict[str, Any] = response.json()
        return document

    document = clients.find("Operations.Get", region, ask)
    if not document or "error" not in document:
        return None
    return from_document(document, operation=CREATE, region=region)


def _machine_failures(
    clients: AzureClients, region: str, group: str, scale_set: str
) -> list[ProviderFailedError]:
    scale_set_id = (
        f"/subscriptions/{clients.connection.subscription_id}/resourceGroups/{group}"
        f"/providers/Microsoft.Compute/virtualMachineScaleSets/{scale_set}"
    )
    found = list_machines(clients, region, group, failures_of=scale_set_id)
    return [
        from_code(*one.failure, operation=CREATE, region=region)
        for one in found
        if one.failure is not None
    ]
