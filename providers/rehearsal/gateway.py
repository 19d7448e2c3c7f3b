"""The front door of a rehearsed AWS: every call passes here on its way to moto.

It honours client tokens, which moto does not, lets calls fail on request, records them as they
arrived, and answers the few calls that moto has no data for. Calls are handled one at a time, so
that a rehearsal has no races of its own.
"""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from providers.rehearsal.admin import administer
from providers.rehearsal.fault_injector import FaultInjector
from providers.rehearsal.faults import ADMIN_PATH, FaultKind, WireRequest
from providers.rehearsal.object_gate import is_signed_for_another, object_action, object_refusal
from providers.rehearsal.pace import Pace

# Quota code of the standard families -> whether it counts spot machines.
STANDARD_VCPUS = {"L-1216C47A": False, "L-34B43A08": True}
IMAGE_PARAMETER = re.compile(
    r"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-(x86_64|arm64)"
)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: server-side errors
# and throttling; what is not here is answered with 400.
STATUSES = {
    "InsufficientInstanceCapacity": 500,
    "InternalError": 500,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
    "SlowDown": 503,
    "AccessDenied": 403,
    "UnauthorizedOperation": 403,
}
BAD_REQUEST = 400
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")
_CODE = re.compile(rb"<Code>([^<]+)</Code>")
_INSTANCE_ID = re.compile(rb"<instanceId>([^<]+)</instanceId>")

log = logging.getLogger(__name__)

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]


class Reply(Struct, frozen=True):
    """What goes back over the wire."""

    status: int
    content_type: str
    body: bytes


