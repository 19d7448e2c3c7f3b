"""The server side of a rehearsed AWS: moto behind the gateway, on a port of this computer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from providers.rehearsal.quick_moto import quicken_calls, quicken_moto

quicken_moto()

import moto.ec2.urls
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from providers.rehearsal.fault_injector import FaultInjector
from providers.rehearsal.gateway import Gateway
from providers.rehearsal.moto_ec2 import bind
from providers.rehearsal.pace import Pace
from providers.rehearsal.serving import HOST, Listening
from providers.rehearsal.stock import image_id

ACCOUNT = "123456789012"

log = logging.getLogger(__name__)


class QuietHandler(WSGIRequestHandler):
    """Says nothing of each request, nor of a client that left."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The gateway logs calls by their names."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """A client that was killed, or a rehearsed loss: neither is news."""
        del environ
        log.info("connection lost: %s", error)


def listen(pace: Pace, *, on_stop: Callable[[], None]) -> Listening:
    """An empty AWS on a free port of this computer; a thread of its own serves it."""
    gateway = _make_gateway(pace, on_stop)
    server = make_server(HOST, 0, gateway, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, name="rehearsal", daemon=True).start()
    return Listening(server, server.server_port, lambda: gateway.last_call_s)


def _make_gateway(pace: Pace, on_stop: Callable[[], None]) -> Gateway:
    ec2_backends.reset()
    world = FaultInjector()
    moto.ec2.urls.url_paths = {"{0}/": bind(world, pace).dispatch}
    return Gateway(
        quicken_calls(DomainDispatcherApplication(create_backend_app)),
        world,
        pace,
        is_terminated=_is_terminated,
        find_image=image_id,
        on_stop=on_stop,
    )


def _is_terminated(region: str, machine_id: str) -> bool:
    instances = ec2_backends[ACCOUNT][region].all_instances()
    return all(one.state == "terminated" for one in instances if one.id == machine_id)
