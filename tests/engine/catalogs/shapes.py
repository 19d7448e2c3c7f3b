"""Rows of both price lists, in the shapes in which the clouds answer.

AWS's is that of its public price list and of botocore's example ``to-retrieve-a-list-of-products``;
Azure's that of the reference of the Retail Prices API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LOCATIONS = {"us-east-1": "US East (N. Virginia)", "eu-west-1": "EU (Ireland)"}
PUBLISHED = "2026-11-19T21:04:11Z"


def aws_machine(  # noqa: PLR0913 - one keyword a thing that may be odd about it
    name: str,
    usd: str,
    region: str = "us-east-1",
    *,
    family: str = "Compute Instance",
    sku: str | None = None,
    unit: str = "Hrs",
    currency: str = "USD",
    effective: str = "2026-11-01T00:00:00Z",
    terms: Mapping[str, Any] | None = None,
    **attributes: str,
) -> str:
    """One product of ``AmazonEC2``, as the text that stands in ``PriceList``."""
    sku = sku or f"SKU{name.replace('.', '').upper()}"
    said = {
        "servicecode": "AmazonEC2",
        "location": LOCATIONS.get(region, region),
        "locationType": "AWS Region",
        "instanceType": name,
        "currentGeneration": "Yes",
        "vcpu": "2",
        "memory": "4 GiB",
        "networkPerformance": "Up to 12500 Megabit",
        "tenancy": "Shared",
        "operatingSystem": "Linux",
        "licenseModel": "No License required",
        "usagetype": f"BoxUsage:{name}",
        "operation": "RunInstances",
        "capacitystatus": "Used",
        "preInstalledSw": "NA",
        "marketoption": "OnDemand",
        "regionCode": region,
        **attributes,
    }
    on_demand = aws_term(sku, [("0", "Inf", usd)], unit, currency, effective)
    return aws_product(sku, family, said, {"OnDemand": on_demand} if terms is None else terms)


def aws_term(
    sku: str,
    tiers: list[tuple[str, str, str]],
    unit: str,
    currency: str = "USD",
    effective: str = "2026-11-01T00:00:00Z",
    code: str = "JRTCKXETXF",
) -> dict[str, Any]:
    """``terms.OnDemand`` with one term; a tier is its begin, its end and its price."""
    dimensions = {
        f"{sku}.{code}.RATE{number}": {
            "rateCode": f"{sku}.{code}.RATE{number}",
            "description": f"{usd} per {unit}",
            "unit": unit,
            "beginRange": begin,
            "endRange": end,
            "appliesTo": [],
            "pricePerUnit": {currency: f"{usd}0000" if "." in usd else usd},
        }
        for number, (begin, end, usd) in enumerate(tiers)
    }
    return {
        f"{sku}.{code}": {
            "offerTermCode": code,
            "sku": sku,
            "effectiveDate": effective,
            "priceDimensions": dimensions,
            "termAttributes": {},
        }
    }


def aws_product(
    sku: str, family: str, attributes: Mapping[str, str], terms: Mapping[str, Any]
) -> str:
    """A product's text."""
    return json.dumps(
        {
            "product": {"productFamily": family, "attributes": attributes, "sku": sku},
            "serviceCode": attributes.get("servicecode", "AmazonEC2"),
            "terms": terms,
            "version": "20261119210411",
            "publicationDate": PUBLISHED,
        }
    )


