"""A cloud and a load engine that nobody sells, each added by a row; and a command line with them.

    python -m tests.engine.tables.toy run shop.json --account acme --provider toy

The cloud's machines are processes of this computer, its storage is a folder.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from engine.catalogs.price_source import FetchedPage, Query
from engine.clouds import CloudFacts, InternetRule, StartUp, one_cloud_more
from engine.load.sliced.driver import SlicedDriver
from engine.load_engines import LOAD_ENGINES, EngineFacts
from engine.readers.program.entries import PathBelow, ProgramEntry
from engine.runs.clouds.cloud import Cloud
from engine.runs.clouds.contract import UserCloud, launches_to_check
from engine.runs.clouds.rehearsals import REHEARSAL_LIMITS
from engine.runs.model.states import Limits, Placement
from engine.runs.record.store import RunStore
from kernel.clock import Clock
from pricing.catalog import BillingRule, MachineType, Source
from pricing.catalog.catalog import BUNDLED_FOLDER
from pricing.catalog.clouds import CloudPrices, PriceSources
from pricing.refreshing.price_list_rows import (
    BOOT_DISK,
    EGRESS,
    MACHINE,
    PUBLIC_IPV4,
    ListedPrice,
    PriceListPage,
)
from providers.findings import Finding, Grade
from providers.local import LocalProvider
from providers.local.objects import FolderObjects
from providers.rehearsal.program import RehearsedCloud
from tests.engine.tables import toy_rehearsal

FOLDER = "TOY_FOLDER"
REGION, LARGE, SMALL = "toy-north", "toy.large", "toy.small"
USD_PER_HOUR = {SMALL: 20_000, LARGE: 40_000}
FILES = {
    "toy/machine-types.csv": "name,family,vcpus,memory_mib,architecture,network_baseline_mbps,"
    "network_burst_mbps,burstable,as_of,source\n"
    f"{LARGE},toy,4,8192,x86_64,1000,,no,2026-11-01,toy\n"
    f"{SMALL},toy,2,4096,x86_64,1000,,no,2026-11-01,toy\n",
    f"toy/regions/{REGION}.csv": "name,usd_per_hour,as_of,source\n"
    f"{LARGE},0.04,2026-11-01,toy\n{SMALL},0.02,2026-11-01,toy\n",
    "toy/regions/toy-south.csv": f"name,usd_per_hour,as_of,source\n{SMALL},0.03,2026-11-01,toy\n",
}
AROUND = (("boot-disk", "0.1", "GB-month"), ("egress", "0.07", "GB"), ("public-ipv4", "0", "hour"))


def write_catalog(folder: Path) -> None:
    """The bundled catalogue with the cloud's figures beside the others', in use in the folder."""
    version = folder / "versions" / "2026-11-01"
    shutil.copytree(BUNDLED_FOLDER, version)
    for name, text in FILES.items():
        (version / name).parent.mkdir(parents=True, exist_ok=True)
        (version / name).write_text(text)
    with (version / "surroundings.csv").open("a") as file:
        file.writelines(
            f"toy,*,{item},{usd},{per},2026-11-01,toy,no,,\n" for item, usd, per in AROUND
        )
    with (version / "sources.toml").open("a") as file:
        file.write('\n[toy]\ntitle = "T"\naddress = "A"\nversion = "1"\nlicence = "none"\n')
    (folder / "current").write_text("2026-11-01\n")


class ToySettings(Struct, frozen=True):
    """Where the cloud is kept."""

    folder: Path


def toy_settings(environment: Mapping[str, str]) -> ToySettings:
    """The settings in environment variables."""
    return ToySettings(Path(environment.get(FOLDER, "toy")))


class ToyRuns(Struct, frozen=True):
    """Opens the cloud for runs."""

    clock: Clock
    settings: ToySettings

    @property
    def limits(self) -> Limits:
        return REHEARSAL_LIMITS

    @property
    def signed_s_max(self) -> float:
        return 86_400.0

    def check_settings(self) -> None:
        """Nothing is missing."""

    def endpoint(self) -> str:
        return str(self.settings.folder)

    def open(self, endpoint: str, store: RunStore) -> Cloud:
        driver = SlicedDriver(FolderObjects(Path(endpoint) / "objects"), store.program_bundle)
        return Cloud(self.provider(), driver, self.limits)

    def check(self, placements: Sequence[Placement], *, owner: str, spot: bool) -> None:
        for spec in launches_to_check(placements, self.clock.now(), owner=owner, spot=spot):
            assert spec.region in {REGION, "toy-south"}

    def examine(self, regions: Sequence[str]) -> Iterator[Finding]:
        yield Finding("toy box", Grade.OK, f"open, in {', '.join(regions) or REGION}")

    def provider(self) -> LocalProvider:
        return LocalProvider(self.settings.folder / "machines", self.clock)

    def policy(self) -> dict[str, Any]:
        return {"allowed": "to play"}


def _rehearsed(endpoint: str) -> Path:
    return Path(urlsplit(endpoint).path)


REHEARSAL = RehearsedCloud(
    check_installed=lambda: None,
    start=toy_rehearsal.start,
    running=toy_rehearsal.running,
    provider=lambda endpoint, clock: LocalProvider(_rehearsed(endpoint) / "machines", clock),
    objects=lambda endpoint, _: FolderObjects(_rehearsed(endpoint) / "objects"),
)


class ToyPriceList:
    """A price list that was learnt by heart."""

    provider = "toy"
    items = (MACHINE, BOOT_DISK, PUBLIC_IPV4, EGRESS)

    def fetch(self, query: Query, following: str | None, rows_before: Sequence[int]) -> FetchedPage:
        del following, rows_before
        prices: list[ListedPrice] = []
        if query.item == MACHINE:
            dearer = {name: usd_micros * 2 for name, usd_micros in USD_PER_HOUR.items()}
            prices = [ListedPrice(MACHINE, usd, name=name) for name, usd in dearer.items()]
        elif query.item == EGRESS:
            prices = [ListedPrice(EGRESS, 60_000)]
        elif query.item == BOOT_DISK:
            prices = [ListedPrice(BOOT_DISK, 110_000)]
        else:
            prices = [ListedPrice(PUBLIC_IPV4, 0)]
        return FetchedPage(PriceListPage(tuple(prices)), len(prices), None)

    def machine_types(
        self, names: Sequence[str], regions: Sequence[str]
    ) -> Mapping[str, MachineType]:
        del names, regions
        return {}

    def close(self) -> None:
        """Nothing was opened."""

    def sources(self, day: date, published: str) -> Mapping[str, Source]:
        return {"toy": Source("T", "A", f"{day} {published}", "none")}


def toy_price_list(clock: Clock, *, spot: bool, environment: Mapping[str, str]) -> ToyPriceList:
    """The list."""
    del clock, spot, environment
    return ToyPriceList()


class ToyEntry(ProgramEntry):
    """A tune for sh."""

    name: Literal["drum"]
    tune: PathBelow

    @property
    def main(self) -> str:
        return self.tune

    def main_files(self) -> Mapping[str, str]:
        return {"tune": self.tune}


TOY = CloudFacts(
    prices=CloudPrices(
        name="toy",
        title="Toy Cloud",
        default_region=REGION,
        elsewhere=("toy-south",),
        places={REGION: "Virginia"},
        billing=BillingRule(minimum_s=600, step_s=60),
        free_egress_gb=1,
        disk_priced_per="GB-month",
        boot_disk_gib=10,
        sources=PriceSources(prices="toy", types=None, spot="toy"),
    ),
    start_up=StartUp(1, 2, 3),
    internet=InternetRule(sustained=True, limits_receiving=True),
    one_image_a_launch=False,
    has_spot=True,
    sdk="json",
    price_list_needs="json",
    settings="tests.engine.tables.toy:toy_settings",
    runs="tests.engine.tables.toy:ToyRuns",
    rehearsal="tests.engine.tables.toy:REHEARSAL",
    shares_rehearsal=False,
    price_list="tests.engine.tables.toy:toy_price_list",
)
DRUM = EngineFacts(
    name="drum",
    title="Drum",
    agent=Path(__file__).with_name("toy_engine"),
    entry="tests.engine.tables.toy:ToyEntry",
    example="{name: drum, tune: roll.sh}",
    follows_shape=False,
)


def command_line(arguments: Sequence[str]) -> None:
    """``loadmuster``, with the cloud and the engine."""
    with one_cloud_more(TOY), LOAD_ENGINES.extended(DRUM):
        from loadmuster.cli.main import main

        main(arguments)


def _is_a_user_cloud(cloud: ToyRuns) -> UserCloud:
    return cloud


if __name__ == "__main__":
    os.environ.setdefault(FOLDER, "toy")
    command_line(sys.argv[1:])
