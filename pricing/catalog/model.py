"""What the catalogue holds: machine types, their prices, and what surrounds a machine.

Prices are micro-dollars and never without the day on which they held and the source that says so.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

MIB_PER_GIB = 1_024
STALE_AFTER_DAYS = 365


class MachineType(Struct, frozen=True):
    """A kind of machine that a cloud rents.

    Attributes:
        provider: The cloud; a name in ``pricing.catalog.clouds.PRICED_CLOUDS``.
        name: The cloud's own, for example ``c7i.large`` or ``Standard_D2s_v5``.
        family: What it has in common with its bigger sisters: ``c7i``, ``Dsv5``.
        vcpus: Virtual processors.
        memory_mib: Memory in MiB.
        architecture: ``x86_64`` or ``arm64``.
        network_baseline_mbps: Megabits a second that it can hold for ever; None: not published.
        network_burst_mbps: Megabits a second at most; None: not published.
        burstable: Its processor is throttled, or costs more, once its credits are used up.
    """

    provider: str
    name: str
    family: str
    vcpus: int
    memory_mib: int
    architecture: str
    network_baseline_mbps: int | None
    network_burst_mbps: int | None
    burstable: bool


class Offering(Struct, frozen=True):
    """A machine type in one region at its on-demand price for Linux.

    Attributes:
        machine: The machine type.
        region: The cloud's name of the region.
        hourly_usd_micros: Price of one hour.
        as_of: The day on which the source had this price.
        source: Key of ``Catalog.sources``.
    """

    machine: MachineType
    region: str
    hourly_usd_micros: int
    as_of: date
    source: str


class SpotPrice(Struct, frozen=True):
    """What spare capacity of a machine type cost on a day; the cloud may take it away.

    Attributes:
        zone: Where it holds; empty: in the whole region.
        hourly_usd_micros: Price of one hour.
        as_of: The day on which the source had this price.
        source: Key of ``Catalog.sources``.
    """

    zone: str
    hourly_usd_micros: int
    as_of: date
    source: str


class Price(Struct, frozen=True):
    """The price of something around a machine.

    Attributes:
        usd_micros: The price; of an estimated one, the most that it can be, where that is known:
            what is not known must not look cheap.
        per: ``hour``, ``GB`` or ``month``.
        as_of: The day on which the source had this price.
        source: Key of ``Catalog.sources``.
        estimated: No source gives the figure of this very region.
        low_usd_micros: The least that an estimated price can be, where a range is published.
        high_usd_micros: The most that it can be.
    """

    usd_micros: int
    per: str
    as_of: date
    source: str
    estimated: bool
    low_usd_micros: int | None = None
    high_usd_micros: int | None = None


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where figures come from: a title, an address, the version that was read, its licence."""

    title: str
    address: str
    version: str
    licence: str


def is_stale(as_of: date, today: date) -> bool:
    """Whether a price of that day is more than a year old and wants a warning."""
    return (today - as_of).days > STALE_AFTER_DAYS
