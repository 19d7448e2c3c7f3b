"""A target on loopback that writes down when each connection's first request arrives."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
BACKLOG = 1024
READ_MAX = 65_536
TURN_S = 0.2


@dataclass
class Arrivals:
    """What arrived; any request is answered with 200.

    Attributes:
        url: Where.
        first_s: Port of the caller -> when its first request was there, in seconds since 1970.
    """

    url: str
    first_s: dict[int, float] = field(default_factory=dict)


@contextmanager
def arrivals() -> Iterator[Arrivals]:
    """A target in a thread of this process; best left alone until all have arrived."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        found = Arrivals(f"http://127.0.0.1:{listener.getsockname()[1]}")
        ended = threading.Event()
        thread = threading.Thread(target=_answer, args=(listener, found, ended))
        thread.start()
        try:
            yield found
        finally:
            ended.set()
            thread.join()


def _answer(listener: socket.socket, found: Arrivals, ended: threading.Event) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        while not ended.is_set():
            for key, _ in ready.select(TURN_S):
                if key.fileobj is listener:
                    connection, _address = listener.accept()
                    ready.register(connection, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket) and not _answered(key.fileobj, found):
                    ready.unregister(key.fileobj)
                    key.fileobj.close()
        for key in [key for key in ready.get_map().values() if key.fileobj is not listener]:
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()


def _answered(connection: socket.socket, found: Arrivals) -> bool:
    """Whether there was a request; requests are small, and come in one piece."""
    try:
        if not connection.recv(READ_MAX):
            return False
        now_s = time.time()
        found.first_s.setdefault(connection.getpeername()[1], now_s)
        connection.sendall(ANSWER)
    except OSError:
        return False
    return True
