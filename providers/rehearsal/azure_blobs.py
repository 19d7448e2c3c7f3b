"""Blob storage of a rehearsed Azure: one account, in which containers hold blobs.

It is addressed by path, as Azure's own emulator is: ``/ACCOUNT/CONTAINER/BLOB``. Who has the token
may do everything; an address that was signed may do what it was signed for.
https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from providers.rehearsal.azure_refusals import ConnectionBrokenError
from providers.rehearsal.azure_reply import ArmReply
from providers.rehearsal.azure_sas import delegation_key, is_signed, sas_refusal
from providers.rehearsal.fault_injector import FaultInjector
from providers.rehearsal.faults import FaultKind, WireRequest

ACCOUNT = "devstoreaccount1"
PAGE_SIZE = 5_000
# What is not here is answered with 400.
BLOB_STATUSES = {
    "AuthenticationFailed": 403,
    "AuthorizationPermissionMismatch": 403,
    "BlobNotFound": 404,
    "ContainerAlreadyExists": 409,
    "ContainerBeingDeleted": 409,
    "ContainerNotFound": 404,
    "InternalError": 500,
    "InvalidRange": 416,
    "NoAuthenticationInformation": 401,
    "ServerBusy": 503,
}
_METADATA = "x-ms-meta-"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PERIOD = re.compile(r"<Start>([^<]+)</Start>.*<Expiry>([^<]+)</Expiry>", re.DOTALL)


class BlobError(Exception):
    """A request that is refused, with Azure's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def reply(self) -> ArmReply:
        """As it goes back over the wire."""
        document = (
            f"<Error><Code>{self.code}</Code><Message>Rehearsed: {self.code}.</Message></Error>"
        )
        return _document(
            BLOB_STATUSES.get(self.code, 400), document, {"x-ms-error-code": self.code}
        )


@dataclass(slots=True)
class Container:
    """Blobs by name, and what was noted about all of them."""

    metadata: Mapping[str, str]
    blobs: dict[str, bytes] = field(default_factory=dict)


