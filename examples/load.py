"""A load generator of one's own: users that fetch the target's start page, one after the other.

It is told by its environment what to do, and writes a line for each request; see docs/engines.md.
"""

from __future__ import annotations

import csv
import os
import sys
import threading
import time
import urllib.request
from itertools import pairwise

TARGET = os.environ["LOADMUSTER_TARGET"]
START_AT = int(os.environ["LOADMUSTER_START_AT"])
DURATION_S = int(os.environ["LOADMUSTER_DURATION_S"])
RESULTS = os.environ.get("LOADMUSTER_RESULTS", "results.csv")
THINK_TIME_S = 0.2


def profile() -> list[tuple[float, int]]:
    """The corners of this injector's load: seconds from the start, users."""
    with open(os.environ["LOADMUSTER_PROFILE"], encoding="utf-8") as file:  # noqa: PTH123
        return [(float(at_s), int(users)) for at_s, users in csv.reader(file)]


def users_at(at_s: float, corners: list[tuple[float, int]]) -> int:
    """Users wanted at an instant, between two corners in a straight line."""
    for (since_s, before), (until_s, after) in pairwise(corners):
        if since_s <= at_s < until_s:
            return before + round((after - before) * (at_s - since_s) / (until_s - since_s))
    return 0


def main() -> None:
    """Hold as many users as the profile says, until its end."""
    corners = profile()
    leaving = threading.Semaphore(0)
    users: list[threading.Thread] = []
    with open(RESULTS, "w", buffering=1, encoding="utf-8") as samples:  # noqa: PTH123
        print("timeStamp,elapsed,success,allThreads", file=samples)

        def act() -> None:
            while not leaving.acquire(timeout=THINK_TIME_S):
                began_s = time.time()
                success = fetch()
                took_ms = (time.time() - began_s) * 1000
                active = sum(user.is_alive() for user in users)
                samples.write(f"{began_s * 1000:.0f},{took_ms:.1f},{success},{active}\n")

        while (at_s := time.time() - START_AT) < DURATION_S:
            users[:] = [user for user in users if user.is_alive()]
            wanted = users_at(max(0.0, at_s), corners)
            for _ in range(len(users), wanted):
                user = threading.Thread(target=act)
                users.append(user)
                user.start()
            for _ in range(wanted, len(users)):
                leaving.release()
            time.sleep(0.2)
        leaving.release(len(users) or 1)
        for user in users:
            user.join()


def fetch() -> str:
    """Whether the start page came, as samples say it."""
    try:
        with urllib.request.urlopen(TARGET + "/", timeout=10) as answer:  # noqa: S310
            answer.read()
    except OSError:
        return "false"
    return "true"


if __name__ == "__main__":
    sys.exit(main())
