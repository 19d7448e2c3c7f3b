"""Azure's Retail Prices: one item becomes a price, or the reason why it is none.

One size has many items under the same ``armSkuName``: Linux and Windows, spot, low priority, Cloud
Services, reservations, promotions, prices of last year. Which one an unordered reader ends up with
is chance; public price lists have Windows prices for Linux sizes because of it.
Shapes: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pricing.refreshing.price_list_rows import (
    BOOT_DISK,
    EGRESS,
    MACHINE,
    NAT_GB,
    NAT_HOUR,
    PUBLIC_IPV4,
    SERVICE_UNIT,
    SPOT,
    ListedPrice,
    Reading,
    RowRefusal,
    micros_of,
)

MACHINES_SERVICE = "Virtual Machines"
CONSUMPTION = "Consumption"
HOUR, MONTH, GIGABYTE = "1 Hour", "1/Month", "1 GB"
DISK_METER = "E4 LRS Disk"
ADDRESS_METER = "Standard IPv4 Static Public IP"
EGRESS_METER = "Standard Data Transfer Out"
NAT_SERVICE = "NAT Gateway"
TESTING_SERVICE = "Azure App Testing"
TESTING_METER = "JMeter Virtual User Additional Usage"

# The list has one price of a NAT gateway for all public regions, under this name.
EVERYWHERE = "Global"

# B, D and F: burstable, general purpose, compute.
_FOR_LOAD = re.compile(r"Standard_[BDF]\d")


def query_filter(item: str, region: str) -> str:
    """The ``$filter`` that asks for an item in a region; its values are case-sensitive.

    NAT gateways are asked for wherever they are priced: by the hour and by the gigabyte at once.
    """
    if item == NAT_HOUR:
        return f"serviceName eq '{NAT_SERVICE}' and priceType eq '{CONSUMPTION}'"
    asked = {
        MACHINE: f"serviceName eq '{MACHINES_SERVICE}'",
        PUBLIC_IPV4: f"serviceName eq 'Virtual Network' and meterName eq '{ADDRESS_METER}'",
        BOOT_DISK: f"serviceName eq 'Storage' and meterName eq '{DISK_METER}'",
        EGRESS: f"serviceFamily eq 'Networking' and meterName eq '{EGRESS_METER}'",
        SERVICE_UNIT: f"serviceName eq '{TESTING_SERVICE}' and meterName eq '{TESTING_METER}'",
    }[item]
    return f"{asked} and armRegionName eq '{region}' and priceType eq '{CONSUMPTION}'"


def read_item(row: Mapping[str, Any], item: str, region: str, at: datetime) -> Reading:
    """The price in one item of the answer; of a machine that is sold as spot, its spot price.

    Args:
        row: As JSON has it, numbers with a point as ``Decimal``.
        item: What was asked for.
        region: Where.
        at: Prices that ended before or begin later do not count.
    """
    try:
        odd = _odd(row, item, region) or _not_in_force(row, at)
        if odd is not None:
            return odd
        amount = Decimal(row["retailPrice"])
        if not amount.is_finite() or amount < 0:
            return RowRefusal.MALFORMED
        if amount == 0:
            return RowRefusal.FREE
        return _found(row, item, micros_of(amount))
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
        return RowRefusal.MALFORMED


def effective_day(row: Mapping[str, Any]) -> str:
    """The day on which an item took effect, in ISO form; empty: it does not say."""
    return str(row.get("effectiveStartDate") or "")[:10]


def _odd(row: Mapping[str, Any], item: str, region: str) -> RowRefusal | None:
    """What an item is, if it is not what was asked for."""
    if row["currencyCode"] != "USD":
        return RowRefusal.NOT_USD
    if row["armRegionName"] not in ({region, EVERYWHERE} if item == NAT_HOUR else {region}):
        return RowRefusal.OTHER_REGION
    if row["type"] == "Reservation" or row.get("reservationTerm"):
        return RowRefusal.RESERVED
    if row["type"] == "DevTestConsumption":
        return RowRefusal.DEV_TEST
    if row["type"] != CONSUMPTION:
        return RowRefusal.OTHER_PRODUCT
    if item == MACHINE:
        return _odd_machine(row)
    if item == SERVICE_UNIT:
        is_it = (row["serviceName"], row["meterName"]) == (TESTING_SERVICE, TESTING_METER)
        return None if is_it else RowRefusal.OTHER_PRODUCT
    return _odd_gateway(row) if item == NAT_HOUR else _odd_meter(row, item)


def _odd_meter(row: Mapping[str, Any], item: str) -> RowRefusal | None:
    meter, unit = {
        PUBLIC_IPV4: (ADDRESS_METER, HOUR),
        BOOT_DISK: (DISK_METER, MONTH),
        EGRESS: (EGRESS_METER, GIGABYTE),
    }[item]
    # The same meter is sold with traffic that takes the public internet, which nobody gets unasked.
    if row["meterName"] != meter or "Preference: Internet" in row["productName"]:
        return RowRefusal.OTHER_PRODUCT
    return None if row["unitOfMeasure"] == unit else RowRefusal.UNIT


def _odd_machine(row: Mapping[str, Any]) -> RowRefusal | None:
    """The traps are in three names, of which no single one has them all."""
    product, sku, meter = (str(row[name]) for name in ("productName", "skuName", "meterName"))
    names = f"{product}/{sku}/{meter}".lower()
    if row["serviceName"] != MACHINES_SERVICE or "dedicated host" in names:
        return RowRefusal.OTHER_PRODUCT
    if "windows" in names:
        return RowRefusal.WINDOWS
    if product.replace(" ", "").endswith("CloudServices"):
        return RowRefusal.CLOUD_SERVICES
    if "low priority" in names:
        return RowRefusal.LOW_PRIORITY
    if "promo" in f"{names}/{row['armSkuName']}".lower():
        return RowRefusal.PROMOTION
    if row["unitOfMeasure"] != HOUR or row.get("tierMinimumUnits", 0) != 0:
        return RowRefusal.UNIT
    return None if _FOR_LOAD.match(row["armSkuName"]) else RowRefusal.NOT_FOR_LOAD


def _odd_gateway(row: Mapping[str, Any]) -> RowRefusal | None:
    if row["serviceName"] != NAT_SERVICE:
        return RowRefusal.OTHER_PRODUCT
    return None if row["unitOfMeasure"] in {HOUR, GIGABYTE} else RowRefusal.UNIT


def _not_in_force(row: Mapping[str, Any], at: datetime) -> RowRefusal | None:
    if _instant(row["effectiveStartDate"]) > at:
        return RowRefusal.FUTURE
    end = row.get("effectiveEndDate")
    return RowRefusal.EXPIRED if end and _instant(end) <= at else None


def _found(row: Mapping[str, Any], item: str, usd_micros: int) -> Reading:
    """The price, with what decides between it and others of the same thing.

    First the meter of the region itself, then the latest to take effect, then the cheaper one (the
    dearer one has something on top that no name told), then the meter's number.
    """
    preference = (
        "0" if row["armRegionName"] == EVERYWHERE else "1",
        "1" if row.get("isPrimaryMeterRegion", True) else "0",
        _instant(row["effectiveStartDate"]).isoformat(),
        f"{10**15 - usd_micros:016d}",
        str(row["meterId"]),
    )
    if item in {EGRESS, SERVICE_UNIT}:
        from_gb = int(row["tierMinimumUnits"])
        return (ListedPrice(item, usd_micros, from_gb=from_gb, preference=preference),)
    if item == NAT_HOUR:
        kind = NAT_HOUR if row["unitOfMeasure"] == HOUR else NAT_GB
        return (ListedPrice(kind, usd_micros, preference=preference),)
    if item != MACHINE:
        return (ListedPrice(item, usd_micros, preference=preference),)
    kind = SPOT if "spot" in f"{row['skuName']}/{row['meterName']}".lower() else MACHINE
    return (ListedPrice(kind, usd_micros, row["armSkuName"], preference=preference),)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