def aws_around(region: str) -> list[str]:
    """A disk, an address in use and an idle one, egress in tiers, and a NAT gateway."""
    location = LOCATIONS.get(region, region)
    place = {"location": location, "locationType": "AWS Region", "regionCode": region}

    def product(
        sku: str, family: str, unit: str, usd: str | list[tuple[str, str, str]], **said: str
    ) -> str:
        tiers = [("0", "Inf", usd)] if isinstance(usd, str) else usd
        return aws_product(sku, family, said, {"OnDemand": aws_term(sku, tiers, unit)})

    return [
        product(
            "GP3",
            "Storage",
            "GB-Mo",
            "0.0810",
            servicecode="AmazonEC2",
            volumeApiName="gp3",
            usagetype="EBS:VolumeUsage.gp3",
            **place,
        ),
        product(
            "IPUSED",
            "",
            "Hrs",
            "0.0050",
            servicecode="AmazonVPC",
            group="VPCPublicIPv4Address",
            groupDescription="Hourly charge for In-use Public IPv4 Addresses",
            usagetype="PublicIPv4:InUseAddress",
            **place,
        ),
        product(
            "IPIDLE",
            "",
            "Hrs",
            "0.0070",
            servicecode="AmazonVPC",
            group="VPCPublicIPv4Address",
            groupDescription="Hourly charge for Idle Public IPv4 Addresses",
            usagetype="PublicIPv4:IdleAddress",
            **place,
        ),
        product(
            "OUT",
            "Data Transfer",
            "GB",
            [
                ("0", "10240", "0.0900"),
                ("10240", "51200", "0.0850"),
                ("51200", "153600", "0.0700"),
                ("153600", "Inf", "0.0500"),
            ],
            servicecode="AWSDataTransfer",
            transferType="AWS Outbound",
            fromLocation=location,
            toLocation="External",
            usagetype="USE1-DataTransfer-Out-Bytes",
        ),
        product(
            "NATHOUR",
            "NAT Gateway",
            "Hrs",
            "0.0480",
            servicecode="AmazonEC2",
            usagetype="NatGateway-Hours",
            operation="NatGateway",
            **place,
        ),
        product(
            "NATBYTES",
            "NAT Gateway",
            "GB",
            "0.0460",
            servicecode="AmazonEC2",
            usagetype="NatGateway-Bytes",
            operation="NatGateway",
            **place,
        ),
    ]


def azure_machine(name: str, usd: float, region: str = "eastus", **said: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    """One item of the Retail Prices API: the price of an hour with Linux."""
    size = name.removeprefix("Standard_").replace("_", " ")
    series = "".join(part for part in name.split("_")[1] if not part.isdigit())
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": usd,
        "unitPrice": usd,
        "armRegionName": region,
        "location": "US East",
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "meterId": f"meter-{name}-{said.get('productName', '')}-{said.get('skuName', '')}",
        "meterName": size,
        "productId": "DZH318Z0BQ4B",
        "skuId": "DZH318Z0BQ4B/00TG",
        "productName": f"Virtual Machines {series} Series",
        "skuName": size,
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": name,
        **said,
    }


def azure_around(region: str) -> list[dict[str, Any]]:
    """A disk, an address, egress in tiers of which one is free, a NAT gateway, users' hours."""

    def item(usd: float, unit: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
        plain = azure_machine("Standard_X", usd, region, unitOfMeasure=unit, armSkuName="")
        return {**plain, **said}

    egress = {
        "serviceName": "Bandwidth",
        "serviceFamily": "Networking",
        "productName": "Rtn Preference: MGN",
        "meterName": "Standard Data Transfer Out",
    }
    return [
        item(
            2.5,
            "1/Month",
            serviceName="Storage",
            serviceFamily="Storage",
            productName="Standard SSD Managed Disks",
            skuName="E4 LRS",
            meterName="E4 LRS Disk",
        ),
        item(
            0.0055,
            "1 Hour",
            serviceName="Virtual Network",
            serviceFamily="Networking",
            productName="IP Addresses",
            skuName="Standard",
            meterName="Standard IPv4 Static Public IP",
        ),
        *(
            item(usd, "1 GB", tierMinimumUnits=from_gb, meterId=f"out-{from_gb}", **egress)
            for from_gb, usd in ((0.0, 0.0), (100.0, 0.088), (10335.0, 0.083), (51295.0, 0.07))
        ),
        item(
            0.01,
            "1 GB",
            **{**egress, "productName": "Bandwidth - Routing Preference: Internet"},
            tierMinimumUnits=100.0,
        ),
        *(
            item(
                usd,
                unit,
                armRegionName="Global",
                serviceName="NAT Gateway",
                serviceFamily="Networking",
                productName="NAT Gateway",
                meterName=meter,
                meterId=meter,
            )
            for usd, unit, meter in (
                (0.047, "1 Hour", "Standard Gateway"),
                (0.049, "1 GB", "Standard Data Processed"),
            )
        ),
        *(
            item(
                usd,
                "1 Hour",
                tierMinimumUnits=from_units,
                serviceName="Azure App Testing",
                serviceFamily="Developer Tools",
                productName="Azure App Testing",
                meterName="JMeter Virtual User Additional Usage",
                meterId=f"hours-{from_units}",
            )
            for from_units, usd in ((0.0, 0.16), (10000.0, 0.07))
        ),
    ]