class BlobAsk(Struct, frozen=True):
    """A request, taken apart; header names are in lower case, names are decoded."""

    method: str
    container: str
    blob: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Account, container and blob."""
        return f"/{ACCOUNT}/{self.container}/{self.blob}"


class RehearsedBlobs:
    """The storage account of a rehearsed Azure.

    Args:
        now_s: Its clock, in seconds of the Unix epoch.
        world: Faults wanted, and calls recorded.
    """

    def __init__(self, now_s: Callable[[], float], world: FaultInjector) -> None:
        self._now_s = now_s
        self._world = world
        self._containers: dict[str, Container] = {}
        # Method and what is addressed, then the call's name, the permissions of which an address
        # needs one, and what it does.
        self._calls: dict[tuple[str, str], tuple[str, str, Callable[[BlobAsk], ArmReply]]] = {
            ("POST", "userdelegationkey"): ("GetUserDelegationKey", "", _give_key),
            ("GET", "account"): ("ListContainers", "", self._list_containers),
            ("PUT", "container"): ("CreateContainer", "", self._create_container),
            ("DELETE", "container"): ("DeleteContainer", "", self._delete_container),
            ("GET", "list"): ("ListBlobs", "l", self._list_blobs),
            ("PUT", "blob"): ("PutBlob", "w", self._put_blob),
            ("GET", "blob"): ("GetBlob", "r", self._get_blob),
            ("DELETE", "blob"): ("DeleteBlob", "d", self._delete_blob),
        }

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> ArmReply:
        """Answer one HTTP request; the names of its headers are in lower case.

        Raises:
            ConnectionBrokenError: The caller is to hear nothing.
        """
        address = urlsplit(url)
        _, _, container, blob, *_ = [*unquote(address.path).split("/", 3), "", ""]
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        ask = BlobAsk(method, container, blob, query, headers, body)
        try:
            action, allowed_by, perform = self._find(ask)
            self._check_access(ask, allowed_by)
            self._record(ask, action)
            return self._perform(action, ask, perform)
        except BlobError as error:
            return error.reply()

    def _find(self, ask: BlobAsk) -> tuple[str, str, Callable[[BlobAsk], ArmReply]]:
        found = self._calls.get((ask.method, _addressed(ask)))
        if found is None:
            raise BlobError("UnsupportedHttpVerb")
        return found

    def _check_access(self, ask: BlobAsk, allowed_by: str) -> None:
        if ask.headers.get("authorization", "").startswith("Bearer "):
            return
        if not is_signed(ask.query):
            raise BlobError("NoAuthenticationInformation")
        now = datetime.fromtimestamp(self._now_s(), UTC)
        code = sas_refusal(ask.path, ask.query, allowed_by, now)
        if code is not None:
            raise BlobError(code)

    def _record(self, ask: BlobAsk, action: str) -> None:
        query = "&".join(f"{name}={value}" for name, value in ask.query.items())
        parameters = {
            "method": ask.method,
            "path": ask.path,
            "query": query,
            "x-ms-version": ask.headers.get("x-ms-version", ""),
            "x-ms-blob-type": ask.headers.get("x-ms-blob-type", ""),
            "body": ask.body.decode(errors="replace"),
        }
        self._world.requests.append(WireRequest(action, "blob", "", parameters))

    def _perform(
        self, action: str, ask: BlobAsk, perform: Callable[[BlobAsk], ArmReply]
    ) -> ArmReply:
        fault = self._world.take(action)
        if fault is None:
            return perform(ask)
        match fault.kind:
            case FaultKind.THROTTLING:
                raise BlobError("ServerBusy")
            case FaultKind.REFUSAL | FaultKind.LATE_FAILURE:
                raise BlobError(fault.code)
            case FaultKind.LOST_REPLY:
                perform(ask)
        raise ConnectionBrokenError

    def _container(self, ask: BlobAsk) -> Container:
        found = self._containers.get(ask.container)
        if found is None:
            raise BlobError("ContainerNotFound")
        return found

    def _list_containers(self, ask: BlobAsk) -> ArmReply:
        return _page("Containers", ask, self._containers, self._container_entry)

    def _container_entry(self, name: str) -> str:
        noted = "".join(
            f"<{key}>{escape(value)}</{key}>"
            for key, value in self._containers[name].metadata.items()
        )
        return (
            f"<Container><Name>{name}</Name><Properties/><Metadata>{noted}</Metadata></Container>"
        )

    def _create_container(self, ask: BlobAsk) -> ArmReply:
        if ask.container in self._containers:
            raise BlobError("ContainerAlreadyExists")
        self._containers[ask.container] = Container(
            {
                name.removeprefix(_METADATA): value
                for name, value in ask.headers.items()
                if name.startswith(_METADATA)
            }
        )
        return self._done(201)

    def _delete_container(self, ask: BlobAsk) -> ArmReply:
        self._container(ask)
        del self._containers[ask.container]
        return self._done(202)

    def _list_blobs(self, ask: BlobAsk) -> ArmReply:
        def entry(name: str) -> str:
            return f"<Blob><Name>{escape(name)}</Name><Properties/></Blob>"

        return _page("Blobs", ask, self._container(ask).blobs, entry)

    def _put_blob(self, ask: BlobAsk) -> ArmReply:
        if ask.headers.get("x-ms-blob-type") != "BlockBlob":
            raise BlobError("InvalidHeaderValue")
        self._container(ask).blobs[ask.blob] = ask.body
        return self._done(201)

    def _get_blob(self, ask: BlobAsk) -> ArmReply:
        content = self._blob(ask)
        wanted = _RANGE.fullmatch(ask.headers.get("x-ms-range", ask.headers.get("range", "")))
        headers = self._done(200).headers
        if not wanted:
            return ArmReply(200, headers, content)
        first = int(wanted[1])
        part = content[first : int(wanted[2]) + 1 if wanted[2] else None]
        if not part:
            raise BlobError("InvalidRange")
        span = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        return ArmReply(206, {**headers, "Content-Range": span}, part)

    def _delete_blob(self, ask: BlobAsk) -> ArmReply:
        self._blob(ask)
        del self._container(ask).blobs[ask.blob]
        return self._done(202)

    def _blob(self, ask: BlobAsk) -> bytes:
        found = self._container(ask).blobs.get(ask.blob)
        if found is None:
            raise BlobError("BlobNotFound")
        return found

    def _done(self, status: int) -> ArmReply:
        now = datetime.fromtimestamp(self._now_s(), UTC)
        modified = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return ArmReply(status, {"ETag": '"0x0"', "Last-Modified": modified})


def _addressed(ask: BlobAsk) -> str:
    """What a request is about, as the table of calls names it."""
    if ask.blob:
        return ask.query.get("comp", "blob")
    if ask.container:
        return ask.query.get("comp", ask.query.get("restype", ""))
    return "account" if ask.query.get("comp") == "list" else ask.query.get("comp", "")


def _give_key(ask: BlobAsk) -> ArmReply:
    period = _PERIOD.search(ask.body.decode())
    if period is None:
        raise BlobError("InvalidXmlDocument")
    start, expiry = period.groups()
    return _document(
        200,
        "<UserDelegationKey><SignedOid>rehearsal</SignedOid><SignedTid>rehearsal</SignedTid>"
        f"<SignedStart>{start}</SignedStart><SignedExpiry>{expiry}</SignedExpiry>"
        "<SignedService>b</SignedService><SignedVersion>2020-12-06</SignedVersion>"
        f"<Value>{delegation_key(start, expiry)}</Value></UserDelegationKey>",
    )


def _page(kind: str, ask: BlobAsk, names: Iterable[str], entry: Callable[[str], str]) -> ArmReply:
    """One page of a list in the order of the names; the marker is the first name of the next."""
    prefix, marker = ask.query.get("prefix", ""), ask.query.get("marker", "")
    found = sorted(name for name in names if name.startswith(prefix) and name >= marker)
    size = int(ask.query.get("maxresults", PAGE_SIZE))
    entries = "".join(entry(name) for name in found[:size])
    following = escape(found[size]) if len(found) > size else ""
    return _document(
        200,
        f'<EnumerationResults ServiceEndpoint="" ContainerName="{ask.container}">'
        f"<Prefix>{escape(prefix)}</Prefix><{kind}>{entries}</{kind}>"
        f"<NextMarker>{following}</NextMarker></EnumerationResults>",
    )


def _document(status: int, text: str, headers: Mapping[str, str] | None = None) -> ArmReply:
    body = f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()
    return ArmReply(status, {"Content-Type": "application/xml", **(headers or {})}, body)
