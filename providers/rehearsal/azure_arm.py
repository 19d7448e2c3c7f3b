"""The front door of a rehearsed Azure: every call passes here, as Azure Resource Manager's do.

It asks for a token and an API version, lets calls fail on request, records them as they arrived,
and answers what is accepted but not done with the address of an operation. Calls are handled one
at a time, so that a rehearsal has no races of its own.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

from providers.rehearsal.azure_account import SUBSCRIPTION, TOKEN_PATH, token_reply
from providers.rehearsal.azure_blobs import ACCOUNT, RehearsedBlobs
from providers.rehearsal.azure_refusals import ArmError, ConnectionBrokenError
from providers.rehearsal.azure_reply import ArmReply, Ask, Done
from providers.rehearsal.azure_routes import Perform, Routes
from providers.rehearsal.azure_stock import CAPACITY_CODE
from providers.rehearsal.azure_things import AzurePace, Holdings
from providers.rehearsal.fault_injector import FaultInjector
from providers.rehearsal.faults import FaultKind, WireRequest
from providers.rehearsal.hosts import Hosts

_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_DEFAULT_CODE = "InsufficientInstanceCapacity"

log = logging.getLogger(__name__)


class RehearsedArm:
    """A rehearsed Azure Resource Manager, with a storage account beside it.

    Args:
        now_s: Its clock, in seconds of the Unix epoch.
        pace: How fast things come and go.
        hosts: What runs on its machines; None: nothing.

    Attributes:
        world: Faults wanted, and calls recorded.
    """

    def __init__(
        self, now_s: Callable[[], float], pace: AzurePace, hosts: Hosts | None = None
    ) -> None:
        self.world = FaultInjector()
        self._now_s = now_s
        self._blobs = RehearsedBlobs(now_s, self.world)
        self._holdings = Holdings(now_s, pace, hosts)
        self._routes = Routes(self._holdings, self.world)
        self._lock = threading.Lock()

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> ArmReply:
        """Answer one HTTP request.

        Raises:
            ConnectionBrokenError: The caller is to hear nothing.
        """
        address = urlsplit(url)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        lowered = {name.lower(): value for name, value in headers.items()}
        if address.path == TOKEN_PATH:
            return token_reply(lowered, query.get("resource", ""), self._now_s())
        if address.path.split("/")[1] == ACCOUNT:
            with self._lock:
                return self._blobs.answer(method, url, lowered, body)
        ask = Ask(
            method=method,
            path=address.path,
            query=query,
            headers=lowered,
            body=json.loads(body) if body else {},
            host=lowered.get("host") or address.netloc,
            scheme=address.scheme or "http",
        )
        with self._lock:
            self._holdings.go_on()
            reply = self._answer(ask, body)
        log.info("%s %s: %d", method, address.path, reply.status)
        return reply

    def _answer(self, ask: Ask, body: bytes) -> ArmReply:
        try:
            _check_access(ask)
            action, perform = self._routes.find(ask)
            self._record(ask, action, body)
            done = self._perform(action, perform)
        except ArmError as error:
            document = json.dumps(error.document()).encode()
            headers = {"Content-Type": "application/json"} | error.headers()
            return ArmReply(error.status, headers, document)
        return _reply(ask, done)

    def _perform(self, action: str, perform: Perform) -> Done:
        """Do what is asked, or what the fault that hits it makes of that."""
        fault = self.world.take(action)
        if fault is None:
            return perform(None)
        code = CAPACITY_CODE if fault.code == _DEFAULT_CODE else fault.code
        match fault.kind:
            case FaultKind.THROTTLING:
                raise ArmError("TooManyRequests", "Rehearsed: too many requests.")
            case FaultKind.REFUSAL:
                raise ArmError(code, f"Rehearsed: {code}.")
            case FaultKind.LATE_FAILURE:
                return perform(code)
            case FaultKind.LOST_REPLY:
                # A refusal is lost as well.
                with suppress(ArmError):
                    perform(None)
        raise ConnectionBrokenError

    def _record(self, ask: Ask, action: str, body: bytes) -> None:
        self.world.requests.append(
            WireRequest(
                action=action,
                service="azure",
                region="",
                parameters={
                    "method": ask.method,
                    "path": ask.path,
                    "query": urlsplit(
                        f"?{'&'.join(f'{k}={v}' for k, v in ask.query.items())}"
                    ).query,
                    "if-none-match": ask.headers.get("if-none-match", ""),
                    "body": body.decode(),
                },
            )
        )


def _check_access(ask: Ask) -> None:
    kind, _, token = ask.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not token:
        raise ArmError("AuthenticationFailed", "Authentication failed. The token is missing.")
    version = ask.query.get("api-version")
    if version is None:
        raise ArmError("MissingApiVersionParameter", "The api-version query parameter is required.")
    if not _API_VERSION.fullmatch(version):
        raise ArmError("InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
    subscription = ask.path.split("/")[2] if ask.path.startswith("/subscriptions/") else ""
    if subscription != SUBSCRIPTION:
        raise ArmError(
            "SubscriptionNotFound", f"The subscription '{subscription}' could not be found."
        )


def _reply(ask: Ask, done: Done) -> ArmReply:
    headers = {"Content-Type": "application/json"}
    if done.operation is not None:
        version = ask.query["api-version"]
        place = f"{ask.scheme}://{ask.host}/subscriptions/{SUBSCRIPTION}/providers"
        address = (
            f"{place}/Microsoft.Compute/locations/{done.region}/operations/{done.operation}"
            f"?api-version={version}"
        )
        headers |= {"Azure-AsyncOperation": address, "Location": address, "Retry-After": "1"}
    body = b"" if done.document is None else json.dumps(done.document).encode()
    return ArmReply(done.status, headers, body)
