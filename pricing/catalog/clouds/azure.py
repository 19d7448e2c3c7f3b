"""Prices of Azure."""

from __future__ import annotations

from pricing.catalog.clouds.facts import BillingRule, CloudPrices, PriceSources
from pricing.catalog.clouds.nearest import AZURE_NEAR_AWS

AZURE = CloudPrices(
    name="azure",
    title="Azure",
    default_region="eastus",
    elsewhere=("eastus2", "westus2"),
    nearest=AZURE_NEAR_AWS,
    # Assumed: Microsoft publishes neither quantum nor minimum for its global regions.
    billing=BillingRule(minimum_s=300, step_s=1),
    free_egress_gb=100,
    disk_priced_per="month",
    # The standard SSD tier E4, the smallest that holds Azure's Linux images of 30 GiB.
    boot_disk_gib=32,
    sources=PriceSources(prices="azure-retail-prices", types=None, spot="azure-retail-prices"),
)
