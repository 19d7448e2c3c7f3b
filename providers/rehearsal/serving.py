"""Serving until told to stop, or until nobody needs it any more."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
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


class Need(Struct, frozen=True):
    """Until when a rehearsal is needed.

    Attributes:
        idle_timeout_s: Without an owner, for how long it is kept after the last call.
        owner_pid: The process that it belongs to. It lives as long as that one, however seldom
            it is called; None: nobody's, and whoever calls keeps it.
    """

    idle_timeout_s: float
    owner_pid: int | None = None

    def why_over(self, idle_s: float) -> str | None:
        """Why it is not needed any more, ``idle_s`` seconds after the last call; None: it is."""
        if self.owner_pid is not None:
            return None if is_process(self.owner_pid) else "the process it belonged to has ended"
        if idle_s > self.idle_timeout_s:
            return f"nobody has called for {self.idle_timeout_s:.0f} s"
        return None


def is_process(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def serve_until_stopped(
    address_file: Path,
    listen: Callable[[Callable[[], None]], Listening],
    *,
    need: Need,
    report_started: Callable[[], None],
    on_end: Callable[[], None] = lambda: None,
) -> int:
    """Serve until told to stop (SIGTERM, or the stop verb), or until nobody needs it any more.

    Args:
        address_file: Where it says where it listens.
        listen: Begins to listen; receives what ends the serving.
        need: Who needs it, or how long it is kept for whoever may come.
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
        why = need.why_over(time.monotonic() - listening.last_call_s())
        if why is not None:
            log.info("%s", why)
            break
    address_file.unlink(missing_ok=True)
    on_end()
    listening.close()
    log.info("ended")
    return 0
