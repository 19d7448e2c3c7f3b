"""Subnets that the user names on Azure: used, kept as they are, and nobody let in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.mgmt.network.models import VirtualNetwork

from kernel.clock import ManualClock
from providers.azure.clients import AzureClients
from providers.contract import LaunchSpec
from providers.environment import azure_settings
from providers.errors import ConfigurationRejectedError
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import azure_provider_in_process, connection_in_process

MakeSpec = Callable[..., LaunchSpec]
CREATE = "VirtualMachineScaleSets.CreateOrUpdate"
NETWORK = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/networks/providers/Microsoft.Network/"
    "virtualNetworks/acme"
)
SUBNET = f"{NETWORK}/subnets/injectors"


@pytest.fixture
def own_network(arm: RehearsedArm, manual_clock: ManualClock) -> None:
    """A network of the user's own in westeurope, with one subnet and no firewall."""
    clients = AzureClients(manual_clock, connection_in_process(arm))
    clients.resources.resource_groups.create_or_update("networks", {"location": "westeurope"})
    properties = {
        "addressSpace": {"addressPrefixes": ["10.7.0.0/16"]},
        "subnets": [{"name": "injectors", "properties": {"addressPrefix": "10.7.0.0/24"}}],
    }
    body = VirtualNetwork({"location": "westeurope", "properties": properties})
    networks = clients.network.virtual_networks
    networks.begin_create_or_update("networks", "acme", body, polling=False)
    manual_clock.sleep(10.0)
    arm.world.requests.clear()


def interface_sent(arm: RehearsedArm) -> dict[str, Any]:
    """The interface of the machines of the only launch."""
    (request,) = [each for each in arm.world.requests if each.action == CREATE]
    profile = json.loads(request.parameters["body"])["properties"]["virtualMachineProfile"]
    (interface,) = profile["networkProfile"]["networkInterfaceConfigurations"]
    properties: dict[str, Any] = interface["properties"]
    return properties


def subnet_of(interface: dict[str, Any]) -> str:
    (address,) = interface["ipConfigurations"]
    subnet_id: str = address["properties"]["subnet"]["id"]
    return subnet_id


@pytest.mark.usefixtures("own_network")
def test_machines_are_in_the_named_subnet_each_behind_a_firewall_of_its_own(
    arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure = azure_provider_in_process(arm, manual_clock, subnets=(SUBNET.upper(), SUBNET))

    azure.launch(make_azure_spec())

    interface = interface_sent(arm)
    assert subnet_of(interface) == SUBNET.upper()
    firewall_id = interface["networkSecurityGroup"]["id"]
    (made,) = [one for one in arm.world.requests if one.action == "NetworkSecurityGroups.Get"][-1:]
    assert firewall_id.endswith(made.parameters["path"].rpartition("/")[2])
    changed = {one.action for one in arm.world.requests if one.parameters["method"] == "PUT"}
    assert "VirtualNetworks.CreateOrUpdate" not in changed, "the user's network stays as it is"


@pytest.mark.usefixtures("own_network")
def test_a_second_launch_finds_the_firewall_of_the_first(
    arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure = azure_provider_in_process(arm, manual_clock, subnets=(SUBNET,))
    azure.launch(make_azure_spec())
    arm.world.requests.clear()

    azure.launch(make_azure_spec())

    changed = [one.action for one in arm.world.requests if one.parameters["method"] == "PUT"]
    assert changed == ["ResourceGroups.CreateOrUpdate", CREATE]


@pytest.mark.usefixtures("own_network")
def test_a_region_without_a_named_subnet_has_the_network_that_is_made(
    arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure = azure_provider_in_process(arm, manual_clock, subnets=(SUBNET,))

    azure.launch(make_azure_spec(region="northeurope"))

    interface = interface_sent(arm)
    assert "loadmuster-shared-northeurope" in subnet_of(interface)
    assert "networkSecurityGroup" not in interface, "the subnet has it"


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize(
    "subnet_id",
    [
        f"{NETWORK}/subnets/elsewhere",
        SUBNET.replace("/acme/", "/umbrella/"),
        SUBNET.replace(SUBSCRIPTION, SUBSCRIPTION.replace("0", "1")),
    ],
    ids=["subnet", "network", "subscription"],
)
def test_a_subnet_that_is_not_there_is_refused_before_anything_is_made(
    subnet_id: str, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure = azure_provider_in_process(arm, manual_clock, subnets=(subnet_id,))

    for act in (azure.check, azure.launch):
        with pytest.raises(ConfigurationRejectedError, match="LOADMUSTER_AZURE_SUBNETS") as caught:
            act(make_azure_spec())
        assert caught.value.facts["subnet"] == subnet_id
    assert not [one for one in arm.world.requests if one.parameters["method"] == "PUT"]


def test_settings_list_subnets_each_once() -> None:
    named = {"LOADMUSTER_AZURE_SUBNETS": f"{SUBNET}, {SUBNET},{NETWORK}/subnets/other"}

    assert azure_settings(named).subnets == (SUBNET, f"{NETWORK}/subnets/other")
