"""AWS's Price List: one product's JSON text becomes a price, or the reason why it is none.

A machine type is there dozens of times: by operating system, by tenancy, with databases on top, as
reserved or unused capacity. The filters of ``machine_filters`` ask for one of them; every product
is checked again, since a filter that is misspelt finds everything or nothing.
Shapes: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html and
botocore's model ``pricing/2017-10-15``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pricing.refreshing.price_list_rows import (
    BOOT_DISK,
    EGRESS,
    MACHINE,
    NAT_GB,
    NAT_HOUR,
    PUBLIC_IPV4,
    ListedPrice,
    Reading,
    RowRefusal,
    micros_of,
)

EC2, VPC, TRANSFER = "AmazonEC2", "AmazonVPC", "AWSDataTransfer"
MACHINE_FAMILY = "Compute Instance"
BARE_METAL_FAMILY = "Compute Instance (bare metal)"
IN_USE_ADDRESS = "Hourly charge for In-use Public IPv4 Addresses"

# General purpose, compute, and burstable: those that load injectors are taken from.
_FOR_LOAD = re.compile(r"[cmt]\d")

# What a machine's product must say; the same table asks for it.
_MACHINE_ATTRIBUTES: Sequence[tuple[str, str, RowRefusal]] = (
    ("operatingSystem", "Linux", RowRefusal.NOT_LINUX),
    ("tenancy", "Shared", RowRefusal.DEDICATED),
    ("preInstalledSw", "NA", RowRefusal.SOFTWARE),
    ("capacitystatus", "Used", RowRefusal.CAPACITY),
    ("marketoption", "OnDemand", RowRefusal.RESERVED),
)


class Product(Struct, frozen=True):
    """A product of the price list, opened.

    Attributes:
        family: Its product family.
        sku: Its number.
        attributes: What it says of itself.
        terms: Those by which it is sold on demand.
        published: The day on which the list was published, in ISO form; empty: it does not say.
    """

    family: str
    sku: str
    attributes: Mapping[str, str]
    terms: Sequence[Mapping[str, Any]]
    published: str


def machine_filters(region: str) -> dict[str, str]:
    """What to ask of ``AmazonEC2`` for the machine types of a region, by field."""
    wanted = {name: value for name, value, _ in _MACHINE_ATTRIBUTES}
    return {"regionCode": region, "productFamily": MACHINE_FAMILY, **wanted}


def around_filters(item: str, region: str, location: str) -> tuple[str, dict[str, str]]:
    """The service to ask, and what, for something around a machine in a region.

    Args:
        item: One of ``ITEMS`` that is around a machine.
        region: AWS's code of it.
        location: AWS's name of it for people, by which alone traffic is listed.
    """
    if item == BOOT_DISK:
        disk = {"regionCode": region, "productFamily": "Storage", "volumeApiName": "gp3"}
        return EC2, disk
    if item == PUBLIC_IPV4:
        return VPC, {"regionCode": region, "group": "VPCPublicIPv4Address"}
    if item == EGRESS:
        return TRANSFER, {"transferType": "AWS Outbound", "fromLocation": location}
    assert item in {NAT_HOUR, NAT_GB}, item
    return EC2, {"regionCode": region, "productFamily": "NAT Gateway"}


def open_product(text: str) -> Product | None:
    """The product in a JSON text of the list; None: it is not of the documented shape."""
    try:
        document = json.loads(text)
        product, terms = document["product"], document.get("terms", {})
        return Product(
            family=str(product.get("productFamily", "")),
            sku=str(product["sku"]),
            attributes={name: str(value) for name, value in product["attributes"].items()},
            terms=list(terms.get("OnDemand", {}).values()),
            published=str(document.get("publicationDate", ""))[:10],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_machine(product: Product, region: str, at: datetime) -> Reading:
    """The hourly price of a machine type with Linux on shared hardware, on demand.

    Args:
        product: Of ``AmazonEC2``.
        region: The one that was asked for.
        at: Terms that take effect later do not count.
    """
    attributes = product.attributes
    name = attributes.get("instanceType", "")
    if product.family == BARE_METAL_FAMILY or ".metal" in name:
        return RowRefusal.BARE_METAL
    if product.family != MACHINE_FAMILY or not name:
        return RowRefusal.OTHER_PRODUCT
    elsewhere = _elsewhere(attributes, region)
    if elsewhere is not None:
        return elsewhere
    for attribute, value, reason in _MACHINE_ATTRIBUTES:
        # Lists of before 2023 do not name the market.
        if attributes.get(attribute, value if attribute == "marketoption" else "") != value:
            return reason
    if not _FOR_LOAD.match(name):
        return RowRefusal.NOT_FOR_LOAD
    return _read(product, at, MACHINE, "Hrs", name)


def read_around(product: Product, item: str, region: str, location: str, at: datetime) -> Reading:
    """The price of something around a machine; of egress, one for each tier."""
    attributes = product.attributes
    if item == EGRESS:
        is_it = (
            attributes.get("transferType") == "AWS Outbound"
            and attributes.get("toLocation") == "External"
            and attributes.get("usagetype", "").endswith("DataTransfer-Out-Bytes")
        )
        if attributes.get("fromLocation") != location:
            return RowRefusal.OTHER_REGION
        return _read(product, at, EGRESS, "GB") if is_it else RowRefusal.OTHER_PRODUCT
    elsewhere = _elsewhere(attributes, region)
    if elsewhere is not None:
        return elsewhere
    usage = attributes.get("usagetype", "")
    if item == BOOT_DISK:
        is_it = attributes.get("volumeApiName") == "gp3" and "VolumeUsage.gp3" in usage
        return _read(product, at, item, "GB-Mo") if is_it else RowRefusal.OTHER_PRODUCT
    if item == PUBLIC_IPV4:
        is_it = attributes.get("groupDescription") == IN_USE_ADDRESS
        return _read(product, at, item, "Hrs") if is_it else RowRefusal.OTHER_PRODUCT
    if usage.endswith("NatGateway-Hours"):
        return _read(product, at, NAT_HOUR, "Hrs")
    if usage.endswith("NatGateway-Bytes"):
        return _read(product, at, NAT_GB, "GB")
    return RowRefusal.OTHER_PRODUCT


def read_spot(row: Mapping[str, Any]) -> Reading:
    """One row of EC2's history of spot prices; the newest of a zone is in force."""
    try:
        name, zone = str(row["InstanceType"]), str(row["AvailabilityZone"])
        usd_micros = micros_of(Decimal(str(row["SpotPrice"])))
        since = row["Timestamp"]
        stamp = since.isoformat() if isinstance(since, datetime) else str(since)
        system = str(row["ProductDescription"])
    except (KeyError, ArithmeticError):
        return RowRefusal.MALFORMED
    if not system.startswith("Linux/UNIX"):
        return RowRefusal.NOT_LINUX
    if not _FOR_LOAD.match(name) or ".metal" in name:
        return RowRefusal.NOT_FOR_LOAD
    if usd_micros <= 0:
        return RowRefusal.FREE
    return (ListedPrice("spot", usd_micros, name, zone, preference=(stamp,)),)


