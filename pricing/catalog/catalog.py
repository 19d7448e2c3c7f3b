"""The catalogue: which machines a cloud rents in a region, at what price.

It is a folder of small files, one per region, read when the region is first asked for. The bundled
folder holds what is known without asking anybody; docs/DATA-SOURCES.md tells where each figure
comes from. ``pricing.catalog.versions`` keeps those that were refreshed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from msgspec import convert

from kernel.near_names import meant
from pricing.catalog.ancillary_prices import AncillaryPrices, NatPrices
from pricing.catalog.clouds import PRICED_CLOUDS
from pricing.catalog.core_speeds import CoreSpeed, read_core_speeds
from pricing.catalog.egress import EgressTier
from pricing.catalog.errors import (
    CatalogUnreadableError,
    UnknownFamilyError,
    UnknownMachineTypeError,
    UnknownProviderError,
    UnknownRegionError,
    in_words,
    nearest,
)
from pricing.catalog.model import MachineType, Offering, Price, Source, SpotPrice
from pricing.catalog.service_prices import ServiceTier, read_service_prices
from pricing.catalog.tables import day, optional_int, read_table, yes_or_no
from pricing.money import usd_micros

BUNDLED = "bundled"
BUNDLED_FOLDER = Path(__file__).parent / "data"

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
SPOT_COLUMNS = ("name", "zone", "usd_per_hour", "as_of", "source")
REFRESHED_FILE = "refreshed.csv"
REFRESHED_COLUMNS = ("provider", "region", "as_of")


class Catalog:
    """Machine types, prices and surroundings, by provider and region.

    Args:
        folder: Holds ``<provider>/machine-types.csv``, ``<provider>/regions/<region>.csv``,
            ``surroundings.csv`` and ``sources.toml``; a refreshed one ``refreshed.csv`` and perhaps
            ``<provider>/spot/<region>.csv`` too.
        name: Its version.
        remedy: What to do when a file of it cannot be read; ends the message of the error.
    """

    def __init__(self, folder: Path, *, name: str = BUNDLED, remedy: str = "") -> None:
        self.name = name
        self._folder = folder
        self._remedy = f"; {remedy}" if remedy else ""
        self._regions: dict[str, tuple[str, ...]] = {}
        self._machines: dict[str, dict[str, MachineType]] = {}
        self._offerings: dict[tuple[str, str], tuple[Offering, ...]] = {}
        self._by_name: dict[tuple[str, str], dict[str, Offering]] = {}
        self._refreshed: dict[tuple[str, str], date] | None = None
        self._core_speeds: dict[tuple[str, str], CoreSpeed] | None = None
        self._service_prices: dict[str, dict[str, tuple[ServiceTier, ...]]] | None = None
        self._ancillary_prices = AncillaryPrices(folder, self._remedy)

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self._folder

    @staticmethod
    @cache
    def bundled() -> Catalog:
        """The catalogue that comes with the package."""
        return Catalog(BUNDLED_FOLDER)

    def regions(self, provider: str) -> tuple[str, ...]:
        """The provider's regions, by name.

        Raises:
            UnknownProviderError: It is not in ``PRICED_CLOUDS``.
            CatalogUnreadableError: There are none.
        """
        if provider not in PRICED_CLOUDS:
            raise UnknownProviderError(
                f"no provider {provider!r}{meant(provider, PRICED_CLOUDS)} in the catalogue; "
                f"there are {in_words(tuple(PRICED_CLOUDS))}",
                provider=provider,
            )
        if provider not in self._regions:
            folder = self._folder / provider / "regions"
            found = tuple(sorted(file.stem for file in folder.glob("*.csv")))
            if not found:
                raise CatalogUnreadableError(
                    f"{folder}: the catalogue has no regions of {provider}{self._remedy}",
                    file=str(folder),
                )
            self._regions[provider] = found
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
            machines = read_table(path, MACHINE_TYPE_COLUMNS, build, self._remedy)
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
            found = read_table(path, OFFERING_COLUMNS, build, self._remedy)
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
        providers = tuple(PRICED_CLOUDS) if provider is None else (provider,)
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
        self._check_region(provider, region)
        return self._ancillary_prices.price(provider, region, "public-ipv4")

    def boot_disk(self, provider: str, region: str) -> Price:
        """The price of one injector's boot disk, per month.

        It holds what ``boot_disk_gib`` of the cloud's facts says: no more than its image needs.
        """
        self._check_region(provider, region)
        return self._ancillary_prices.boot_disk(provider, region)

    def egress(self, provider: str, region: str) -> Price:
        """The price of a gigabyte sent to the internet, in the first tier that is charged."""
        return self.egress_tiers(provider, region)[0].price

    def egress_tiers(self, provider: str, region: str) -> tuple[EgressTier, ...]:
        """The prices of a gigabyte sent to the internet, by what a month has sent before."""
        self._check_region(provider, region)
        return self._ancillary_prices.egress_tiers(provider, region)

    def nat(self, provider: str, region: str) -> NatPrices | None:
        """What a NAT gateway costs; None: it is not known on that cloud."""
        self._check_region(provider, region)
        return self._ancillary_prices.nat(provider, region)

    def core_speed(self, provider: str, family: str) -> CoreSpeed | None:
        """How much the family's processors do; None: nobody's measurement is at hand."""
        return self.core_speeds().get((provider, family))

    def core_speeds(self) -> Mapping[tuple[str, str], CoreSpeed]:
        """How much processors do, by provider and family; empty: no measurement is at hand."""
        if self._core_speeds is None:
            self._core_speeds = read_core_speeds(self._folder, self._remedy)
        return self._core_speeds

    def service_prices(self, provider: str) -> Mapping[str, tuple[ServiceTier, ...]]:
        """What a unit of the provider's own load-testing service costs, by region, where asked."""
        if self._service_prices is None:
            self._service_prices = read_service_prices(self._folder, self._remedy)
        return self._service_prices.get(provider, {})

    def spot(self, provider: str, region: str, machine_type: str) -> tuple[SpotPrice, ...]:
        """Spot prices of a machine type by zone; none where nobody asked for them."""
        self._check_region(provider, region)
        path = self._folder / provider / "spot" / f"{region}.csv"
        if not path.exists():
            return ()

        def build(row: list[str]) -> tuple[str, SpotPrice]:
            name, zone, usd_per_hour, as_of, source = row
            return name, SpotPrice(zone, usd_micros(usd_per_hour), day(as_of), source)

        rows = read_table(path, SPOT_COLUMNS, build, self._remedy)
        return tuple(price for name, price in rows if name == machine_type)

    def refreshed(self) -> Mapping[tuple[str, str], date]:
        """The day of the refresh, by provider and region; empty: the bundled catalogue."""
        if self._refreshed is None:

            def build(row: list[str]) -> tuple[tuple[str, str], date]:
                provider, region, as_of = row
                return (provider, region), day(as_of)

            path = self._folder / REFRESHED_FILE
            rows = read_table(path, REFRESHED_COLUMNS, build, self._remedy) if path.exists() else ()
            self._refreshed = dict(rows)
        return self._refreshed

    def sources(self) -> Mapping[str, Source]:
        """Where the figures come from, by the key that their rows carry."""
        import tomllib  # most commands never ask where a figure comes from

        path = self._folder / "sources.toml"
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))
            return convert(entries, dict[str, Source])
        except (OSError, ValueError) as error:
            raise CatalogUnreadableError(
                f"{path}: the catalogue's sources cannot be read: {error}{self._remedy}",
                file=str(path),
            ) from error

    def _check_region(self, provider: str, region: str) -> None:
        if region not in self.regions(provider):
            raise self._unknown_region((provider,), region)

    def _unknown_region(self, providers: Sequence[str], region: str) -> UnknownRegionError:
        known = [name for provider in providers for name in self.regions(provider)]
        others = [each for each in PRICED_CLOUDS if each not in providers]
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
