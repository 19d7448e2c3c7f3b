"""Burstable types: what one costs, or does, once its processor has been busy for long.

A load generator keeps its processor busy, so it uses credits up. On AWS every T type starts as
"unlimited": what it uses beyond its credits is billed by the virtual processor and hour. On Azure
a B size has no surcharge; it is throttled to its baseline.
"""

from __future__ import annotations

from pricing.catalog.clouds import PRICED_CLOUDS
from pricing.catalog.model import Offering
from pricing.money import divide_half_up

_MINUTES_PER_HOUR = 60


def saturated_hourly_usd_micros(offering: Offering) -> int | None:
    """The price of an hour with all processors busy; None: it does not cost more, or is not known.

    The credits that a fresh machine may have saved are not counted: a T3 starts with none.
    """
    machine = offering.machine
    surcharge = PRICED_CLOUDS[machine.provider].surcharge
    if surcharge is None:
        return None
    rate = surcharge.usd_micros_per_vcpu_hour.get(machine.family)
    credits_per_hour = surcharge.credits_per_hour.get(machine.name.partition(".")[2])
    if rate is None or credits_per_hour is None:
        return None
    surplus_minutes = max(0, machine.vcpus * _MINUTES_PER_HOUR - credits_per_hour)
    surplus = divide_half_up(surplus_minutes * rate, _MINUTES_PER_HOUR)
    return offering.hourly_usd_micros + surplus