def _elsewhere(attributes: Mapping[str, str], region: str) -> RowRefusal | None:
    if attributes.get("locationType", "AWS Region") != "AWS Region":
        return RowRefusal.NOT_IN_A_REGION
    if attributes.get("regionCode") != region:
        return RowRefusal.OTHER_REGION
    return None


def _read(product: Product, at: datetime, item: str, unit: str, name: str = "") -> Reading:
    """The prices of the newest term that is in force; tiers if it has any."""
    if not product.terms:
        return RowRefusal.RESERVED
    try:
        since = {_instant(term["effectiveDate"]): term for term in product.terms}
        in_force = [instant for instant in since if instant <= at]
        if not in_force:
            return RowRefusal.FUTURE
        newest = max(in_force)
        return _prices(since[newest], item, unit, name, (newest.date().isoformat(), product.sku))
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
        return RowRefusal.MALFORMED


def _prices(
    term: Mapping[str, Any], item: str, unit: str, name: str, preference: tuple[str, str]
) -> Reading:
    dimensions = list(term["priceDimensions"].values())
    in_unit = [one for one in dimensions if one["unit"] == unit]
    if not in_unit:
        return RowRefusal.UNIT
    in_usd = [one for one in in_unit if "USD" in one["pricePerUnit"]]
    if not in_usd:
        return RowRefusal.NOT_USD
    if item != EGRESS and len(in_usd) > 1:
        return RowRefusal.MALFORMED
    since, sku = preference
    found = []
    for one in in_usd:
        amount = Decimal(one["pricePerUnit"]["USD"])
        if not amount.is_finite() or amount < 0:
            return RowRefusal.MALFORMED
        if amount > 0:
            usd_micros = micros_of(amount)
            from_gb = int(Decimal(one.get("beginRange", "0"))) if item == EGRESS else 0
            # Of two products of one day the cheaper one: the other has something on top.
            rank = (since, f"{10**15 - usd_micros:016d}", sku)
            found.append(ListedPrice(item, usd_micros, name, "", from_gb, rank))
    return tuple(found) or RowRefusal.FREE


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
