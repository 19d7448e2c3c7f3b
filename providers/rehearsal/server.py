"""The server side of a rehearsed AWS: moto behind the gateway, served until nobody calls."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

# Loading every public image would take seconds; the machine room makes those that are used.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

import moto.ec2.urls
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from providers.rehearsal.gateway import Gateway
from providers.rehearsal.machine_room import bind
from providers.rehearsal.pace import Pace
from providers.rehearsal.stock import image_id
from providers.rehearsal.world import World

ACCOUNT = "123456789012"
HOST = "127.0.0.1"
LOOK_S = 0.5

log = logging.getLogger(__name__)


class QuietHandler(WSGIRequestHandler):
    """Says nothing of each request, nor of a client that left."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The gateway logs calls by their names."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """A client that was killed, or a rehearsed loss: neither is news."""
        del environ
        log.info("connection lost: %s", error)


def make_gateway(pace: Pace, *, on_stop: Callable[[], None]) -> Gateway:
    """An empty AWS."""
    ec2_backends.reset()
    world = World()
    moto.ec2.urls.url_paths = {"{0}/": bind(world, pace).dispatch}
    return Gateway(
        DomainDispatcherApplication(create_backend_app),
        world,
        pace,
        is_terminated=_is_terminated,
        find_image=image_id,
        on_stop=on_stop,
    )


def listen(gateway: Gateway) -> BaseWSGIServer:
    """A server for the gateway on a free port of this computer; a thread of its own serves it."""
    server = make_server(HOST, 0, gateway, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, name="rehearsal", daemon=True).start()
    return server


def endpoint_url(server: BaseWSGIServer) -> str:
    """Where the server listens."""
    return f"http://{HOST}:{server.server_port}"


def serve(
    address_file: Path,
    pace: Pace,
    *,
    idle_timeout_s: float,
    report_started: Callable[[], None],
) -> int:
    """Serve until told to stop (SIGTERM, or the stop verb), or until nobody has called for long."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    gateway = make_gateway(pace, on_stop=stopped.set)
    server = listen(gateway)
    unfinished = address_file.with_suffix(".unfinished")
    unfinished.write_text(
        json.dumps({"endpoint_url": endpoint_url(server), "pid": os.getpid()}) + "\n"
    )
    unfinished.replace(address_file)
    log.info("listening on %s", endpoint_url(server))
    report_started()
    while not stopped.wait(LOOK_S):
        if time.monotonic() - gateway.last_call_s > idle_timeout_s:
            log.info("nobody has called for %.0f s", idle_timeout_s)
            break
    address_file.unlink(missing_ok=True)
    if pace.hosts is not None:
        pace.hosts.end()
    server.shutdown()
    server.server_close()
    log.info("ended")
    return 0


def _is_terminated(region: str, machine_id: str) -> bool:
    instances = ec2_backends[ACCOUNT][region].all_instances()
    return all(one.state == "terminated" for one in instances if one.id == machine_id)
