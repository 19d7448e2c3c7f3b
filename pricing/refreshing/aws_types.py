"""EC2's machine types: one entry of DescribeInstanceTypes becomes a machine type.

Shape: botocore's model ``ec2/2016-11-15``, ``InstanceTypeInfo``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pricing.catalog import MachineType
from pricing.catalog.clouds import AWS

ARCHITECTURES = ("x86_64", "arm64")
_MBPS_PER_GBPS = 1_000


def read_type(entry: Mapping[str, Any]) -> MachineType | None:
    """The machine type; None: bare metal, or without what an injector needs to be known of."""
    try:
        if entry.get("BareMetal"):
            return None
        name = entry["InstanceType"]
        supported = entry["ProcessorInfo"]["SupportedArchitectures"]
        architecture = next(each for each in ARCHITECTURES if each in supported)
        cards = entry["NetworkInfo"].get("NetworkCards", [])
        return MachineType(
            provider=AWS.name,
            name=name,
            family=name.partition(".")[0],
            vcpus=entry["VCpuInfo"]["DefaultVCpus"],
            memory_mib=entry["MemoryInfo"]["SizeInMiB"],
            architecture=architecture,
            network_baseline_mbps=_mbps(cards, "BaselineBandwidthInGbps"),
            network_burst_mbps=_mbps(cards, "PeakBandwidthInGbps"),
            burstable=bool(entry.get("BurstablePerformanceSupported")),
        )
    except (KeyError, TypeError, StopIteration):
        return None


def _mbps(cards: Sequence[Mapping[str, Any]], field: str) -> int | None:
    """Of all network cards together; None: not said of each."""
    rates = [card.get(field) for card in cards]
    known = [rate for rate in rates if rate is not None]
    if not rates or len(known) < len(rates):
        return None
    return int(sum(known) * _MBPS_PER_GBPS)
