"""The network that machines are in: the user's own, or one a region that all runs share.

What is made has a hash of its content for a name, so that it is never changed, only replaced by
another of another name. Nobody is let in, not even from machine to machine: the firewall is the
subnet's in a network of ours, each machine's in one of the user's, which stays as it is. Each
machine goes out by its own public
address, since https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access
ends every other default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from providers.azure.clients import AzureClients
from providers.azure.names import content_name, shared_group
from providers.errors import ConfigurationRejectedError, UnknownOutcomeError
from providers.settings import AZURE_SUBNET_ID, AZURE_SUBNETS

SHARED_TAGS = {"loadmuster:shared": "network"}
# 65,531 addresses for machines: a /16 less the five that Azure keeps.
ADDRESS_PREFIX = "10.64.0.0/16"
SUBNET = "machines"
READY = "Succeeded"
READY_LOOKS = 10
READY_WAIT_S = 1.0


class Network(Struct, frozen=True):
    """Where machines of a region are put.

    Attributes:
        subnet_id: The subnet.
        firewall_id: What keeps visitors from each machine; None: the subnet has it.
    """

    subnet_id: str
    firewall_id: str | None = None


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


def named_subnet(clients: AzureClients, region: str) -> str | None:
    """Id of the first subnet that the user named in a region; None: there a network is made.

    Raises:
        ConfigurationRejectedError: One of those that were named is not there.
    """
    for subnet_id in clients.connection.subnets:
        named = AZURE_SUBNET_ID.fullmatch(subnet_id)
        assert named is not None, "settings name subnets by their ids"
        get = partial(clients.network.virtual_networks.get, named["group"], named["network"])
        is_ours = named["subscription"].lower() == clients.connection.subscription_id.lower()
        network = clients.find("VirtualNetworks.Get", region, get) if is_ours else None
        subnets = (network.properties.subnets or []) if network and network.properties else []
        if network is None or named["subnet"].lower() not in {
            (one.name or "").lower() for one in subnets
        }:
            raise ConfigurationRejectedError(
                f"{AZURE_SUBNETS}: there is no subnet {subnet_id} in this subscription; "
                "`az network vnet subnet list` shows those of a network",
                subnet=subnet_id,
            )
        if network.location == region:
            return subnet_id
    return None


def ensure_network(clients: AzureClients, region: str) -> Network:
    """Where machines of a region are put; what the region does not have yet is made.

    Raises:
        ConfigurationRejectedError: A subnet that was named is not there.
        UnknownOutcomeError: It is being made; ask again.
    """
    named = named_subnet(clients, region)
    group = shared_group(region)
    firewall = content_name("firewall", json.dumps(firewall_body(region), sort_keys=True))
    subscription = f"/subscriptions/{clients.connection.subscription_id}"
    provider = f"{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    firewall_id = f"{provider}/networkSecurityGroups/{firewall}"
    if named is None:
        network = _ensure_ours(clients, region, group, firewall_id)
        return Network(f"{provider}/virtualNetworks/{network}/subnets/{SUBNET}")
    look = partial(clients.network.network_security_groups.get, group, firewall)
    if _state(clients.find("NetworkSecurityGroups.Get", region, look)) != READY:
        _make_firewall(clients, region, group, firewall)
    return Network(named, firewall_id)


def _ensure_ours(clients: AzureClients, region: str, group: str, firewall_id: str) -> str:
    """Name of the network that all runs in a region share."""
    from azure.mgmt.network.models import VirtualNetwork

    body = network_body(region, firewall_id)
    network = content_name("network", json.dumps(body, sort_keys=True))
    networks = clients.network.virtual_networks
    look = partial(networks.get, group, network)
    if _state(clients.find("VirtualNetworks.Get", region, look)) != READY:
        _make_firewall(clients, region, group, firewall_id.rpartition("/")[2])
        clients.call(
            "VirtualNetworks.CreateOrUpdate",
            region,
            lambda: networks.begin_create_or_update(
                group, network, VirtualNetwork(body), polling=False
            ),
        )
        _await_ready(clients, region, look, "VirtualNetworks.Get")
    return network


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
