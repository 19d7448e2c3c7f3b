"""The network that machines of AWS are put in: which one, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from msgspec import Struct
from msgspec.structs import replace

from kernel.clock import ManualClock, SystemClock
from kernel.errors import BadInputError
from providers.aws import AwsProvider
from providers.contract import LaunchSpec
from providers.environment import aws_settings
from providers.errors import ConfigurationRejectedError, QuotaExceededError
from providers.rehearsal.aws_cloud import Rehearsal
from providers.rehearsal.faults import Fault, FaultKind
from providers.settings import AwsSettings

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

MakeSpec = Callable[..., LaunchSpec]

REGION = "eu-north-1"
NUMBERS = count(1)


class Vpc(Struct, frozen=True):
    """A network of the user's own, on a rehearsed AWS."""

    session: boto3.Session
    ec2: EC2Client
    rehearsal: Rehearsal
    vpc: str
    cidr: str

    def subnet(self, part: int = 0, prefix: int = 28, zone: str = "a") -> str:
        """A subnet; without more, nothing leads out of it."""
        address = self.cidr.replace(".0.0/16", f".{part}.0/{prefix}")
        made = self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock=address, AvailabilityZone=f"{REGION}{zone}"
        )
        return made["Subnet"]["SubnetId"]

    def route(self, **target: Any) -> None:  # noqa: ANN401 - passed through
        """Where everything goes that is not for the network itself."""
        tables = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        self.ec2.create_route(
            RouteTableId=tables["RouteTables"][0]["RouteTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            **target,
        )

    def open(self, subnet: str) -> str:
        """Lead the subnet out through an internet gateway, with public addresses."""
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.route(GatewayId=gateway)
        self.give_public_addresses(subnet)
        return subnet

    def open_second(self) -> str:
        """Another subnet, beside one that is open already."""
        subnet = self.subnet(part=1, zone="b")
        self.give_public_addresses(subnet)
        return subnet

    def give_public_addresses(self, subnet: str) -> None:
        self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})

    def group(self, **rule: Any) -> str:  # noqa: ANN401 - passed through
        """A security group of the network, with an inbound rule if one is given."""
        name = f"group-{next(NUMBERS)}"
        group = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)
        if rule:
            permission: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **rule}
            self.ec2.authorize_security_group_ingress(
                GroupId=group["GroupId"], IpPermissions=[permission]
            )
        return group["GroupId"]

    def provider(self, *subnets: str, groups: tuple[str, ...] = ()) -> AwsProvider:
        """The provider of somebody who named these."""
        settings = AwsSettings(subnets=subnets, security_groups=groups)
        clock = ManualClock(SystemClock().now())
        return AwsProvider(
            clock,
            session=self.session,
            endpoint_url=self.rehearsal.endpoint_url,
            settings=settings,
        )


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """Shared: reading the description of EC2's interface takes most of a second."""
    return boto3.Session("rehearsal", "rehearsal", botocore_session=botocore.session.Session())


@pytest.fixture
def vpc(rehearsal: Rehearsal, session: boto3.Session) -> Vpc:
    ec2 = session.client("ec2", region_name=REGION, endpoint_url=rehearsal.endpoint_url)
    cidr = f"10.{next(NUMBERS)}.0.0/16"
    made = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    return Vpc(session, ec2, rehearsal, made, cidr)


@pytest.fixture
def spec(make_spec: MakeSpec) -> LaunchSpec:
    return make_spec(region=REGION, machine_types=("c5.large",))


def instances(vpc: Vpc, run_id: str) -> list[Any]:
    answer = vpc.ec2.describe_instances(
        Filters=[{"Name": "tag:loadmuster:run", "Values": [run_id]}]
    )
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def test_machines_are_put_in_the_named_subnets_and_security_groups(
    vpc: Vpc, spec: LaunchSpec
) -> None:
    subnet, group = vpc.open(vpc.subnet()), vpc.group()
    provider = vpc.provider(subnet, groups=(group,))

    provider.check(spec)
    provider.launch(spec)

    found = instances(vpc, spec.run_id)
    assert [one["SubnetId"] for one in found] == [subnet] * 2
    assert [[each["GroupId"] for each in one["SecurityGroups"]] for one in found] == [[group]] * 2


def test_where_fleets_are_forbidden_single_machines_are_put_in_the_named_subnets_too(
    vpc: Vpc, spec: LaunchSpec, rehearsal: Rehearsal
) -> None:
    subnet, group = vpc.open(vpc.subnet()), vpc.group()
    rehearsal.inject(Fault(FaultKind.REFUSAL, "CreateFleet", code="UnauthorizedOperation"))

    vpc.provider(subnet, groups=(group,)).launch(spec)

    found = instances(vpc, spec.run_id)
    assert [one["SubnetId"] for one in found] == [subnet] * 2
    assert [one["SecurityGroups"][0]["GroupId"] for one in found] == [group] * 2


def test_subnets_of_another_region_are_left_out(vpc: Vpc, spec: LaunchSpec) -> None:
    subnet = vpc.open(vpc.subnet())

    vpc.provider("subnet-0123456789abcdef0", subnet).check(spec)
    with pytest.raises(ConfigurationRejectedError, match=r"SUBNETS.*none of .* is in eu-north-1"):
        vpc.provider("subnet-0123456789abcdef0").check(spec)


def test_a_subnet_with_fewer_free_addresses_than_machines_is_refused_in_numbers(
    vpc: Vpc, spec: LaunchSpec
) -> None:
    provider = vpc.provider(vpc.open(vpc.subnet(prefix=28)))

    provider.check(replace(spec, count=11, min_count=11))
    with pytest.raises(QuotaExceededError, match="12 machines wanted, and 11 free addresses") as no:
        provider.check(replace(spec, count=12, min_count=12))

    assert (no.value.facts["limit"], no.value.facts["wanted"]) == (11, 12)


