"""Real accounts on which the contract of providers can be held, and the most that it may cost."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from kernel.clock import SystemClock
from kernel.errors import RefusedError
from pricing.catalog import Catalog
from pricing.money import format_cents, usd_micros
from providers.aws import AwsProvider
from providers.azure import AzureProvider
from providers.azure.connection import connection_of
from providers.contract import LaunchSpec, Machine, Provider
from providers.environment import aws_settings, azure_settings
from providers.errors import UnknownOutcomeError

MAX_USD = "LOADMUSTER_CLOUD_TEST_MAX_USD"
COUNT_MAX = 2
HOURS_PER_MONTH = 730
AZURE_LOOKS_MAX = 60
"""A quarter of an hour: each look takes a quarter of a minute."""


class PatientAzure(AzureProvider):
    """Asks with the same token until Azure has done what it can, as a controller does."""

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        for _ in range(AZURE_LOOKS_MAX):
            try:
                return super().launch(spec)
            except UnknownOutcomeError:
                continue
        return super().launch(spec)


def aws() -> Provider:
    """The account whose credentials the environment has."""
    return AwsProvider(SystemClock(), settings=aws_settings(os.environ))


def azure() -> Provider:
    """The subscription that the environment names."""
    return PatientAzure(SystemClock(), connection=connection_of(azure_settings(os.environ)))


@dataclass(frozen=True)
class RealCloud:
    """Where and with what the contract is held on a real account.

    Attributes:
        name: As the catalogue has it.
        open: Makes its provider; a function of this module, for other processes too.
        region: The only one.
        machine_types: Two cheap ones, of one kind of processor where images do not mix.
        lifetime: Of a machine, at the most.
        gone_wait_s: How long machines may take to go.
    """

    name: str
    open: Callable[[], Provider]
    region: str
    machine_types: tuple[str, ...]
    lifetime: timedelta
    gone_wait_s: float

    @property
    def program(self) -> str:
        """Python that makes such a provider in another process."""
        return f"from tests.real_clouds import {self.name}\nprovider = {self.name}()\n"


REAL_CLOUDS = {
    "real-AWS": RealCloud(
        "aws", aws, "eu-west-1", ("t4g.nano", "c7g.medium"), timedelta(minutes=10), 300.0
    ),
    "real-Azure": RealCloud(
        "azure",
        azure,
        "westeurope",
        ("Standard_B2ats_v2", "Standard_B2ts_v2"),
        timedelta(minutes=40),
        1_200.0,
    ),
}


@dataclass
class Cap:
    """What launches on a real account may cost together, at the most that they can.

    Attributes:
        cloud: Whose account.
        max_usd_micros: The cap.
        spent_usd_micros: What the launches so far cost at most.
        runs: Those that were let through.
    """

    cloud: RealCloud
    max_usd_micros: int
    spent_usd_micros: int = 0
    runs: set[str] = field(default_factory=set)

    @property
    def machine_usd_micros(self) -> int:
        """One machine of the dearest type for its whole lifetime, with its disk and address."""
        catalog, cloud = Catalog.bundled(), self.cloud
        offered = [catalog.offering(cloud.name, cloud.region, each) for each in cloud.machine_types]
        hourly = (
            max(each.hourly_usd_micros for each in offered)
            + catalog.public_ipv4(cloud.name, cloud.region).usd_micros
            + -(-catalog.boot_disk(cloud.name, cloud.region).usd_micros // HOURS_PER_MONTH)
        )
        return -(-hourly * int(cloud.lifetime.total_seconds()) // 3_600)

    def admit(self, spec: LaunchSpec) -> None:
        """Let a launch through, and count it; refuse what is too big, too long or too dear."""
        strange = set(spec.machine_types) - set(self.cloud.machine_types)
        lifetime = spec.expires_at - spec.created_at
        if strange or spec.count > COUNT_MAX or lifetime > self.cloud.lifetime:
            raise RefusedError(f"not on a real account: {spec}")
        cost = spec.count * self.machine_usd_micros
        if self.spent_usd_micros + cost > self.max_usd_micros:
            raise RefusedError(
                f"{MAX_USD}: {format_cents(self.max_usd_micros)} USD do not suffice: the launches "
                f"so far cost up to {self.spent_usd_micros} micro-dollars, the next {cost} more",
            )
        self.spent_usd_micros += cost
        self.runs.add(spec.run_id)


def cap_of(name: str, usd: str) -> Cap:
    """A cap of so many dollars at the prices of the catalogue."""
    return Cap(REAL_CLOUDS[name], usd_micros(usd, where=MAX_USD))
