"""A target that is quick: an asyncio server that answers every request with bytes made before.

    python -m benchmarks.quick_target    prints its URL, serves until it is ended

``/N`` answers N bytes. It answers many times what an injector's core can ask for, so that a
calibration finds the injector's ceiling and not the target's.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

LOOPBACK = "127.0.0.1"
BACKLOG = 4_096
END_OF_HEADERS = b"\r\n\r\n"
LENGTH = b"content-length:"
SIZE_BYTES = 1_000
SIZE_BYTES_MAX = 10_000_000


@contextmanager
def quick_target() -> Iterator[str]:
    """The URL of one in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.quick_target"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Answering(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is there whole."""
        assert self._transport is not None
        self._received += data
        while (end := self._received.find(END_OF_HEADERS)) >= 0:
            head = self._received[:end]
            whole = end + len(END_OF_HEADERS) + _length(head)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(_answer(head.split(b" ", 2)[1]))


@cache
def _answer(path: bytes) -> bytes:
    named = path[1:].partition(b"?")[0]
    size = min(int(named), SIZE_BYTES_MAX) if named.isdigit() else SIZE_BYTES
    body = b"x" * size
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (
        size,
        body,
    )


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(LENGTH):
            return int(line[len(LENGTH) :])
    return 0


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, LOOPBACK, 0, backlog=BACKLOG)
    print(f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
