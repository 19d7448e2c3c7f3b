"""Targets that do not answer as planned, on loopback."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

BODY = 'database "orders" is away\x1b[31m\x07 for good'


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def target(answers: int | None = None, tls: Path | None = None) -> Iterator[str]:
    """A server: ``/broken`` and ``/missing`` are answered so, all else with 200.

    Args:
        answers: How many requests are answered; the others wait until the end. None: all.
        tls: A folder for a certificate that nobody trusts; None: plain HTTP.
    """
    numbers, over = count(1), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if answers is not None and next(numbers) > answers:
                over.wait()
                self.close_connection = True
                return
            status = {"/broken": 500, "/missing": 404}.get(self.path.partition("?")[0], 200)
            body = BODY.encode() if status >= 400 else b"fine"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_own_certificate(tls))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def _own_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "own.crt", folder / "own.key"
    subprocess.run(
        [
            *("/usr/bin/env", "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", "/CN=localhost", "-days", "2"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
