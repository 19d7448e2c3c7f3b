"""Object storage on Azure Blob: addresses and tickets are shared access signatures.

A signature covers one blob or a whole container, never a prefix. So what lies below a folder
called ``in`` lives in a container of its own, its name made from the keys' beginning: a ticket lets
injectors write there, where neither their work nor the start is. All else is in one container.
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote

from msgspec import Struct

from providers.azure.clients import AzureClients
from providers.azure.codes import EXISTS_CODES
from providers.azure.connection import PLAIN
from providers.azure.errors import is_not_found
from providers.errors import ConfigurationRejectedError
from providers.objects import NAME_PLACE, UploadMethod, UploadTicket

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, UserDelegationKey

T = TypeVar("T")

BLOB_TYPE = ("x-ms-blob-type", "BlockBlob")
READ, WRITE = "r", "cw"
LIST_PAGE = 5_000
"""The most that one page of a list holds.
https://learn.microsoft.com/rest/api/storageservices/list-blobs
"""

SKEW = timedelta(minutes=5)
"""How far the clocks of this computer and of Azure may be apart."""

LIFETIME_MAX = timedelta(days=7) - SKEW
"""The longest that a user delegation key lives, counted from its start."""

NOTED_PREFIX = "prefix"
DIGITS = 20
_INBOX = re.compile(r"(?:[^/]+/)*?in/")


class BlobLocation(Struct, frozen=True):
    """Where an object is.

    Attributes:
        container: Its container.
        inbox: The beginning of the keys that live there; empty for the container of all else.
        name: Its name in there, or the beginning of names.
    """

    container: str
    inbox: str
    name: str


class BlobObjects:
    """The objects of one container of a storage account, and of the inboxes beside it.

    Containers are made when they are first written to.

    Args:
        clients: How Azure is called.
        account_url: Where the storage account answers, without a slash at the end.
        region: The account's.
        container: At most 39 small letters, digits and single hyphens.
        wall_s: Seconds since 1970, by which signatures expire.
    """

    def __init__(
        self,
        clients: AzureClients,
        account_url: str,
        region: str,
        container: str,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._clients = clients
        self._account_url = account_url
        self._region = region
        self._container = container
        self._wall_s = wall_s

    @property
    def _blobs(self) -> BlobServiceClient:
        return self._clients.blobs(self._account_url)

    def put(self, key: str, content: bytes) -> None:
        """Put Blob; where the container is missing, Create Container and again."""
        place = self._place(key)
        blob = self._blobs.get_blob_client(place.container, place.name)
        upload = partial(blob.upload_blob, content, overwrite=True)
        try:
            self._call("PutBlob", upload)
        except ConfigurationRejectedError as error:
            if not is_not_found(error):
                raise
            self._make(place)
            self._call("PutBlob", upload)

    def get(self, key: str) -> bytes | None:
        """Get Blob."""
        place = self._place(key)
        blob = self._blobs.get_blob_client(place.container, place.name)
        return self._clients.find(
            "GetBlob", self._region, lambda: bytes(blob.download_blob().readall())
        )

    def keys(self, prefix: str) -> tuple[str, ...]:
        """List Blobs, page by page; and List Containers, where inboxes may lie below the prefix."""
        place = self._place(prefix)
        found = [f"{place.inbox}{name}" for name in self._names(place)]
        for inbox in self._inboxes(place):
            found += [f"{inbox.inbox}{name}" for name in self._names(inbox)]
        return tuple(sorted(found))

    def delete(self, prefix: str) -> None:
        """Delete Container for each inbox that lies below the prefix as a whole; Delete Blob."""
        place = self._place(prefix)
        for name in self._names(place):
            blob = self._blobs.get_blob_client(place.container, name)
            self._clients.find("DeleteBlob", self._region, blob.delete_blob)
        whole = [place] if place.inbox and not place.name else self._inboxes(place)
        for inbox in whole:
            delete = partial(self._blobs.delete_container, inbox.container)
            self._clients.find("DeleteContainer", self._region, delete)

    def download_url(self, key: str, lifetime_s: int) -> str:
        """The blob's address with a signature to read it."""
        from azure.storage.blob import generate_blob_sas

        place = self._place(key)
        delegated, expires_at = self._delegated(lifetime_s)
        signature = generate_blob_sas(
            self._account,
            place.container,
            place.name,
            user_delegation_key=delegated,
            permission=READ,
            expiry=expires_at,
            protocol=self._protocol,
        )
        return f"{self._account_url}/{place.container}/{quote(place.name)}?{signature}"

    def upload_ticket(self, prefix: str, lifetime_s: int) -> UploadTicket:
        """The inbox's address with a signature to create and write blobs.

        Raises:
            ConfigurationRejectedError: The prefix is not that of a folder called ``in``.
        """
        from azure.storage.blob import generate_container_sas

        place = self._place(prefix)
        if not place.inbox or place.name:
            raise ConfigurationRejectedError(
                f"uploads go below a folder called 'in', not below {prefix!r}", prefix=prefix
            )
        self._make(place)
        delegated, expires_at = self._delegated(lifetime_s)
        signature = generate_container_sas(
            self._account,
            place.container,
            user_delegation_key=delegated,
            permission=WRITE,
            expiry=expires_at,
            protocol=self._protocol,
        )
        url = f"{self._account_url}/{place.container}/{NAME_PLACE}?{signature}"
        return UploadTicket(UploadMethod.PUT, url, fields=(BLOB_TYPE,))

    @property
    def _account(self) -> str:
        name: str | None = self._blobs.account_name
        assert name, "an account's address begins with its name"
        return name

    @property
    def _protocol(self) -> str | None:
        """By which alone an address may be used; an account on this computer takes any."""
        return None if self._account_url.startswith(PLAIN) else "https"

    def _place(self, key: str) -> BlobLocation:
        inbox = _INBOX.match(key)
        if inbox is None:
            return BlobLocation(self._container, "", key)
        digest = hashlib.sha256(inbox[0].encode()).hexdigest()[:DIGITS]
        return BlobLocation(f"{self._container}-in-{digest}", inbox[0], key.removeprefix(inbox[0]))

    def _make(self, place: BlobLocation) -> None:
        """Create Container, which notes what its keys begin with; one that is there is success."""
        noted = {NOTED_PREFIX: quote(place.inbox)} if place.inbox else None
        try:
            self._call(
                "CreateContainer",
                lambda: self._blobs.create_container(place.container, metadata=noted),
            )
        except ConfigurationRejectedError as error:
            if error.facts.get("azure_code") not in EXISTS_CODES:
                raise

    def _names(self, place: BlobLocation) -> list[str]:
        container = self._blobs.get_container_client(place.container)
        names = self._clients.find(
            "ListBlobs",
            self._region,
            lambda: list(
                container.list_blob_names(
                    name_starts_with=place.name or None, results_per_page=LIST_PAGE
                )
            ),
        )
        return names or []

    def _inboxes(self, place: BlobLocation) -> list[BlobLocation]:
        """The inboxes whose keys all begin as the place's do; none lies in another."""
        return [] if place.inbox else self._call("ListContainers", partial(self._found, place))

    def _found(self, place: BlobLocation) -> list[BlobLocation]:
        listed = self._blobs.list_containers(
            name_starts_with=f"{self._container}-in-", include_metadata=True
        )
        noted = [
            (str(one.name), unquote((one.metadata or {}).get(NOTED_PREFIX, ""))) for one in listed
        ]
        return [
            BlobLocation(name, inbox, "")
            for name, inbox in noted
            if inbox and inbox.startswith(place.name)
        ]

    def _delegated(self, lifetime_s: int) -> tuple[UserDelegationKey, datetime]:
        """A key that signs for as long, and when what it signs expires."""
        now = datetime.fromtimestamp(self._wall_s(), UTC)
        expires_at = now + min(timedelta(seconds=lifetime_s), LIFETIME_MAX)
        delegated = self._call(
            "GetUserDelegationKey",
            lambda: self._blobs.get_user_delegation_key(now - SKEW, max(expires_at, now + SKEW)),
        )
        return delegated, expires_at

    def _call(self, operation: str, request: Callable[[], T]) -> T:
        return self._clients.call(operation, self._region, request)
