"""Azure."""

from __future__ import annotations

from engine.clouds.facts import CloudFacts, InternetRule, StartUp
from pricing.catalog import clouds

AZURE = CloudFacts(
    prices=clouds.AZURE,
    # https://github.com/scylladb/scylla-cluster-tests/issues/11381 (540 s) and
    # https://github.com/skypilot-org/skypilot/issues/3697 (215 s for one machine).
    start_up=StartUp(120, 240, 540),
    # What is sent is limited alone, and there is no burst beyond the one figure:
    # https://learn.microsoft.com/azure/virtual-network/virtual-machine-network-throughput
    internet=InternetRule(sustained=False, limits_receiving=False),
    # https://learn.microsoft.com/azure/virtual-machine-scale-sets/instance-mix-overview
    one_image_a_launch=True,
    has_spot=False,
    sdk="azure.mgmt.compute",
    price_list_needs="httpx",
    settings="providers.environment:azure_settings",
    runs="engine.runs.clouds.azure:AzureRuns",
    rehearsal="providers.rehearsal.azure_cloud:CLOUD",
    shares_rehearsal=False,
    price_list="engine.catalogs.azure:azure_price_list",
)
