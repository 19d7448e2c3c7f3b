"""The program that rehearses the toy cloud: it only has to be there, the machines are processes."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from msgspec.structs import replace

from providers.rehearsal.faults import ADMIN_PATH
from providers.rehearsal.program import Program, Rehearsal
from providers.rehearsal.serving import HOST, Listening, Need, serve_until_stopped

PROGRAM = Program("tests.engine.tables.toy_rehearsal", "Toy Cloud", "toy-cloud", ())


def start(folder: Path) -> Rehearsal:
    """The rehearsal of a folder; its address says which."""
    return _named(PROGRAM.start(folder, {}, None), folder)


def running(folder: Path) -> Rehearsal | None:
    """The one that is running there."""
    own = PROGRAM.running(folder)
    return own and _named(own, folder)


def _named(own: Rehearsal, folder: Path) -> Rehearsal:
    return replace(own, endpoint_url=f"{own.endpoint_url}{folder.resolve()}")


def _listen(on_stop: Callable[[], None]) -> Listening:
    last_call_s = time.monotonic()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal last_call_s
            last_call_s = time.monotonic()
            if self.path == f"{ADMIN_PATH}stop":
                on_stop()
            content = json.dumps({"pid": os.getpid()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((HOST, 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return Listening(server, server.server_port, lambda: last_call_s)


def _serve(options: argparse.Namespace, report_started: Callable[[], None]) -> int:
    return serve_until_stopped(
        options.folder / PROGRAM.address_file,
        _listen,
        need=Need(options.idle_timeout_s, options.owner_pid),
        report_started=report_started,
    )


if __name__ == "__main__":
    sys.exit(PROGRAM.main(sys.argv[1:], _serve))
