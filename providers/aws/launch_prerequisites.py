"""What a launch stands on in its region: machine types, network, launch templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from providers.aws.boot import boot_script
from providers.aws.clients import AwsClients
from providers.aws.launch_template import (
    IMAGE_PARAMETERS,
    ensure_template,
    latest_image,
    template_data,
)
from providers.aws.network import Network, find_network
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError
from providers.settings import AwsSettings

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeInfoTypeDef


class LaunchPrerequisites(Struct, frozen=True):
    """What a region offers for a launch.

    Attributes:
        architectures: Of each machine type wanted.
        network: Where the machines are put.
        templates: Launch template by architecture.
        boot_script: User data, raw.
    """

    architectures: Mapping[str, str]
    network: Network
    templates: Mapping[str, str]
    boot_script: str


def survey(clients: AwsClients, spec: LaunchSpec, settings: AwsSettings) -> LaunchPrerequisites:
    """Look around, and make the launch templates that are missing; they cost nothing."""
    script = boot_script(spec)
    architectures = {
        name: _architecture(name, info) for name, info in machine_types(clients, spec).items()
    }
    network = find_network(clients, spec.region, settings)
    templates = {
        architecture: ensure_template(
            clients,
            spec.region,
            template_data(
                latest_image(clients, spec.region, architecture), network.security_groups
            ),
        )
        for architecture in dict.fromkeys(architectures[name] for name in spec.machine_types)
    }
    return LaunchPrerequisites(architectures, network, templates, script)


def machine_types(clients: AwsClients, spec: LaunchSpec) -> dict[str, InstanceTypeInfoTypeDef]:
    """What EC2 says of each machine type that is wanted.

    Raises:
        ConfigurationRejectedError: If the region does not offer one of them.
    """
    client = clients.ec2(spec.region)

    def describe() -> dict[str, InstanceTypeInfoTypeDef]:
        pages = client.get_paginator("describe_instance_types").paginate(
            Filters=[{"Name": "instance-type", "Values": list(spec.machine_types)}]
        )
        return {info["InstanceType"]: info for page in pages for info in page["InstanceTypes"]}

    types = clients.call("DescribeInstanceTypes", spec.region, describe)
    missing = [name for name in spec.machine_types if name not in types]
    if missing:
        raise ConfigurationRejectedError(
            f"AWS {spec.region} does not offer the machine type {', '.join(missing)}",
            region=spec.region,
            machine_type=missing[0],
        )
    return types


def _architecture(machine_type: str, info: InstanceTypeInfoTypeDef) -> str:
    """The architecture whose image a machine type boots."""
    supported = info["ProcessorInfo"]["SupportedArchitectures"]
    for architecture in IMAGE_PARAMETERS:
        if architecture in supported:
            return architecture
    raise ConfigurationRejectedError(
        f"{machine_type} runs {', '.join(supported)}; machines need "
        f"{' or '.join(IMAGE_PARAMETERS)}",
        machine_type=machine_type,
    )
