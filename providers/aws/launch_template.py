"""The launch template: how a machine of ours is made, whatever run it is for.

Templates are reused: their name is a hash of their content, so that a region has one per image
(there may be 5,000 in a region). What differs from run to run, tags and boot script, goes into
the create call. A machine needs nothing from outside, so it is left in the default security
group, which lets no stranger in, unless other groups are named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from providers.aws.clients import AwsClients
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import RequestLaunchTemplateDataTypeDef

NAME_DIGITS = 16
# A template is never changed, only replaced by another of another name.
VERSION = "1"
BOOT_DISK_GIB = 8
ROOT_DEVICE = "/dev/xvda"
ALREADY_EXISTS = "InvalidLaunchTemplateName.AlreadyExistsException"

# Amazon Linux 2023, the latest, by the architecture that EC2 names for a machine type.
# https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
IMAGE_PARAMETERS: Final = {
    architecture: f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
    for architecture in ("x86_64", "arm64")
}


def latest_image(clients: AwsClients, region: str, architecture: str) -> str:
    """Id of the image that machines of an architecture boot."""
    parameters = clients.client("ssm", region)
    name = IMAGE_PARAMETERS[architecture]
    answer = clients.call("GetParameter", region, lambda: parameters.get_parameter(Name=name))
    image_id: str = answer["Parameter"]["Value"]
    return image_id


def template_data(
    image_id: str, security_groups: Sequence[str] = ()
) -> RequestLaunchTemplateDataTypeDef:
    """A machine whose shutdown is its end, with a disk that goes with it, and IMDSv2 alone."""
    data: RequestLaunchTemplateDataTypeDef = {
        "ImageId": image_id,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
        },
        "BlockDeviceMappings": [
            {
                "DeviceName": ROOT_DEVICE,
                "Ebs": {
                    "VolumeType": "gp3",
                    "VolumeSize": BOOT_DISK_GIB,
                    "DeleteOnTermination": True,
                },
            }
        ],
    }
    if security_groups:
        data["SecurityGroupIds"] = list(security_groups)
    return data


def template_name(data: RequestLaunchTemplateDataTypeDef) -> str:
    """The name that the content gives."""
    content = json.dumps(data, sort_keys=True)
    return f"loadmuster-{hashlib.sha256(content.encode()).hexdigest()[:NAME_DIGITS]}"


def ensure_template(
    clients: AwsClients, region: str, data: RequestLaunchTemplateDataTypeDef
) -> str:
    """The name of the template with that content, made if the region does not have it yet."""
    name = template_name(data)
    client = clients.ec2(region)
    try:
        clients.call(
            "CreateLaunchTemplate",
            region,
            lambda: client.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data),
        )
    except ConfigurationRejectedError as error:
        if error.facts.get("aws_code") != ALREADY_EXISTS:
            raise
    return name
