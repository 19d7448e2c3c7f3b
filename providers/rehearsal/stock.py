"""What a rehearsed region can give: machine types, images, and how many machines there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES
from msgspec import Struct

from providers.rehearsal.fault_injector import FaultInjector

ARCHITECTURES = ("x86_64", "arm64")
IMAGE_DIGITS = 17


def image_id(region: str, architecture: str) -> str:
    """The image that a region has for an architecture."""
    digest = hashlib.sha256(f"{region}/{architecture}".encode()).hexdigest()
    return f"ami-{digest[:IMAGE_DIGITS]}"


def offered_types(region: str) -> set[str]:
    """The machine types that a region has."""
    return {one["InstanceType"] for one in INSTANCE_TYPE_OFFERINGS["region"][region]}


class LaunchOverride(Struct, frozen=True):
    """One way in which a create call may be fulfilled: a launch template and its overrides."""

    machine_type: str
    template: Mapping[str, Any]
    subnet_id: str | None = None
    priority: float = float("inf")
    user_data: str | None = None
    shown: Mapping[str, Any] | None = None


class Shortfall(Struct, frozen=True):
    """Why an offer gave fewer machines than were wanted."""

    offer: LaunchOverride
    code: str
    message: str


class Stock:
    """The machines that a region has left to give.

    Args:
        region: Which one.
        world: Shortages and limits that are wanted.
        in_use: The types of the machines of the market that run there.
        spot: Which market.
    """

    def __init__(
        self, region: str, world: FaultInjector, in_use: Sequence[str], *, spot: bool
    ) -> None:
        self._region = region
        self._world = world
        self._spot = spot
        limit = world.vcpu_limit(spot=spot)
        used = sum(_vcpus(machine_type) for machine_type in in_use)
        self._vcpus_left = None if limit is None else max(0, limit - used)

    def allocate(
        self, offers: Sequence[LaunchOverride], wanted: int
    ) -> tuple[list[tuple[LaunchOverride, int]], list[Shortfall]]:
        """How many machines each offer gives, in order, until there are enough."""
        planned: list[tuple[LaunchOverride, int]] = []
        shortfalls: list[Shortfall] = []
        left, vcpus_left = wanted, self._vcpus_left
        types_left: dict[str, int] = {}
        for offer in offers:
            rejected = self._rejection(offer)
            if rejected is not None:
                shortfalls.append(rejected)
                continue
            vcpus = _vcpus(offer.machine_type)
            short = self._world.shortage(offer.machine_type)
            in_stock = types_left.setdefault(offer.machine_type, short.available if short else left)
            allowed = left if vcpus_left is None else vcpus_left // vcpus
            given = min(left, in_stock, allowed)
            if given:
                planned.append((offer, given))
                left -= given
                types_left[offer.machine_type] -= given
                vcpus_left = None if vcpus_left is None else vcpus_left - given * vcpus
            if not left:
                break
            if allowed < in_stock:
                shortfalls.append(_over_limit(offer, self._world.vcpu_limit(spot=self._spot)))
            else:
                code = short.code if short else "InsufficientInstanceCapacity"
                message = f"We currently do not have sufficient {offer.machine_type} capacity."
                shortfalls.append(Shortfall(offer, code, message))
        return planned, shortfalls

    def _rejection(self, offer: LaunchOverride) -> Shortfall | None:
        """Why an offer could never be fulfilled."""
        if offer.machine_type not in offered_types(self._region):
            message = f"The following supplied instance types do not exist: [{offer.machine_type}]"
            return Shortfall(offer, "InvalidInstanceType", message)
        image = offer.template.get("ImageId", "")
        images = {image_id(self._region, one): one for one in ARCHITECTURES}
        if image not in images:
            message = f"The image id '[{image}]' does not exist"
            return Shortfall(offer, "InvalidAMIID.NotFound", message)
        supported = INSTANCE_TYPES[offer.machine_type]["ProcessorInfo"]["SupportedArchitectures"]
        if images[image] not in supported:
            message = (
                f"The architecture '{', '.join(supported)}' of the specified instance type does "
                f"not match the architecture '{images[image]}' of the specified AMI."
            )
            return Shortfall(offer, "InvalidParameterValue", message)
        return None


def _vcpus(machine_type: str) -> int:
    vcpus: int = INSTANCE_TYPES[machine_type]["VCpuInfo"]["DefaultVCpus"]
    return vcpus


def _over_limit(offer: LaunchOverride, limit: int | None) -> Shortfall:
    message = (
        f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows "
        "for the instance bucket that the specified instance type belongs to."
    )
    return Shortfall(offer, "VcpuLimitExceeded", message)
