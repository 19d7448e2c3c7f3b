"""The network that machines are in: subnets with room and a way out, and nobody let in.

The default network will do. Other subnets and security groups may be named for all regions in one
list; each region uses those that are its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from kernel.words import counted
from providers.aws.clients import AwsClients
from providers.errors import ConfigurationRejectedError, QuotaExceededError
from providers.settings import AWS_SECURITY_GROUPS, AWS_SUBNETS, AwsSettings

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        FilterTypeDef,
        IpPermissionOutputTypeDef,
        RouteTableTypeDef,
        SecurityGroupTypeDef,
        SubnetTypeDef,
    )

ANYWHERE = "0.0.0.0/0"


class Network(Struct, frozen=True):
    """Where machines of a region are put.

    Attributes:
        subnets: In the order of their zones.
        security_groups: Those that were named; none: the default one of the network.
        named_subnets: The user chose the subnets; otherwise they are the default ones.
    """

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...] = ()
    named_subnets: bool = False


def find_network(clients: AwsClients, region: str, settings: AwsSettings) -> Network:
    """The subnets and security groups that machines in a region are put in.

    Raises:
        ConfigurationRejectedError: There are none, or the subnets are of several networks.
    """
    subnets = _subnets(clients, region, settings)
    vpc = _vpc(region, subnets)
    groups = _security_groups(clients, region, vpc, settings) if settings.security_groups else []
    return Network(
        subnets=tuple(subnet["SubnetId"] for subnet in subnets),
        security_groups=tuple(group["GroupId"] for group in groups),
        named_subnets=bool(settings.subnets),
    )


def check_network(clients: AwsClients, region: str, settings: AwsSettings) -> int:
    """Refuse a network in which machines would have no way out, or visitors.

    Returns:
        How many addresses are free over all subnets.

    Raises:
        ConfigurationRejectedError: A subnet has no way to the internet, or a security group lets
            somebody in, or is not of that network.
    """
    subnets = _subnets(clients, region, settings)
    vpc = _vpc(region, subnets)
    _check_way_out(clients, region, subnets)
    for group in _security_groups(clients, region, vpc, settings):
        _check_nobody_enters(region, vpc, group)
    return sum(subnet["AvailableIpAddressCount"] for subnet in subnets)


def check_addresses(region: str, free: int, wanted: int) -> None:
    """Refuse more machines than the subnets have addresses for.

    Raises:
        QuotaExceededError: With ``quota``, ``limit`` and ``wanted``, in addresses.
    """
    if free < wanted:
        raise QuotaExceededError(
            f"AWS {region}: {counted(wanted, 'machine')} wanted, and {free:,} free "
            f"{'address' if free == 1 else 'addresses'} in the "
            f"subnets; name subnets with more room in {AWS_SUBNETS}, or use another region",
            region=region,
            quota="free addresses",
            limit=free,
            wanted=wanted,
        )


def _vpc(region: str, subnets: Sequence[SubnetTypeDef]) -> str:
    """The one network that all subnets belong to."""
    vpcs = sorted({subnet["VpcId"] for subnet in subnets})
    if len(vpcs) > 1:
        raise ConfigurationRejectedError(
            f"{AWS_SUBNETS}: the subnets in {region} belong to several networks, "
            f"{', '.join(vpcs)}; name subnets of one",
            region=region,
        )
    return vpcs[0]


def _subnets(clients: AwsClients, region: str, settings: AwsSettings) -> list[SubnetTypeDef]:
    """The named subnets that this region has, or the default one of each zone, by zone."""
    client = clients.ec2(region)
    wanted: FilterTypeDef = {"Name": "default-for-az", "Values": ["true"]}
    if settings.subnets:
        wanted = {"Name": "subnet-id", "Values": list(settings.subnets)}
    answer = clients.call(
        "DescribeSubnets", region, lambda: client.describe_subnets(Filters=[wanted])
    )
    if not answer["Subnets"]:
        raise ConfigurationRejectedError(_no_subnet(region, settings), region=region)
    return sorted(answer["Subnets"], key=lambda one: (one["AvailabilityZone"], one["SubnetId"]))


def _no_subnet(region: str, settings: AwsSettings) -> str:
    if settings.subnets:
        return (
            f"{AWS_SUBNETS}: none of {', '.join(settings.subnets)} is in {region}; add a subnet "
            "of that region"
        )
    return (
        f"AWS {region}: there is no default network for machines to be in; make one with "
        f"`aws ec2 create-default-vpc --region {region}`, or name subnets in {AWS_SUBNETS}"
    )


def _check_way_out(clients: AwsClients, region: str, subnets: Sequence[SubnetTypeDef]) -> None:
    """Machines fetch their work and load their target: each subnet needs a way out."""
    unsure = [
        subnet
        for subnet in subnets
        if not (subnet["DefaultForAz"] and subnet["MapPublicIpOnLaunch"])
    ]
    if not unsure:
        return
    client = clients.ec2(region)
    vpcs = sorted({subnet["VpcId"] for subnet in unsure})
    answer = clients.call(
        "DescribeRouteTables",
        region,
        lambda: client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": vpcs}]),
    )
    for subnet in unsure:
        if not _leads_out(subnet, answer["RouteTables"]):
            raise ConfigurationRejectedError(
                f"AWS {region}: machines in {subnet['SubnetId']} would have no way to the "
                "internet; route it through a NAT gateway, or through an internet gateway with "
                f"public addresses (`aws ec2 modify-subnet-attribute --region {region} "
                f"--subnet-id {subnet['SubnetId']} --map-public-ip-on-launch`)",
                region=region,
                subnet=subnet["SubnetId"],
            )


def _leads_out(subnet: SubnetTypeDef, tables: Sequence[RouteTableTypeDef]) -> bool:
    """Whether the default route leads out, for which an internet gateway wants an address."""
    own = [table for table in tables if _is_of(table, {"SubnetId": subnet["SubnetId"]})]
    for table in own or [table for table in tables if _is_of(table, {"Main": True})]:
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") != ANYWHERE or route.get("State") == "blackhole":
                continue
            by_gateway = route.get("GatewayId", "").startswith("igw-")
            return subnet["MapPublicIpOnLaunch"] or not by_gateway
    return False


def _is_of(table: RouteTableTypeDef, association: Mapping[str, object]) -> bool:
    return any(association.items() <= one.items() for one in table["Associations"])


def _security_groups(
    clients: AwsClients, region: str, vpc: str, settings: AwsSettings
) -> list[SecurityGroupTypeDef]:
    """The groups that machines are in: those named that this region has, or the default one."""
    client = clients.ec2(region)
    wanted: list[FilterTypeDef] = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "group-name", "Values": ["default"]},
    ]
    if settings.security_groups:
        wanted = [{"Name": "group-id", "Values": list(settings.security_groups)}]
    answer = clients.call(
        "DescribeSecurityGroups", region, lambda: client.describe_security_groups(Filters=wanted)
    )
    if not answer["SecurityGroups"]:
        raise ConfigurationRejectedError(
            f"{AWS_SECURITY_GROUPS}: none of {', '.join(settings.security_groups)} is in "
            f"{region}; add a group of that region",
            region=region,
        )
    return answer["SecurityGroups"]


def _check_nobody_enters(region: str, vpc: str, group: SecurityGroupTypeDef) -> None:
    """A machine needs nothing from outside: a rule that lets somebody in is a mistake."""
    if group["VpcId"] != vpc:
        raise ConfigurationRejectedError(
            f"{AWS_SECURITY_GROUPS}: {group['GroupId']} belongs to {group['VpcId']}, the subnets "
            f"in {region} to {vpc}; name a group of that network",
            region=region,
            security_group=group["GroupId"],
        )
    let_in = [who for rule in group["IpPermissions"] for who in _let_in(rule, group["GroupId"])]
    if let_in:
        raise ConfigurationRejectedError(
            f"AWS {region}: security group {group['GroupId']} lets {let_in[0]} in, and a load "
            "injector needs nobody; remove its inbound rules, or name a group without any in "
            f"{AWS_SECURITY_GROUPS}",
            region=region,
            security_group=group["GroupId"],
        )


def _let_in(rule: IpPermissionOutputTypeDef, own_group: str) -> list[str]:
    """Whom an inbound rule admits; members of the group itself are no strangers."""
    return [
        *(one["CidrIp"] for one in rule.get("IpRanges", [])),
        *(one["CidrIpv6"] for one in rule.get("Ipv6Ranges", [])),
        *(one["PrefixListId"] for one in rule.get("PrefixListIds", [])),
        *(
            one["GroupId"]
            for one in rule.get("UserIdGroupPairs", [])
            if one["GroupId"] != own_group
        ),
    ]
