"""Whether machines may be launched: EC2 answers dry runs of the very requests, and does nothing.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html, ``DryRun``. Ending
machines cannot be tried without one that carries our tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from kernel.clock import Clock
from providers.aws.clients import AwsClients
from providers.aws.errors import PERMISSION_CODES
from providers.aws.launch_prerequisites import LaunchPrerequisites
from providers.aws.launch_template import latest_image, template_data
from providers.aws.network import find_network
from providers.aws.requests import fleet_request, run_request
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError
from providers.settings import AwsSettings

PROBE = "loadmuster-probe"
PROBED_TYPE = "t3.micro"
ARCHITECTURE = "x86_64"


def not_permitted(
    clients: AwsClients, region: str, settings: AwsSettings, clock: Clock
) -> tuple[str, ...]:
    """The calls of a launch that this account's user may not make.

    Raises:
        ProviderFailedError: There is no network or no image, or AWS does not answer.
    """
    return tuple(
        name
        for name, send in _dry_runs(clients, region, settings, clock).items()
        if not _is_permitted(clients, name, region, send)
    )


def _dry_runs(
    clients: AwsClients, region: str, settings: AwsSettings, clock: Clock
) -> Mapping[str, Callable[[], object]]:
    client, now = clients.ec2(region), clock.now()
    image = latest_image(clients, region, ARCHITECTURE)
    network = find_network(clients, region, settings)
    # The template is not there; RunInstances would say so first, and gets the image instead.
    ground = LaunchPrerequisites({PROBED_TYPE: ARCHITECTURE}, network, {ARCHITECTURE: PROBE}, "")
    spec = LaunchSpec(
        run_id=PROBE,
        attempt=1,
        token=PROBE,
        region=region,
        machine_types=(PROBED_TYPE,),
        count=1,
        min_count=1,
        created_at=now,
        expires_at=now + timedelta(hours=1),
        owner=PROBE,
    )
    run = run_request(spec, ground, PROBED_TYPE, network.subnets[0])
    del run["LaunchTemplate"]
    run["ImageId"], run["DryRun"] = image, True
    fleet = fleet_request(spec, ground)
    fleet["DryRun"] = True
    return {
        "CreateLaunchTemplate": partial(
            client.create_launch_template,
            DryRun=True,
            LaunchTemplateName=PROBE,
            LaunchTemplateData=template_data(image, network.security_groups),
        ),
        "CreateFleet": partial(client.create_fleet, **fleet),
        "RunInstances": partial(client.run_instances, **run),
    }


def _is_permitted(clients: AwsClients, name: str, region: str, send: Callable[[], object]) -> bool:
    """Whether a dry run got past the permissions; one that would work is an error too."""
    try:
        clients.call(name, region, send)
    except ConfigurationRejectedError as error:
        return error.facts.get("aws_code") not in PERMISSION_CODES
    return True
