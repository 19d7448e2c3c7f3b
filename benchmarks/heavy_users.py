"""Users that work hard on every answer: a load program of the user's own, one thread a user.

It is told what to play by its environment, as docs/engines.md says.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import urllib.request
from typing import TextIO

HASHES = 20
PAUSE_S = 0.5
PAGE = "/20000"


class Samples:
    """The file of samples, line by line from many threads."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._lock = file, threading.Lock()
        print("timeStamp,elapsed,success,allThreads", file=file, flush=True)

    def add(self, began_s: float, users: int) -> None:
        """One request that is over."""
        took_ms = (time.time() - began_s) * 1000
        with self._lock:
            print(f"{began_s * 1000:.0f},{took_ms:.0f},true,{users}", file=self._file, flush=True)


def play(samples: Samples, url: str, users: int, end_s: float) -> None:
    """Fetch a page, hash it many times, pause; until the end."""
    while time.time() < end_s:
        began_s = time.time()
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the scenario's target
            body = answer.read()
        for number in range(HASHES):
            hashlib.sha256(body + bytes([number])).hexdigest()
        samples.add(began_s, users)
        time.sleep(PAUSE_S)


def main() -> None:
    """One thread a user."""
    told = os.environ
    users = int(told["LOADMUSTER_USERS"])
    end_s = float(told["LOADMUSTER_START_AT"]) + float(told["LOADMUSTER_DURATION_S"])
    with open(told["LOADMUSTER_RESULTS"], "w", encoding="utf-8") as file:  # noqa: PTH123 - stdlib only
        samples, url = Samples(file), told["LOADMUSTER_TARGET"] + PAGE
        threads = [
            threading.Thread(target=play, args=(samples, url, users, end_s)) for _ in range(users)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()


if __name__ == "__main__":
    main()
