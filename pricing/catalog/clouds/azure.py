"""Prices of Azure."""

from __future__ import annotations

from pricing.catalog.clouds.facts import BillingRule, CloudPrices, PriceSources

AZURE = CloudPrices(
    name="azure",
    title="Azure",
    default_region="eastus",
    elsewhere=("eastus2", "westus2"),
    places={
        "southafricanorth": "South Africa",
        "eastasia": "Hong Kong",
        "japaneast": "Japan",
        "koreacentral": "Korea",
        "centralindia": "India",
        "southeastasia": "Singapore",
        "australiaeast": "Australia",
        "indonesiacentral": "Indonesia",
        "canadacentral": "Canada",
        "germanywestcentral": "Germany",
        "swedencentral": "Sweden",
        "italynorth": "Italy",
        "northeurope": "Ireland",
        "uksouth": "England",
        "francecentral": "France",
        "uaenorth": "the Gulf",
        "brazilsouth": "Brazil",
        "eastus": "Virginia",
        "northcentralus": "the Midwest of the USA",
        "westus": "California",
        "westus2": "the Northwest of the USA",
        "centralus": "the Midwest of the USA",
        "eastus2": "Virginia",
        "westeurope": "Germany",
    },
    # Assumed: Microsoft publishes neither quantum nor minimum for its global regions.
    billing=BillingRule(minimum_s=300, step_s=1),
    free_egress_gb=100,
    disk_priced_per="month",
    # The standard SSD tier E4, the smallest that holds Azure's Linux images of 30 GiB.
    boot_disk_gib=32,
    sources=PriceSources(prices="azure-retail-prices", types=None, spot="azure-retail-prices"),
)
