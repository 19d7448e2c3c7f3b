"""A target that is quick: an asyncio server that answers every request with bytes made before.

    python -m benchmarks.quick_target         prints its URL, serves until it is ended
    python -m benchmarks.quick_target FILE    the same over TLS; the file holds key and certificate

``/N`` answers N bytes, ``/close/N`` ends the connection after them. It answers many times what an
injector's core can ask for, so that a calibration finds the injector's ceiling and not the
target's.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

LOOPBACK = "127.0.0.1"
BACKLOG = 4_096
END_OF_HEADERS = b"\r\n\r\n"
LENGTH = b"content-length:"
CLOSING = b"/close/"
SIZE_BYTES = 1_000
SIZE_BYTES_MAX = 10_000_000


@contextmanager
def quick_target(certificate: Path | None = None) -> Iterator[str]:
    """The URL of one in a process of its own; over TLS with a file of key and certificate."""
    arguments = [] if certificate is None else [str(certificate)]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.quick_target", *arguments],
        stdout=subprocess.PIPE,
        text=True,
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
            path = head.split(b" ", 2)[1]
            self._transport.write(_answer(path))
            if path.startswith(CLOSING):
                self._transport.close()
                return


@cache
def _answer(path: bytes) -> bytes:
    named = path.removeprefix(CLOSING).removeprefix(b"/").partition(b"?")[0]
    size = min(int(named), SIZE_BYTES_MAX) if named.isdigit() else SIZE_BYTES
    ends = b"Connection: close\r\n" if path.startswith(CLOSING) else b""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%sContent-Length: %d\r\n\r\n"
    return head % (ends, size) + b"x" * size


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(LENGTH):
            return int(line[len(LENGTH) :])
    return 0


async def _serve(certificate: str | None) -> None:
    loop, tls = asyncio.get_running_loop(), None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    server = await loop.create_server(Answering, LOOPBACK, 0, backlog=BACKLOG, ssl=tls)
    scheme = "http" if tls is None else "https"
    print(f"{scheme}://{LOOPBACK}:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1] if len(sys.argv) > 1 else None))