class Gateway:
    """A WSGI application around moto's.

    Args:
        moto: moto's own application.
        world: Faults and records.
        pace: How fast machines come and go.
        is_terminated: Tells of a region and a machine id whether the machine is gone.
        find_image: Tells the image of a region and an architecture.
        on_stop: Called when the server is asked to end.
    """

    def __init__(
        self,
        moto: Application,
        world: FaultInjector,
        pace: Pace,
        *,
        is_terminated: Callable[[str, str], bool],
        find_image: Callable[[str, str], str],
        on_stop: Callable[[], None],
    ) -> None:
        self._moto = moto
        self._world = world
        self._pace = pace
        self._is_terminated = is_terminated
        self._find_image = find_image
        self._on_stop = on_stop
        self._lock = threading.Lock()
        self._replies: dict[tuple[str, str, str], tuple[Mapping[str, str], Reply]] = {}
        self.last_call_s = time.monotonic()

    def __call__(self, environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        self.last_call_s = time.monotonic()
        body = _read_body(environment)
        path = environment.get("PATH_INFO", "")
        if path.startswith(ADMIN_PATH):
            reply = self._administer(path.removeprefix(ADMIN_PATH), environment, body)
        else:
            reply = self._serve(_wire_request(environment, body), environment)
        response = Response(reply.body, status=reply.status, content_type=reply.content_type)
        return response(environment, start_response)

    def _serve(self, request: WireRequest, environment: Environment) -> Reply:
        with self._lock:
            self._world.requests.append(request)
            fault = self._world.take(request.action)
            kind = fault.kind if fault else None
            if kind is FaultKind.LOST_REQUEST:
                _break_connection(environment)
            if kind is FaultKind.THROTTLING:
                reply = _refusal(request, "RequestLimitExceeded", "Request limit exceeded.")
            elif kind is FaultKind.REFUSAL and fault:
                reply = _refusal(request, fault.code, f"Rehearsed: {fault.code}.")
            else:
                reply = self._answer_once(request, environment)
        log.info("%s %s: %d", request.region, request.action, reply.status)
        if kind is FaultKind.LOST_REPLY:
            _break_connection(environment)
        return reply

    def _answer_once(self, request: WireRequest, environment: Environment) -> Reply:
        """The same token has the same answer, and does nothing the second time."""
        token = request.parameters.get("ClientToken")
        if token is None:
            return self._answer(request, environment)
        key = (request.region, request.action, token)
        if key not in self._replies:
            reply = self._answer(request, environment)
            if reply.status < BAD_REQUEST:
                self._replies[key] = (request.parameters, reply)
            return reply
        parameters, reply = self._replies[key]
        if parameters != request.parameters:
            message = "The request uses the same client token as a previous, but different request."
            return _refusal(request, "IdempotentParameterMismatch", message)
        if request.action == "RunInstances" and self._all_terminated(request.region, reply):
            message = "The client token was used for an instance that has been terminated."
            return _refusal(request, "IdempotentInstanceTerminated", message)
        return reply

    def _all_terminated(self, region: str, reply: Reply) -> bool:
        machine_ids = [one.decode() for one in _INSTANCE_ID.findall(reply.body)]
        return all(self._is_terminated(region, machine_id) for machine_id in machine_ids)

    def _answer(self, request: WireRequest, environment: Environment) -> Reply:
        image = IMAGE_PARAMETER.fullmatch(request.parameters.get("Name", ""))
        if request.action == "GetParameter" and image:
            value = self._find_image(request.region, image[1])
            return _json_reply({"Parameter": {"Name": image[0], "Type": "String", "Value": value}})
        code = request.parameters.get("QuotaCode", "")
        if request.action == "GetServiceQuota" and code in STANDARD_VCPUS:
            limit = self._world.vcpu_limit(spot=STANDARD_VCPUS[code])
            if limit is not None:
                return _json_reply({"Quota": {"QuotaCode": code, "Value": float(limit)}})
        self._pace.go_on()
        if request.service == "s3":
            why = object_refusal(environment, datetime.now(UTC))
            if why is not None:
                return _refusal(request, "AccessDenied", why)
        chunks, status, headers = run_wsgi_app(self._moto, environment, buffered=True)
        body = b"".join(chunks)
        error = _CODE.search(body)
        number = int(status.split()[0])
        if number == BAD_REQUEST and error:
            number = STATUSES.get(error[1].decode(), number)
        return Reply(number, headers.get("Content-Type", "text/xml"), body)

    def _administer(self, verb: str, environment: Environment, body: bytes) -> Reply:
        """What the rehearsal's caller wants: health, faults, records, an end."""
        with self._lock:
            document = administer(
                self._world, environment["REQUEST_METHOD"], verb, body, self._on_stop
            )
        if document is None:
            return Reply(404, "text/plain", b"no such verb\n")
        return _json_reply(document)


def _read_body(environment: Environment) -> bytes:
    """The request's body, left in place for moto to read again."""
    length = int(environment.get("CONTENT_LENGTH") or 0)
    body: bytes = environment["wsgi.input"].read(length)
    if len(body) < length:
        raise ConnectionAbortedError("the client left in the middle of its request")
    environment["wsgi.input"] = io.BytesIO(body)
    return body


def _wire_request(environment: Environment, body: bytes) -> WireRequest:
    scope = _SCOPE.search(environment.get("HTTP_AUTHORIZATION", ""))
    region, service = (scope[1], scope[2]) if scope else ("", "")
    if service == "s3" or is_signed_for_another(environment):
        return WireRequest(object_action(environment), "s3", region, {})
    target = environment.get("HTTP_X_AMZ_TARGET", "")
    if target:
        document = json.loads(body or b"{}")
        parameters = {key: str(value) for key, value in document.items()}
        return WireRequest(target.rpartition(".")[2], service, region, parameters)
    parameters = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return WireRequest(parameters.pop("Action", ""), service, region, parameters)


def _refusal(request: WireRequest, code: str, message: str) -> Reply:
    """An error in the form of the service that was called."""
    status = STATUSES.get(code, BAD_REQUEST)
    match request.service:
        case "ec2":
            text = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                "</Errors><RequestID>rehearsal</RequestID></Response>"
            )
        case "s3":
            text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        case "sts":
            text = (
                f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                "<RequestId>rehearsal</RequestId></ErrorResponse>"
            )
        case _:
            return _json_reply({"__type": code, "message": message}, status)
    return Reply(status, "text/xml", text.encode())


def _json_reply(document: object, status: int = 200) -> Reply:
    return Reply(status, "application/x-amz-json-1.1", json.dumps(document).encode())


def _break_connection(environment: Environment) -> None:
    """Close the socket under the request; the server takes the error for a client that left."""
    connection: socket.socket = environment["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("rehearsed")
