"""A small catalogue, both price lists on loopback with what it has and every trap, and a clock."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.catalogs.price_source import PriceSource
from engine.catalogs.refresh import Refreshed, refresh
from engine.catalogs.sources import price_source
from kernel.clock import ManualClock
from pricing.catalog.versions import Versions
from tests.engine.catalogs.server import PriceLists, serving
from tests.engine.catalogs.shapes import aws_around, aws_machine, azure_around, azure_machine

SMALL = Path(__file__).parents[1] / "catalog"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
AWS_REGION, AZURE_REGION = "us-east-1", "eastus"

Refresh = Callable[..., Refreshed]


def prices_in(folder: Path, provider: str, region: str) -> dict[str, str]:
    with (folder / provider / "regions" / f"{region}.csv").open(encoding="utf-8") as file:
        return {row["name"]: row["usd_per_hour"] for row in csv.DictReader(file)}


@pytest.fixture
def lists() -> PriceLists:
    """What the small catalogue has, at its prices, each amid rows that are none."""
    lists = PriceLists()
    for name, usd in prices_in(SMALL, "aws", AWS_REGION).items():
        lists.products += [
            aws_machine(name, "9.9", operatingSystem="Windows", sku=f"W{name}"),
            aws_machine(name, "9.8", tenancy="Dedicated", sku=f"D{name}"),
            aws_machine(name, usd),
            aws_machine(name, "0.0", capacitystatus="AllocatedCapacityReservation", sku=f"A{name}"),
        ]
    lists.products += aws_around(AWS_REGION)
    for name, usd in prices_in(SMALL, "azure", AZURE_REGION).items():
        price = float(usd)
        lists.items += [
            azure_machine(name, 2 * price, productName="Virtual Machines Series Windows"),
            azure_machine(name, price),
            azure_machine(name, price / 5, skuName=f"{name} Low Priority"),
            azure_machine(name, price / 4, skuName=f"{name} Spot"),
        ]
    lists.items += azure_around(AZURE_REGION)
    return lists


@pytest.fixture
def address(lists: PriceLists, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where both lists answer."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "rehearsed")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsed")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with serving(lists) as url:
        monkeypatch.setenv("LOADMUSTER_AWS_PRICES", url)
        monkeypatch.setenv("LOADMUSTER_AZURE_PRICES", url)
        yield url


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """No refreshed catalogue yet, and the small one as the bundled one."""
    return Versions(tmp_path / "catalog", SMALL)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def source(address: str, clock: ManualClock) -> Iterator[Callable[..., PriceSource]]:
    """A cloud's list, as the rehearsal answers it."""
    del address
    with ExitStack() as stack:
        yield lambda provider, *, spot=False: stack.enter_context(
            closing(price_source(provider, clock, spot=spot))
        )


@pytest.fixture
def refreshed(source: Callable[..., PriceSource], versions: Versions) -> Refresh:
    """Refresh a cloud's prices in its region of the small catalogue."""

    def call(
        provider: str, *, spot: bool = False, day: date = TODAY, region: str = ""
    ) -> Refreshed:
        own = region or {"aws": AWS_REGION, "azure": AZURE_REGION}[provider]
        return refresh(source(provider, spot=spot), versions, day=day, regions=[own], spot=spot)

    return call
