"""The storage account in which injectors and controller meet: where it is, and whether it works."""

from __future__ import annotations

from urllib.parse import urlsplit

from providers.azure.clients import AzureClients
from providers.azure.objects import BlobObjects
from providers.errors import ConfigurationRejectedError, UnknownOutcomeError
from providers.settings import AZURE_STORAGE

UNREACHABLE = frozenset({"ServiceRequestError", "ServiceRequestTimeoutError"})
PROBE_LIFETIME_S = 60


def open_storage(clients: AzureClients, storage_url: str, container: str) -> BlobObjects:
    """The objects of a container; nothing is asked of Azure yet."""
    address = urlsplit(storage_url)
    return BlobObjects(clients, storage_url, (address.hostname or "").split(".")[0], container)


def check_storage(objects: BlobObjects, storage_url: str, nonce: str) -> None:
    """Write, list, read and delete a small blob, and let injectors write, as a run would.

    Args:
        objects: Of the container.
        storage_url: Where the account answers, for the message.
        nonce: Tells this try from others.

    Raises:
        ConfigurationRejectedError: One of these is not allowed, or no account answers there.
    """
    folder = f"runs/check-{nonce}/"
    try:
        objects.put(f"{folder}probe", b"may be deleted")
        objects.get(f"{folder}probe")
        objects.upload_ticket(f"{folder}in/", PROBE_LIFETIME_S)
        objects.keys(f"{folder}in/")
        objects.delete(folder)
    except UnknownOutcomeError as error:
        if error.facts.get("azure_code") not in UNREACHABLE:
            raise
        raise ConfigurationRejectedError(
            f"no storage account answers at {storage_url}; make one with `az storage account "
            f"create --name NAME --resource-group GROUP`, or name another in {AZURE_STORAGE}",
            storage=storage_url,
        ) from error