def test_free_addresses_count_over_all_subnets_and_without_those_in_use(
    vpc: Vpc, spec: LaunchSpec
) -> None:
    provider = vpc.provider(vpc.open(vpc.subnet()), vpc.open_second())
    provider.launch(replace(spec, count=3, min_count=3))

    provider.check(replace(spec, count=19, min_count=19))
    with pytest.raises(QuotaExceededError, match="20 machines wanted, and 19 free addresses"):
        provider.check(replace(spec, count=20, min_count=20))


def test_a_subnet_from_which_nothing_leads_out_is_refused(vpc: Vpc, spec: LaunchSpec) -> None:
    subnet = vpc.subnet()

    with pytest.raises(ConfigurationRejectedError, match=f"{subnet} would have no way"):
        vpc.provider(subnet).check(spec)


def test_an_internet_gateway_wants_public_addresses(vpc: Vpc, spec: LaunchSpec) -> None:
    subnet = vpc.open(vpc.subnet())
    private = vpc.subnet(part=1)

    vpc.provider(subnet).check(spec)
    with pytest.raises(ConfigurationRejectedError, match="map-public-ip-on-launch"):
        vpc.provider(private).check(spec)


def test_a_nat_gateway_does_without_public_addresses(vpc: Vpc, spec: LaunchSpec) -> None:
    subnet = vpc.subnet()
    address = vpc.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = vpc.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    vpc.route(NatGatewayId=nat["NatGatewayId"])

    vpc.provider(subnet).check(spec)


@pytest.mark.parametrize(
    "rule",
    [
        {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpRanges": [{"CidrIp": "192.0.2.7/32"}]},
        {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    ],
)
def test_a_security_group_that_lets_somebody_in_is_refused(
    vpc: Vpc, spec: LaunchSpec, rule: dict[str, Any]
) -> None:
    group = vpc.group(**rule)
    provider = vpc.provider(vpc.open(vpc.subnet()), groups=(group,))

    with pytest.raises(ConfigurationRejectedError, match=f"{group} lets .* in"):
        provider.check(spec)


def test_a_default_security_group_that_somebody_opened_is_refused(
    vpc: Vpc, spec: LaunchSpec
) -> None:
    subnet = vpc.open(vpc.subnet())
    (default,) = vpc.ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc.vpc]}]
    )["SecurityGroups"]
    vpc.provider(subnet).check(spec)
    permission: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    permission["IpRanges"] = [{"CidrIp": "198.51.100.0/24"}]
    vpc.ec2.authorize_security_group_ingress(GroupId=default["GroupId"], IpPermissions=[permission])

    with pytest.raises(ConfigurationRejectedError, match=r"198\.51\.100\.0/24"):
        vpc.provider(subnet).check(spec)


def test_a_security_group_that_admits_its_own_members_admits_no_stranger(
    vpc: Vpc, spec: LaunchSpec
) -> None:
    subnet, group, other = vpc.open(vpc.subnet()), vpc.group(), vpc.group()
    member: Any = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9}
    member["UserIdGroupPairs"] = [{"GroupId": group}]
    vpc.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[member])

    vpc.provider(subnet, groups=(group,)).check(spec)
    vpc.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[member])
    with pytest.raises(ConfigurationRejectedError, match=f"{other} lets {group} in"):
        vpc.provider(subnet, groups=(other,)).check(spec)


def test_a_security_group_of_another_network_is_refused(vpc: Vpc, spec: LaunchSpec) -> None:
    subnet = vpc.open(vpc.subnet())
    elsewhere = replace(vpc, vpc=vpc.ec2.create_vpc(CidrBlock="10.250.0.0/16")["Vpc"]["VpcId"])

    with pytest.raises(ConfigurationRejectedError, match="name a group of that network"):
        vpc.provider(subnet, groups=(elsewhere.group(),)).check(spec)
    with pytest.raises(ConfigurationRejectedError, match="none of sg-0123abcd is in"):
        vpc.provider(subnet, groups=("sg-0123abcd",)).check(spec)


def test_subnets_of_two_networks_are_refused(vpc: Vpc, spec: LaunchSpec) -> None:
    other = replace(
        vpc, vpc=vpc.ec2.create_vpc(CidrBlock="10.251.0.0/16")["Vpc"]["VpcId"], cidr="10.251.0.0/16"
    )

    with pytest.raises(ConfigurationRejectedError, match="belong to several networks"):
        vpc.provider(vpc.subnet(), other.subnet()).check(spec)


def test_settings_are_read_from_the_environment_and_empty_ones_are_none() -> None:
    environment = {
        "LOADMUSTER_AWS_BUCKET": "acme-load-tests",
        "LOADMUSTER_AWS_SUBNETS": "subnet-0123abcd, subnet-4567cdef,subnet-0123abcd",
        "LOADMUSTER_AWS_SECURITY_GROUPS": "",
    }

    settings = aws_settings(environment)

    assert settings == AwsSettings("acme-load-tests", ("subnet-0123abcd", "subnet-4567cdef"))
    assert aws_settings({}) == AwsSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOADMUSTER_AWS_BUCKET", "s3://acme"),
        ("LOADMUSTER_AWS_BUCKET", "acme.load.tests"),
        ("LOADMUSTER_AWS_SUBNETS", "subnet-0123abcd sg-0123abcd"),
        ("LOADMUSTER_AWS_SECURITY_GROUPS", "default"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_named_with_what_would_be_right(
    name: str, value: str
) -> None:
    with pytest.raises(BadInputError, match=f"{name}: .* write it like"):
        aws_settings({name: value})
