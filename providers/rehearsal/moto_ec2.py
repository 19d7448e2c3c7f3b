"""What moto leaves out of EC2 where machines are made and ended, put right.

moto launches whatever is asked, at once: it takes the first override of a fleet for all machines,
ignores MinCount, capacity, limits and unknown types or images, forgets a launch template's
shutdown behaviour, metadata options and disks, and knows no time between ``pending`` and
``running`` or between ``shutting-down`` and ``terminated``. To find the tags of one machine it goes
through those of all, for each machine that it describes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.amis import Ami
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.fleets import Fleet
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance, Reservation
from moto.ec2.responses import EC2Response
from moto.ec2.utils import convert_tag_spec, parse_user_data, random_fleet_id

from providers.rehearsal.fault_injector import FaultInjector
from providers.rehearsal.pace import Pace
from providers.rehearsal.stock import (
    ARCHITECTURES,
    LaunchOverride,
    Shortfall,
    Stock,
    image_id,
    offered_types,
)

FLEET_TAG = "aws:ec2:fleet-id"


class MachineRoom(EC2Response):
    """moto's EC2, with the making and the ending of machines put right.

    moto makes an object of it for every call; ``bind`` gives them what they share.
    """

    world: ClassVar[FaultInjector]
    pace: ClassVar[Pace]

    def describe_instance_types(self) -> ActionResult:
        """A type that the region does not offer is not described."""
        offered = offered_types(self.region)
        described = cast("dict[str, Any]", super().describe_instance_types().result)
        types = [one for one in described["InstanceTypes"] if one["InstanceType"] in offered]
        return ActionResult({"InstanceTypes": types})

    def describe_instances(self) -> ActionResult:
        """A machine is not described in the first moments of its life."""
        described = cast("dict[str, Any]", super().describe_instances().result)
        for reservation in described["Reservations"]:
            reservation.instances = [
                one for one in reservation.instances if self.pace.is_visible(one)
            ]
        return ActionResult(described)

    def create_fleet(self) -> ActionResult:
        """One synchronous try: offers in the order of their priority, all errors in the answer."""
        if self._get_param("Type") != "instant":
            raise EC2ClientError("InvalidParameterValue", "only instant fleets are rehearsed")
        offers = sorted(self._fleet_offers(), key=lambda offer: offer.priority)
        self.error_on_dryrun()
        target = self._get_param("TargetCapacitySpecification")
        wanted = int(target["TotalTargetCapacity"])
        spot = target["DefaultTargetCapacityType"] == "spot"
        lifecycle = "spot" if spot else "on-demand"
        planned, shortfalls = self._allocate(offers, wanted, spot=spot)
        options = self._get_param("SpotOptions" if spot else "OnDemandOptions", {})
        least = int(options.get("MinTargetCapacity", 0))
        if sum(count for _, count in planned) < least:
            planned = []
        fleet = self._register_fleet(wanted)
        tags = convert_tag_spec(self._get_param("TagSpecifications", []))
        tags.setdefault("instance", {})[FLEET_TAG] = fleet.id
        return ActionResult(
            {
                "FleetId": fleet.id,
                "Instances": [
                    {
                        "LaunchTemplateAndOverrides": offer.shown,
                        "Lifecycle": lifecycle,
                        "InstanceIds": self._launch_for_fleet(
                            fleet.id, offer, count, tags, spot=spot
                        ),
                        "InstanceType": offer.machine_type,
                    }
                    for offer, count in planned
                ],
                "Errors": [
                    {
                        "LaunchTemplateAndOverrides": shortfall.offer.shown,
                        "Lifecycle": lifecycle,
                        "ErrorCode": shortfall.code,
                        "ErrorMessage": shortfall.message,
                    }
                    for shortfall in shortfalls
                ],
            }
        )

    def run_instances(self) -> ActionResult:
        """As many as there are between MinCount and MaxCount, of one type."""
        template = self._template(self._get_param("LaunchTemplate", {}))
        offer = LaunchOverride(
            machine_type=self._get_param("InstanceType") or template.get("InstanceType", ""),
            template=template,
            subnet_id=self._get_param("SubnetId"),
            user_data=self._get_param("UserData"),
        )
        self.error_on_dryrun()
        spot = self._get_param("InstanceMarketOptions", {}).get("MarketType") == "spot"
        wanted = int(self._get_param("MaxCount", 1))
        planned, shortfalls = self._allocate([offer], wanted, spot=spot)
        count = sum(given for _, given in planned)
        if count < int(self._get_param("MinCount", 1)):
            raise EC2ClientError(shortfalls[0].code, shortfalls[0].message)
        tags = convert_tag_spec(self._get_param("TagSpecifications", []))
        return ActionResult(self._launch(offer, count, tags, spot=spot))

    def terminate_instances(self) -> ActionResult:
        """Ending takes its time, and happens once."""
        machine_ids = self._get_param("InstanceIds", [])
        ending = [one for one in self._alive() if one.id in machine_ids]
        answer = super().terminate_instances()
        for instance in ending:
            self.pace.shut_down(instance)
        return answer

    def delete_fleets(self) -> ActionResult:
        """An instant fleet always takes its machines with it; an unknown one is reported."""
        fleets = {one: self.ec2_backend.get_fleet(one) for one in self._get_param("FleetIds", [])}
        for instance in self._alive():
            if fleets.get(instance._fleet_id) is not None:  # noqa: SLF001 - moto offers no other way
                instance.terminate()
                self.pace.shut_down(instance)
        answer: dict[str, list[Any]] = {
            "SuccessfulFleetDeletions": [],
            "UnsuccessfulFleetDeletions": [],
        }
        for fleet_id, fleet in fleets.items():
            if fleet is None:
                error = {
                    "Code": "fleetIdDoesNotExist",
                    "Message": f"The fleet {fleet_id} does not exist",
                }
                answer["UnsuccessfulFleetDeletions"].append({"FleetId": fleet_id, "Error": error})
            else:
                states = {
                    "CurrentFleetState": "deleted_terminating",
                    "PreviousFleetState": fleet.state,
                }
                answer["SuccessfulFleetDeletions"].append({"FleetId": fleet_id, **states})
                fleet.state = "deleted_terminating"
        return ActionResult(answer)

    def _fleet_offers(self) -> list[LaunchOverride]:
        """Every override of every template."""
        offers = []
        for config in self._get_param("LaunchTemplateConfigs", []):
            specification = config["LaunchTemplateSpecification"]
            template = self._template(specification)
            # EC2 does not repeat the user data in its answer.
            user_data = specification.pop("LaunchTemplateSpecificationUserData", None)
            offers += [
                LaunchOverride(
                    machine_type=override.get("InstanceType") or template.get("InstanceType", ""),
                    template=template,
                    subnet_id=override.get("SubnetId"),
                    priority=float(override.get("Priority", "inf")),
                    user_data=user_data,
                    shown={"LaunchTemplateSpecification": specification, "Overrides": override},
                )
                for override in config.get("Overrides") or [{}]
            ]
        return offers

    def _template(self, specification: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a launch template says; nothing if none is named."""
        if not specification:
            return {}
        template = self.ec2_backend._get_template_from_args(specification)  # noqa: SLF001 - moto offers no other way
        data: Mapping[str, Any] = template.data
        return data

    def _launch_for_fleet(
        self,
        fleet_id: str,
        offer: LaunchOverride,
        count: int,
        tags: Mapping[str, dict[str, str]],
        *,
        spot: bool,
    ) -> list[str]:
        """One reservation a machine, so that long lists have pages."""
        reservations = [
            self._launch(offer, 1, tags, fleet_id=fleet_id, spot=spot) for _ in range(count)
        ]
        return [one.instances[0].id for one in reservations]

    def _launch(
        self,
        offer: LaunchOverride,
        count: int,
        tags: Mapping[str, dict[str, str]],
        fleet_id: str | None = None,
        *,
        spot: bool,
    ) -> Reservation:
        """Make the machines as the launch template says; returns moto's reservation."""
        template = offer.template
        self._ensure_image(template["ImageId"])
        reservation: Reservation = self.ec2_backend.run_instances(
            image_id=template["ImageId"],
            count=count,
            user_data=parse_user_data(offer.user_data),
            security_group_names=[],
            security_group_ids=template.get("SecurityGroupIds", []),
            instance_type=offer.machine_type,
            is_instance_type_default=False,
            region_name=self.region,
            placement=None,
            subnet_id=offer.subnet_id,
            fleet_id=fleet_id,
            tags=tags,
            instance_initiated_shutdown_behavior=template.get("InstanceInitiatedShutdownBehavior"),
            instance_market_options={"MarketType": "spot"} if spot else {},
            metadata_options=template.get("MetadataOptions", {}),
            block_device_mappings=template.get("BlockDeviceMappings", []),
        )
        processor = INSTANCE_TYPES[offer.machine_type]["VCpuInfo"]
        for instance in reservation.instances:
            # The serializer shows attributes by name; moto has none for this field.
            cores = {
                "CoreCount": processor["DefaultCores"],
                "ThreadsPerCore": processor["DefaultThreadsPerCore"],
            }
            vars(instance)["cpu_options"] = cores
            for card in instance.nics.values():
                card.add_tags(tags.get("network-interface", {}))
            self.pace.boot(instance, base64.b64decode(offer.user_data or "").decode())
        return reservation

    def _ensure_image(self, image: str) -> None:
        """Let moto know the image; it would take seconds to load all that there are."""
        if image in self.ec2_backend.amis:
            return
        architecture = next(one for one in ARCHITECTURES if image_id(self.region, one) == image)
        self.ec2_backend.amis[image] = Ami(
            self.ec2_backend,
            image,
            architecture=architecture,
            name=f"al2023-ami-{architecture}",
            owner_alias="amazon",
            root_device_name="/dev/xvda",
            root_device_type="ebs",
            virtualization_type="hvm",
            public=True,
        )

    def _register_fleet(self, wanted: int) -> Fleet:
        """A fleet that moto can describe; it launches nothing by itself."""
        fleet = Fleet(
            self.ec2_backend,
            random_fleet_id(),
            on_demand_options=self._get_param("OnDemandOptions", {}),
            spot_options={},
            target_capacity_specification={"TotalTargetCapacity": 0},
            launch_template_configs=[],
            excess_capacity_termination_policy="termination",
            replace_unhealthy_instances=False,
            terminate_instances_with_expiration=False,
            fleet_type="instant",
            valid_from=None,
            valid_until=None,
            tag_specifications=self._get_param("TagSpecifications", []),
        )
        fleet.target_capacity = wanted
        self.ec2_backend.fleets[fleet.id] = fleet
        return fleet

    def _allocate(
        self, offers: Sequence[LaunchOverride], wanted: int, *, spot: bool
    ) -> tuple[list[tuple[LaunchOverride, int]], list[Shortfall]]:
        in_use = [one.instance_type for one in self._alive() if (one.lifecycle == "spot") is spot]
        return Stock(self.region, self.world, in_use, spot=spot).allocate(offers, wanted)

    def _alive(self) -> list[Instance]:
        ended = ("shutting-down", "terminated")
        return [one for one in self.ec2_backend.all_instances() if one.state not in ended]


def bind(world: FaultInjector, pace: Pace) -> type[MachineRoom]:
    """The machine room of one rehearsed AWS."""
    TaggedEC2Resource.get_tags = _own_tags  # type: ignore[assignment]
    return type("BoundMachineRoom", (MachineRoom,), {"world": world, "pace": pace})


def _own_tags(resource: Any) -> list[dict[str, str]]:  # noqa: ANN401 - moto types neither
    """The tags of one resource, looked up by its id."""
    tags: Mapping[str, str] = resource.ec2_backend.tags.get(resource.id, {})
    return [{"key": key, "value": value} for key, value in tags.items()]
