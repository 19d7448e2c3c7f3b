"""Serving until told to stop, or until nobody has called for long."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from kernel.files import write_whole

HOST = "127.0.0.1"
LOOK_S = 0.5

log = logging.getLogger(__name__)


class ThreadedServer(Protocol):
    """What serves in a thread of its own."""

    def shutdown(self) -> None:
        """Stop serving."""
        ...

    def server_close(self) -> None:
        """Give the port back."""
        ...


class Listening(Struct, frozen=True):
    """A rehearsal that listens.

    Attributes:
        server: Serves it.
        port: Where, on this computer.
        last_call_s: Tells when it was called last, on the monotonic clock.
    """

    server: ThreadedServer
    port: int
    last_call_s: Callable[[], float]

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def close(self) -> None:
        """Stop it."""
        self.server.shutdown()
        self.server.server_close()


def serve_until_stopped(
    address_file: Path,
    listen: Callable[[Callable[[], None]], Listening],
    *,
    idle_timeout_s: float,
    report_started: Callable[[], None],
    on_end: Callable[[], None] = lambda: None,
) -> int:
    """Serve until told to stop (SIGTERM, or the stop verb), or until nobody has called for long.

    Args:
        address_file: Where it says where it listens.
        listen: Begins to listen; receives what ends the serving.
        idle_timeout_s: How long is long.
        report_started: Called once it listens and has said where.
        on_end: Called before it stops answering.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    listening = listen(stopped.set)
    address = {"endpoint_url": listening.endpoint_url, "pid": os.getpid()}
    write_whole(address_file, (json.dumps(address) + "\n").encode())
    log.info("listening on %s", listening.endpoint_url)
    report_started()
    while not stopped.wait(LOOK_S):
        if time.monotonic() - listening.last_call_s() > idle_timeout_s:
            log.info("nobody has called for %.0f s", idle_timeout_s)
            break
    address_file.unlink(missing_ok=True)
    on_end()
    listening.close()
    log.info("ended")
    return 0
