"""The server side of a rehearsed Azure: its front door on a port of this computer."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from providers.rehearsal.admin import administer
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_refusals import ConnectionBrokenError
from providers.rehearsal.azure_reply import ArmReply
from providers.rehearsal.faults import ADMIN_PATH
from providers.rehearsal.serving import HOST, Listening

log = logging.getLogger(__name__)


class Door(BaseHTTPRequestHandler):
    """Takes HTTP requests to a rehearsed Azure."""

    arm: ClassVar[RehearsedArm]
    on_stop: ClassVar[Callable[[], None]]
    last_call_s: ClassVar[float]

    protocol_version = "HTTP/1.1"
    # Head and body leave in one piece; in two, the second would wait for the client's receipt.
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Answer one request."""
        type(self).last_call_s = time.monotonic()
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # The client left in the middle of its request.
            self.close_connection = True
            return
        try:
            reply = self._reply(body)
        except ConnectionBrokenError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response_only(reply.status)
        self.send_header("Date", self.date_time_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - names of http.server

    def handle_expect_100(self) -> bool:
        """Let the client send its body at once; it would wait for leave that lies in a buffer."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """The front door logs calls by itself; what http.server says of clients is no news."""
        log.info(format, *args)

    def _reply(self, body: bytes) -> ArmReply:
        if not self.path.startswith(ADMIN_PATH):
            return self.arm.answer(self.command, self.path, dict(self.headers.items()), body)
        verb = self.path.removeprefix(ADMIN_PATH)
        document = administer(self.arm.world, self.command, verb, body, type(self).on_stop)
        if document is None:
            return ArmReply(404, body=b"no such verb\n")
        return ArmReply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


def listen(arm: RehearsedArm, *, on_stop: Callable[[], None]) -> Listening:
    """A rehearsed Azure on a free port of this computer; a thread of its own serves it."""

    class BoundDoor(Door):
        """The door of one rehearsed Azure."""

    BoundDoor.arm = arm
    BoundDoor.on_stop = staticmethod(on_stop)
    BoundDoor.last_call_s = time.monotonic()
    server = ThreadingHTTPServer((HOST, 0), BoundDoor)
    threading.Thread(target=server.serve_forever, name="rehearsal", daemon=True).start()
    return Listening(server, server.server_port, lambda: BoundDoor.last_call_s)
