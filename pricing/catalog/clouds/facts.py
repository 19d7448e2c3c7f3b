"""What a cloud's prices are like, beyond the figures: how it counts, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from kernel.division import ceil_div


class BillingRule(Struct, frozen=True):
    """How a cloud counts the time of a running machine."""

    minimum_s: int
    step_s: int

    def billed_seconds(self, seconds: int) -> int:
        """Seconds on the bill of a machine that ran for ``seconds``; each start has the minimum."""
        assert seconds >= 0, seconds
        return max(self.minimum_s, ceil_div(seconds, self.step_s) * self.step_s)


class PriceSources(Struct, frozen=True):
    """Keys of ``Catalog.sources`` for what is read from the cloud's own lists.

    Attributes:
        prices: Machines and what surrounds them.
        types: Sizes of machine types; None: no list tells them.
        spot: Spot prices.
    """

    prices: str
    types: str | None
    spot: str


class BurstSurcharge(Struct, frozen=True):
    """What a burstable machine costs beyond its credits; a credit is a virtual processor's minute.

    Attributes:
        credits_per_hour: By size, the part of a type's name behind the dot.
        usd_micros_per_vcpu_hour: By family.
    """

    credits_per_hour: Mapping[str, int]
    usd_micros_per_vcpu_hour: Mapping[str, int]


class CloudPrices(Struct, frozen=True):
    """One cloud, as far as prices go.

    Attributes:
        name: In scenarios, options, documents and the folders of the catalogue.
        title: As its maker writes it, for people.
        default_region: Where a load comes from that names no region.
        elsewhere: Where such a load goes next, when the default region has no machines left.
        places: By region, where in the world it is. Regions of two clouds at one place stand for
            each other when clouds are compared; of several the first does.
        billing: How the time of a machine is counted.
        free_egress_gb: Gigabytes that an account sends free of charge in a month, over all regions.
        disk_priced_per: ``GB-month``, or ``month`` for disks of fixed sizes.
        boot_disk_gib: What an injector's disk holds: no more than its image.
        sources: Where refreshed figures come from.
        surcharge: What burstable machines cost beyond their credits; None: they are throttled.
        also_named: By region, what it would be called as other clouds name theirs, for patterns
            such as ``eu-west*``.
    """

    name: str
    title: str
    default_region: str
    elsewhere: tuple[str, ...]
    places: Mapping[str, str]
    billing: BillingRule
    free_egress_gb: int
    disk_priced_per: str
    boot_disk_gib: int
    sources: PriceSources
    surcharge: BurstSurcharge | None = None
    also_named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
