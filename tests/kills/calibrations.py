"""Calibrations ended at random instants: ``python -m tests.kills.calibrations``.

``loadmuster calibrate`` in a process of its own puts real load on a target here, and is ended in
one of the ways in which people and systems end it. Nothing that it started may be left after a
while, nor a temporary folder, and no request may arrive any more.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from tests.patience import until
from tests.telling import say, say_all

GONE_WITHIN_S = 60.0
"""On any machine: told to, killed after three seconds, and looked after for five more."""

SILENT_S = 1.0
START_UP_S, UNDER_LOAD_S = 4.0, 2.0
EARLY = 0.4
"""Of the instants lie in the start."""

CLOSED_TERMINAL = "closed terminal"
WAYS = ("SIGTERM", "SIGHUP", "SIGINT", "SIGKILL", CLOSED_TERMINAL)


class CountingTarget(ThreadingHTTPServer):
    """Answers everything, and knows how often it was asked."""

    daemon_threads = True
    asked = 0

    def handle_error(self, *_: object) -> None:
        """Whoever asked was killed."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Count, and answer."""
        assert isinstance(self.server, CountingTarget)
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def counting_target() -> Iterator[CountingTarget]:
    """A target in this process."""
    with CountingTarget(("127.0.0.1", 0), _Answer) as target:
        threading.Thread(target=target.serve_forever, daemon=True).start()
        yield target
        target.shutdown()


@dataclass(frozen=True)
class Ground:
    """Where calibrations live.

    Attributes:
        folder: For all their files.
        target: What they load.
    """

    folder: Path
    target: CountingTarget

    @property
    def temporary(self) -> Path:
        """What they find under ``TMPDIR``."""
        return self.folder / "tmp"

    def begin(self, terminal: int | None = None) -> subprocess.Popen[bytes]:
        """``loadmuster calibrate``, on a terminal if one is given."""
        self.temporary.mkdir(exist_ok=True)
        scenario = self.folder / "pages.json"
        users = {"name": "reading", "think_time": "200ms", "requests": [{"path": "/"}]}
        document = {"name": "pages", "target": self.target.url, "user_classes": [users]}
        scenario.write_text(json.dumps({**document, "load": {"users": 10, "duration": "1m"}}))
        stream = subprocess.DEVNULL if terminal is None else terminal
        options = ["--users-at-most", "10", "--window", "60s", "--forget"]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "loadmuster.cli", "calibrate", str(scenario), *options],
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdin=stream,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            preexec_fn=None if terminal is None else _take_terminal,  # noqa: PLW1509 - one thread forks
        )

    def processes(self) -> list[psutil.Process]:
        """All that is left of them."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                is_ours = process.environ().get("TMPDIR", "").startswith(str(self.temporary))
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def is_preparing(self) -> bool:
        """Whether there is a folder."""
        return any(self.temporary.iterdir())

    def is_waiting(self) -> bool:
        """Whether a load engine is up."""
        return any(self.temporary.glob("*/step-*/waiting-0"))

    def is_loading(self) -> bool:
        """Whether requests arrive."""
        return self.target.asked > 0

    def what_is_left(self) -> list[str]:
        """What should not be there, after as long as it may take."""
        with suppress(TimeoutError):
            until(
                lambda: not (self.processes() or any(self.temporary.iterdir())),
                within_s=GONE_WITHIN_S,
            )
        left = [f"process {each.pid}: {each.cmdline()}" for each in self.processes()]
        left += [f"folder {each}" for each in self.temporary.iterdir()]
        asked = self.target.asked
        time.sleep(SILENT_S)
        if self.target.asked != asked:
            left.append(f"{self.target.asked - asked} requests in {SILENT_S:.0f} s")
        return left


def _take_terminal() -> None:
    """Make standard input the terminal of this session, so that its end is told to it."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def end_calibration(ground: Ground, way: str, come: Callable[[], object]) -> list[str]:
    """What is left of a calibration that is ended in some way, once an instant has come."""
    controlling, terminal = pty.openpty() if way == CLOSED_TERMINAL else (None, None)
    process = ground.begin(terminal)
    if terminal is not None:
        os.close(terminal)
    come()
    if controlling is not None:
        os.close(controlling)
    else:
        process.send_signal(signal.Signals[way])
    process.wait(GONE_WITHIN_S)
    return ground.what_is_left()


def _come(ground: Ground, part: float, *, is_early: bool) -> None:
    """Wait for the instant: somewhere in the start, or under load."""
    if not is_early:
        until(ground.is_loading)
    time.sleep(part * (START_UP_S if is_early else UNDER_LOAD_S))


def main() -> int:
    """End calibrations and tell; 1 if anything was left."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills.calibrations", description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same instants")
    options = parser.parse_args()
    drawn = random.Random(options.seed)
    ways: Counter[str] = Counter()
    loaded, left = 0, []
    for number in range(options.kills):
        way, is_early, part = drawn.choice(WAYS), drawn.random() < EARLY, drawn.random()
        ways[way] += 1
        with tempfile.TemporaryDirectory(prefix="lm-kills-") as name, counting_target() as target:
            ground = Ground(Path(name), target)
            found = end_calibration(ground, way, partial(_come, ground, part, is_early=is_early))
            loaded += ground.is_loading()
            left += [f"{number}, {way}: {each}" for each in found]
    say_all("calibrations ended", ways)
    say(f"under load: {loaded}")
    say(f"violations: {len(left)}")
    for each in left:
        say(f"  {each}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
