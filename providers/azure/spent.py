"""Tokens that were used up: what remains of a launch when everything else of it is gone.

A scale set's name is its token, so a launch that is sent twice makes one set; but Azure forgets a
name with what it named. So before a set's group goes, an empty deployment is put on record in the
shared group. It creates nothing and costs nothing, and Azure itself drops the oldest records:
https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-history-deletions
"""

from __future__ import annotations

from providers.azure.clients import AzureClients
from providers.azure.names import shared_group, spent_record_name
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError

API_VERSION = "2022-09-01"
EMPTY_DEPLOYMENT = {
    "properties": {
        "mode": "Incremental",
        "template": {
            "$schema": (
                "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
            ),
            "contentVersion": "1.0.0.0",
            "resources": [],
        },
    }
}


def record_spent(clients: AzureClients, region: str, scale_set: str) -> None:
    """Put on record that a scale set has been, and must not be again."""
    record_id = _record_id(clients, region, scale_set)
    clients.call(
        "Deployments.CreateOrUpdate",
        region,
        lambda: clients.resources.resources.begin_create_or_update_by_id(
            record_id, EMPTY_DEPLOYMENT, api_version=API_VERSION, polling=False
        ),
    )


def is_spent(clients: AzureClients, region: str, scale_set: str) -> bool:
    """Whether a scale set of that name has been and gone."""
    record_id = _record_id(clients, region, scale_set)
    found = clients.find(
        "Deployments.Get",
        region,
        lambda: clients.resources.resources.get_by_id(record_id, api_version=API_VERSION),
    )
    return found is not None


def spent_error(spec: LaunchSpec) -> ConfigurationRejectedError:
    """The error for a token that can launch nothing any more."""
    return ConfigurationRejectedError(
        f"Azure {spec.region}: the machines of run {spec.run_id}, attempt {spec.attempt}, "
        "are gone; a new attempt needs a new token",
        run=spec.run_id,
        attempt=spec.attempt,
    )


def _record_id(clients: AzureClients, region: str, scale_set: str) -> str:
    return (
        f"/subscriptions/{clients.connection.subscription_id}"
        f"/resourceGroups/{shared_group(region)}"
        f"/providers/Microsoft.Resources/deployments/{spent_record_name(scale_set)}"
    )
