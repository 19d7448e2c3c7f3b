"""The catalogue: which machines a cloud rents in a region, at what price.

It is a folder of small files, one per region, read when the region is first asked for. The bundled
folder holds what is known without asking anybody; docs/DATA-SOURCES.md tells where each figure
comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pricing.catalog.errors import (
    CatalogUnreadableError,
    UnknownFamilyError,
    UnknownMachineTypeError,
    UnknownProviderError,
    UnknownRegionError,
    in_words,
    nearest,
)
from pricing.catalog.model import PROVIDERS, MachineType, Offering, Price, Source
from pricing.catalog.tables import day, optional_int, read_table, yes_or_no
from pricing.money import usd_micros

BUNDLED_FOLDER = Path(__file__).parent / "data"

# An injector needs no more disk than its image: AWS's Linux images fit on 8 GiB.
AWS_BOOT_DISK_GIB = 8

MACHINE_TYPE_COLUMNS = (
    "name",
    "family",
    "vcpus",
    "memory_mib",
    "architecture",
    "network_baseline_mbps",
    "network_burst_mbps",
    "burstable",
    "as_of",
    "source",
)
OFFERING_COLUMNS = ("name", "usd_per_hour", "as_of", "source")
SURROUNDINGS_COLUMNS = (
    "provider",
    "region",
    "item",
    "usd",
    "per",
    "as_of",
    "source",
    "estimated",
    "usd_low",
    "usd_high",
)

# The region of a row that holds wherever no row names the region itself.
ANY_REGION = "*"


class Catalog:
    """Machine types, prices and surroundings, by provider and region.

    Args:
        folder: Holds ``<provider>/machine-types.csv``, ``<provider>/regions/<region>.csv``,
            ``surroundings.csv`` and ``sources.toml``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._regions: dict[str, tuple[str, ...]] = {}
        self._machines: dict[str, dict[str, MachineType]] = {}
        self._offerings: dict[tuple[str, str], tuple[Offering, ...]] = {}
        self._by_name: dict[tuple[str, str], dict[str, Offering]] = {}
        self._surroundings: dict[tuple[str, str, str], Price] = {}

    @staticmethod
    @cache
    def bundled() -> Catalog:
        """The catalogue that comes with the package."""
        return Catalog(BUNDLED_FOLDER)

    def regions(self, provider: str) -> tuple[str, ...]:
        """The provider's regions, by name.

        Raises:
            UnknownProviderError: It is not one of ``PROVIDERS``.
        """
        if provider not in PROVIDERS:
            raise UnknownProviderError(
                f"no provider {provider!r} in the catalogue; there are {in_words(PROVIDERS)}",
                provider=provider,
            )
        if provider not in self._regions:
            files = (self._folder / provider / "regions").glob("*.csv")
            self._regions[provider] = tuple(sorted(file.stem for file in files))
        return self._regions[provider]

    def machine_types(self, provider: str) -> Mapping[str, MachineType]:
        """All machine types of the provider by name, priced in a region or not."""
        self.regions(provider)
        if provider not in self._machines:

            def build(row: list[str]) -> MachineType:
                name, family, vcpus, memory, architecture, baseline, burst, burstable, _, _ = row
                return MachineType(
                    provider,
                    name,
                    family,
                    int(vcpus),
                    int(memory),
                    architecture,
                    optional_int(baseline),
                    optional_int(burst),
                    yes_or_no(burstable),
                )

            path = self._folder / provider / "machine-types.csv"
            machines = read_table(path, MACHINE_TYPE_COLUMNS, build)
            self._machines[provider] = {machine.name: machine for machine in machines}
        return self._machines[provider]

    def families(self, provider: str) -> tuple[str, ...]:
        """The families of the provider's machine types, by name."""
        return tuple(sorted({machine.family for machine in self.machine_types(provider).values()}))

    def offerings(self, provider: str, region: str) -> tuple[Offering, ...]:
        """Every machine type with a price in the region, cheapest first, then by name.

        Raises:
            UnknownProviderError: No such provider.
            UnknownRegionError: No such region; the message names near ones.
        """
        self._check_region(provider, region)
        if (provider, region) not in self._offerings:
            machines = self.machine_types(provider)

            def build(row: list[str]) -> Offering:
                name, usd_per_hour, as_of, source = row
                hourly_usd_micros = usd_micros(usd_per_hour)
                return Offering(machines[name], region, hourly_usd_micros, day(as_of), source)

            path = self._folder / provider / "regions" / f"{region}.csv"
            found = read_table(path, OFFERING_COLUMNS, build)
            found.sort(key=lambda offering: (offering.hourly_usd_micros, offering.machine.name))
            self._offerings[provider, region] = tuple(found)
        return self._offerings[provider, region]

    def offering(self, provider: str, region: str, machine_type: str) -> Offering:
        """One machine type in one region.

        Raises:
            UnknownProviderError, UnknownRegionError: No such place.
            UnknownMachineTypeError: No price there; the message names near ones.
        """
        offerings = self.offerings(provider, region)
        if (provider, region) not in self._by_name:
            self._by_name[provider, region] = {each.machine.name: each for each in offerings}
        by_name = self._by_name[provider, region]
        if machine_type not in by_name:
            raise self._unknown_machine_type(provider, region, machine_type, list(by_name))
        return by_name[machine_type]

    def places(
        self, provider: str | None = None, region: str | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Pairs of provider and region; a region's name alone tells its provider.

        Raises:
            UnknownProviderError: No such provider.
            UnknownRegionError: No such region with the provider, or with any.
        """
        providers = PROVIDERS if provider is None else (provider,)
        places = tuple((each, name) for each in providers for name in self.regions(each))
        if region is None:
            return places
        found = tuple(place for place in places if place[1] == region)
        if not found:
            raise self._unknown_region(providers, region)
        return found

    def check_family(self, family: str, providers: Sequence[str]) -> None:
        """Refuse a family that none of the providers has.

        Raises:
            UnknownFamilyError: The message names near ones.
        """
        families = [name for provider in providers for name in self.families(provider)]
        if family not in families:
            raise UnknownFamilyError(
                f"no family {family!r} of machine types in the catalogue of "
                f"{' or '.join(providers)}; near it: {in_words(nearest(family, families))}",
                family=family,
            )

    def public_ipv4(self, provider: str, region: str) -> Price:
        """The price of one public IPv4 address, per hour."""
        return self._surrounding(provider, region, "public-ipv4")

    def boot_disk(self, provider: str, region: str) -> Price:
        """The price of one injector's boot disk, per month.

        On AWS 8 GiB of gp3. On Azure the standard SSD tier E4 (32 GiB), the smallest that holds
        Azure's Linux images of 30 GiB.
        """
        price = self._surrounding(provider, region, "boot-disk")
        return _times(price, AWS_BOOT_DISK_GIB) if price.per == "GB-month" else price

    def egress(self, provider: str, region: str) -> Price:
        """The price of a gigabyte sent to the internet, in the first tier that is charged."""
        return self._surrounding(provider, region, "egress")

    def sources(self) -> Mapping[str, Source]:
        """Where the figures come from, by the key that their rows carry."""
        import tomllib  # most commands never ask where a figure comes from

        path = self._folder / "sources.toml"
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))
            return {key: Source(**entry) for key, entry in entries.items()}
        except (OSError, ValueError, TypeError) as error:
            raise CatalogUnreadableError(
                f"{path}: the catalogue's sources cannot be read: {error}", file=str(path)
            ) from error

    def _check_region(self, provider: str, region: str) -> None:
        if region not in self.regions(provider):
            raise self._unknown_region((provider,), region)

    def _unknown_region(self, providers: Sequence[str], region: str) -> UnknownRegionError:
        known = [name for provider in providers for name in self.regions(provider)]
        others = [each for each in PROVIDERS if each not in providers]
        owner = next((other for other in others if region in self.regions(other)), None)
        hint = f"it is one of {owner}" if owner else f"near it: {in_words(nearest(region, known))}"
        whose = " or ".join(providers)
        return UnknownRegionError(
            f"no region {region!r} of {whose} in the catalogue; {hint}",
            provider=whose,
            region=region,
        )

    def _unknown_machine_type(
        self, provider: str, region: str, machine_type: str, known: Sequence[str]
    ) -> UnknownMachineTypeError:
        exists = machine_type in self.machine_types(provider)
        problem = "has a price in other regions only" if exists else "is not in the catalogue"
        return UnknownMachineTypeError(
            f"{provider} machine type {machine_type!r} {problem}; "
            f"in {region}, near it: {in_words(nearest(machine_type, known))}",
            provider=provider,
            region=region,
            machine_type=machine_type,
        )

    def _surrounding(self, provider: str, region: str, item: str) -> Price:
        self._check_region(provider, region)
        if not self._surroundings:
            path = self._folder / "surroundings.csv"
            self._surroundings = dict(read_table(path, SURROUNDINGS_COLUMNS, _build_surrounding))
        for place in (region, ANY_REGION):
            price = self._surroundings.get((provider, place, item))
            if price is not None:
                return price
        raise CatalogUnreadableError(
            f"surroundings.csv: no price of {item} for {provider} {region}, nor for any region",
            provider=provider,
            region=region,
            item=item,
        )


def _build_surrounding(row: list[str]) -> tuple[tuple[str, str, str], Price]:
    provider, region, item, usd, per, as_of, source, estimated, low, high = row
    price = Price(
        usd_micros(usd),
        per,
        day(as_of),
        source,
        estimated=yes_or_no(estimated),
        low_usd_micros=usd_micros(low) if low else None,
        high_usd_micros=usd_micros(high) if high else None,
    )
    return (provider, region, item), price


def _times(price: Price, gib: int) -> Price:
    """The monthly price of a disk from its price per gigabyte and month."""
    return Price(
        price.usd_micros * gib,
        "month",
        price.as_of,
        price.source,
        estimated=price.estimated,
        low_usd_micros=None if price.low_usd_micros is None else price.low_usd_micros * gib,
        high_usd_micros=None if price.high_usd_micros is None else price.high_usd_micros * gib,
    )
