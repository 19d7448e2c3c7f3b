"""The network that machines are in: one in each region, shared by all runs, made when missing.

Its name is a hash of its content, so that it is never changed, only replaced by another of another
name. Nobody is let in, not even from machine to machine; each machine goes out by its own public
address, since https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access
ends every other default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from providers.azure.clients import AzureClients
from providers.azure.names import content_name, shared_group
from providers.errors import UnknownOutcomeError

SHARED_TAGS = {"loadmuster:shared": "network"}
# 65,531 addresses for machines: a /16 less the five that Azure keeps.
ADDRESS_PREFIX = "10.64.0.0/16"
SUBNET = "machines"
READY = "Succeeded"
READY_LOOKS = 10
READY_WAIT_S = 1.0


def firewall_body(region: str) -> dict[str, Any]:
    """Lets nobody in, which Azure's own rules would do for other machines of the network."""
    return {
        "location": region,
        "tags": dict(SHARED_TAGS),
        "properties": {
            "securityRules": [
                {
                    "name": "nobody-comes-in",
                    "properties": {
                        "access": "Deny",
                        "direction": "Inbound",
                        "priority": 100,
                        "protocol": "*",
                        "sourceAddressPrefix": "*",
                        "sourcePortRange": "*",
                        "destinationAddressPrefix": "*",
                        "destinationPortRange": "*",
                    },
                }
            ]
        },
    }


def network_body(region: str, firewall_id: str) -> dict[str, Any]:
    """One subnet behind the firewall."""
    return {
        "location": region,
        "tags": dict(SHARED_TAGS),
        "properties": {
            "addressSpace": {"addressPrefixes": [ADDRESS_PREFIX]},
            "subnets": [
                {
                    "name": SUBNET,
                    "properties": {
                        "addressPrefix": ADDRESS_PREFIX,
                        "defaultOutboundAccess": False,
                        "networkSecurityGroup": {"id": firewall_id},
                    },
                }
            ],
        },
    }


def ensure_network(clients: AzureClients, region: str) -> str:
    """Id of the subnet for machines, made if the region does not have it yet.

    Raises:
        UnknownOutcomeError: It is being made; ask again.
    """
    from azure.mgmt.network.models import VirtualNetwork

    group = shared_group(region)
    firewall = content_name("firewall", json.dumps(firewall_body(region), sort_keys=True))
    subscription = f"/subscriptions/{clients.connection.subscription_id}"
    provider = f"{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    body = network_body(region, f"{provider}/networkSecurityGroups/{firewall}")
    network = content_name("network", json.dumps(body, sort_keys=True))
    networks = clients.network.virtual_networks
    look = partial(networks.get, group, network)
    if _state(clients.find("VirtualNetworks.Get", region, look)) != READY:
        _make_firewall(clients, region, group, firewall)
        clients.call(
            "VirtualNetworks.CreateOrUpdate",
            region,
            lambda: networks.begin_create_or_update(
                group, network, VirtualNetwork(body), polling=False
            ),
        )
        _await_ready(clients, region, look, "VirtualNetworks.Get")
    return f"{provider}/virtualNetworks/{network}/subnets/{SUBNET}"


def _make_firewall(clients: AzureClients, region: str, group: str, name: str) -> None:
    from azure.mgmt.network.models import NetworkSecurityGroup

    firewalls = clients.network.network_security_groups
    clients.call(
        "ResourceGroups.CreateOrUpdate",
        region,
        lambda: clients.resources.resource_groups.create_or_update(
            group, {"location": region, "tags": SHARED_TAGS}
        ),
    )
    clients.call(
        "NetworkSecurityGroups.CreateOrUpdate",
        region,
        lambda: firewalls.begin_create_or_update(
            group, name, NetworkSecurityGroup(firewall_body(region)), polling=False
        ),
    )
    look = partial(firewalls.get, group, name)
    _await_ready(clients, region, look, "NetworkSecurityGroups.Get")


def _await_ready(
    clients: AzureClients, region: str, look: Callable[[], Any], operation: str
) -> None:
    for _ in range(READY_LOOKS):
        if _state(clients.find(operation, region, look)) == READY:
            return
        clients.clock.sleep(READY_WAIT_S)
    raise UnknownOutcomeError(
        f"Azure {region}: {operation}: the network for machines is still being made; ask again",
        region=region,
        operation=operation,
    )


def _state(resource: Any) -> str | None:  # noqa: ANN401 - a network or a firewall
    return None if resource is None else resource.properties.provisioning_state
