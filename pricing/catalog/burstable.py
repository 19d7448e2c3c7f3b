"""Burstable types: what one costs, or does, once its processor has been busy for long.

A load generator keeps its processor busy, so it uses credits up. On AWS every T type starts as
"unlimited": what it uses beyond its credits is billed by the virtual processor and hour. On Azure
a B size has no surcharge; it is throttled to its baseline.
"""

from __future__ import annotations

from pricing.catalog.model import Offering
from pricing.money import divide_half_up

AWS_CREDITS_PER_HOUR = {
    "nano": 6,
    "micro": 12,
    "small": 24,
    "medium": 24,
    "large": 36,
    "xlarge": 96,
    "2xlarge": 192,
}
"""By size, of T3, T3a and T4g; a credit is a minute of one virtual processor.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
"""

AWS_SURPLUS_USD_MICROS = {"t3": 50_000, "t3a": 50_000, "t4g": 40_000}
"""Of a virtual processor for an hour beyond the credits, Linux, the same in every region.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html
"""

_MINUTES_PER_HOUR = 60


def saturated_hourly_usd_micros(offering: Offering) -> int | None:
    """The price of an hour with all processors busy; None: it does not cost more, or is not known.

    The credits that a fresh machine may have saved are not counted: a T3 starts with none.
    """
    machine = offering.machine
    rate = AWS_SURPLUS_USD_MICROS.get(machine.family)
    credits_per_hour = AWS_CREDITS_PER_HOUR.get(machine.name.partition(".")[2])
    if machine.provider != "aws" or rate is None or credits_per_hour is None:
        return None
    surplus_minutes = max(0, machine.vcpus * _MINUTES_PER_HOUR - credits_per_hour)
    surplus = divide_half_up(surplus_minutes * rate, _MINUTES_PER_HOUR)
    return offering.hourly_usd_micros + surplus
