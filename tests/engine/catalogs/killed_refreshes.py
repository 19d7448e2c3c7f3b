"""Refreshes killed at every step that touches a file.

    python -m tests.engine.catalogs.killed_refreshes --every 10

Each refresh is a process of its own that gets SIGKILL just before or just after the n-th write,
flush, rename, new folder or removal. Then the catalogue in use must be whole and either the one
before or the new one, and another refresh must finish without asking again for what was kept.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import FrameType

from engine.catalogs.price_source import FetchedPage, Query
from engine.catalogs.refresh import refresh
from pricing.catalog import MachineType, Source
from pricing.catalog.versions import Versions, check_whole
from pricing.money import usd_micros
from pricing.refreshing.price_list_rows import EGRESS, MACHINE, ListedPrice, PriceListPage
from tests.engine.catalogs.conftest import SMALL, prices_in

DAY_BEFORE, DAY = date(2026, 11, 21), date(2026, 11, 22)
REGIONS = ("us-east-1", "eu-west-1")
STEPS = frozenset(
    {"write", "writerows", "fsync", "flush", "rename", "replace", "mkdir", "rmdir", "unlink"}
    | {"open", "close", "flock", "sendfile", "truncate"}
)
POINTS_MAX = 5_000


class SmallList:
    """A price list of two regions, two pages of machines each, at prices of a factor."""

    provider = "aws"
    items = (MACHINE, EGRESS)

    def __init__(self, factor: int, asked: Callable[[], None] = lambda: None) -> None:
        self._factor = factor
        self._asked = asked

    def fetch(self, query: Query, following: str | None, rows_before: Sequence[int]) -> FetchedPage:
        del rows_before
        self._asked()
        if query.item == EGRESS:
            tiers = (ListedPrice(EGRESS, 90_000), ListedPrice(EGRESS, 80_000, from_gb=10_240))
            return FetchedPage(PriceListPage(tiers), 2, None)
        usd = sorted(prices_in(SMALL, "aws", query.region).items())
        half = usd[:1] if following is None else usd[1:]
        prices = tuple(
            ListedPrice(MACHINE, self._factor * usd_micros(text), name) for name, text in half
        )
        return FetchedPage(PriceListPage(prices), len(half), "more" if following is None else None)

    def machine_types(
        self, names: Sequence[str], regions: Sequence[str]
    ) -> Mapping[str, MachineType]:
        del names, regions
        return {}

    def close(self) -> None:
        """Nothing to close."""

    def sources(self, day: date, published: str) -> Mapping[str, Source]:
        del published
        return {"aws-price-list": Source("A list", "nowhere", str(day), "none")}


PAGES = 3 * len(REGIONS)


def dies_at(point: int) -> None:
    """From now on this process gets SIGKILL at its n-th step that touches a file."""
    steps = 0

    def step(frame: FrameType, event: str, arg: object) -> None:
        nonlocal steps
        del frame
        if event in {"c_call", "c_return"} and getattr(arg, "__name__", "") in STEPS:
            steps += 1
            if steps == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(step)


def in_child(act: Callable[[], None]) -> int:
    """Do it in a process of its own; returns how that ended: 0, or the signal's number."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - told to the parent by the exit code
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def refreshed(folder: Path, factor: int, day: date, asked: Callable[[], None]) -> None:
    refresh(SmallList(factor, asked), Versions(folder, SMALL), day=day, regions=REGIONS)


def factor_of(folder: Path) -> int:
    """By how much the prices of the catalogue in use, which must be whole, are the first ones."""
    versions = Versions(folder, SMALL)
    catalog, first = versions.open(versions.in_use()), versions.open("bundled")
    check_whole(catalog)
    factors = {
        each.hourly_usd_micros / first.offering("aws", region, each.machine.name).hourly_usd_micros
        for region in REGIONS
        for each in catalog.offerings("aws", region)
    }
    assert len(factors) == 1, factors
    return int(factors.pop())


def killed_at(point: int, start: Path, folder: Path) -> bool:
    """One refresh killed at a point, and the one after it; False: it was never reached."""
    shutil.copytree(start, folder)

    def victim() -> None:
        dies_at(point)
        refreshed(folder, 2, DAY, lambda: None)

    ended = in_child(victim)
    assert ended in {0, signal.SIGKILL}, ended
    factor = factor_of(folder)
    assert factor in {1, 2}, factor
    if ended == 0:
        assert factor == 2
        return False
    kept = len(list((folder / "pages" / "aws" / str(DAY)).rglob("*.json")))
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    refreshed(folder, 2, DAY, count)
    assert factor_of(folder) == 2
    assert asked + kept == PAGES, (asked, kept)
    left = [each.name for each in (folder / "versions").iterdir() if each.name.startswith(".")]
    assert not left, left
    assert not (folder / "pages" / "aws").exists()
    return True


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="try each n-th point only")
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        start = Path(name) / "start"
        refreshed(start, 1, DAY_BEFORE, lambda: None)
        tried = 0
        for point in range(options.first, POINTS_MAX, options.every):
            folder = Path(name) / f"point-{point}"
            try:
                reached = killed_at(point, start, folder)
            except AssertionError as error:
                sys.stdout.write(f"point {point}: {error!r}\n")
                return 1
            if not reached:
                break
            tried += 1
            shutil.rmtree(folder)
    sys.stdout.write(f"{tried} points\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
