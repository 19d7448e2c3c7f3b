"""What is looked at before any money is spent on Azure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from kernel.clock import ManualClock
from kernel.errors import BadInputError
from pricing.catalog import Catalog
from providers.azure import AzureProvider
from providers.azure.connection import connection_of
from providers.contract import LaunchSpec
from providers.environment import azure_settings
from providers.errors import ConfigurationRejectedError, QuotaExceededError
from providers.rehearsal import azure_stock
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.faults import Fault, FaultKind

MakeSpec = Callable[..., LaunchSpec]
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/identities/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/loadmuster"
)


def test_a_check_only_reads(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.check(make_azure_spec())

    assert [request.action for request in arm.world.requests] == [
        "ResourceSkus.List",
        "Usage.List",
        "Usages.List",
    ]


def test_a_subscription_that_nobody_named_is_asked_for() -> None:
    with pytest.raises(BadInputError, match="AZURE_SUBSCRIPTION_ID is not set"):
        connection_of(azure_settings({}))


def test_a_subscription_is_named_by_its_id() -> None:
    with pytest.raises(BadInputError, match="'load tests' is no subscription's id"):
        connection_of(azure_settings({"AZURE_SUBSCRIPTION_ID": "load tests"}))


def test_settings_name_subscription_storage_and_the_identity_of_machines() -> None:
    settings = azure_settings(
        {
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "LOADMUSTER_AZURE_STORAGE": "acmeloads",
            "LOADMUSTER_AZURE_IDENTITY": IDENTITY,
            "LOADMUSTER_AZURE_IDENTITY_CLIENT_ID": "client",
        }
    )

    connection = connection_of(settings)

    assert settings.wanted_storage() == "https://acmeloads.blob.core.windows.net"
    assert settings.container == "loadmuster"
    assert connection.subscription_id == SUBSCRIPTION
    assert connection.endpoint == "https://management.azure.com"
    assert connection.session is None
    assert (connection.identity_id, connection.identity_client_id) == (IDENTITY, "client")


def test_a_storage_account_may_be_named_by_its_address() -> None:
    named = {"LOADMUSTER_AZURE_STORAGE": "https://acmeloads.blob.core.usgovcloudapi.net/"}

    url = azure_settings(named).wanted_storage()

    assert url == "https://acmeloads.blob.core.usgovcloudapi.net"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOADMUSTER_AZURE_STORAGE", "Acme-Loads"),
        ("LOADMUSTER_AZURE_STORAGE", "http://acmeloads.blob.core.windows.net"),
        ("LOADMUSTER_AZURE_CONTAINER", "load--tests"),
        ("LOADMUSTER_AZURE_CONTAINER", "l" * 40),
        ("LOADMUSTER_AZURE_SUBNETS", "subnet-0a1b2c3d"),
        ("LOADMUSTER_AZURE_IDENTITY", "loadmuster"),
        ("LOADMUSTER_AZURE_ENDPOINT", "http://management.azure.com"),
        ("LOADMUSTER_AZURE_ENDPOINT", "http://127.0.0.1.example.com"),
    ],
)
def test_a_setting_that_is_not_of_its_kind_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadInputError, match=name) as caught:
        azure_settings({name: value})

    assert caught.value.facts == {"setting": name, "value": value}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidAuthenticationToken", "az login"),
        ("AuthorizationFailed", "AuthorizationFailed"),
        ("SubscriptionNotFound", "SubscriptionNotFound"),
    ],
)
def test_who_may_not_look_is_told_so(
    code: str, words: str, azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    arm.world.add(Fault(FaultKind.REFUSAL, "ResourceSkus.List", code=code))

    with pytest.raises(ConfigurationRejectedError, match=words):
        azure.check(make_azure_spec())


def test_a_region_that_does_not_exist_is_named(
    azure: AzureProvider, make_azure_spec: MakeSpec
) -> None:
    with pytest.raises(ConfigurationRejectedError, match="'westeurop' is no region of Azure"):
        azure.check(make_azure_spec(region="westeurop"))


def test_a_size_that_the_region_does_not_offer_is_named(
    azure: AzureProvider, make_azure_spec: MakeSpec
) -> None:
    with pytest.raises(ConfigurationRejectedError, match=r"does not offer .* Standard_Z9"):
        azure.check(make_azure_spec(machine_types=("Standard_D2s_v5", "Standard_Z9")))


def test_a_size_that_is_denied_to_the_subscription_is_named(
    azure: AzureProvider, make_azure_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(region: str) -> list[dict[str, object]]:
        forbidden = {"type": "Location", "values": [region]}
        reason = {"reasonCode": "NotAvailableForSubscription"}
        return [{**sku, "restrictions": [forbidden | reason]} for sku in azure_stock.skus(region)]

    monkeypatch.setattr("providers.rehearsal.azure_routes.skus", denied)

    with pytest.raises(ConfigurationRejectedError, match=r"denies .* Standard_D2s_v5"):
        azure.check(make_azure_spec())


def test_a_regional_quota_below_the_minimum_is_told_in_numbers(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec(count=3))
    arm.world.add(Fault(FaultKind.VCPU_LIMIT, available=12))

    azure.check(make_azure_spec(min_count=3, count=3))
    with pytest.raises(QuotaExceededError) as caught:
        azure.check(make_azure_spec(machine_types=("Standard_D4s_v5",)))

    assert caught.value.facts == {
        "region": "westeurope",
        "quota": "cores",
        "limit": 12,
        "used": 6,
        "wanted": 8,
    }


def test_a_familys_quota_counts_by_itself_and_another_family_helps(
    azure: AzureProvider, make_azure_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usages(*_: object) -> list[dict[str, object]]:
        names = {"cores": 100, "standardDSv5Family": 3, "standardFSv2Family": 4}
        return [
            {"unit": "Count", "limit": limit, "currentValue": 0, "name": {"value": name}}
            for name, limit in names.items()
        ]

    monkeypatch.setattr("providers.rehearsal.azure_routes.machine_usages", usages)

    with pytest.raises(QuotaExceededError) as caught:
        azure.check(make_azure_spec())
    facts = [caught.value.facts[name] for name in ("quota", "limit", "wanted")]
    assert facts == ["standardDSv5Family", 3, 4]
    azure.check(make_azure_spec(machine_types=("Standard_D2s_v5", "Standard_F2s_v2")))


def test_every_machine_takes_a_public_address(
    azure: AzureProvider, make_azure_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_stock, "ADDRESSES_LIMIT", 10)
    azure.launch(make_azure_spec(count=9, min_count=9))

    azure.check(make_azure_spec(count=2, min_count=1))
    with pytest.raises(QuotaExceededError) as caught:
        azure.check(make_azure_spec())

    numbers = [caught.value.facts[name] for name in ("quota", "limit", "used", "wanted")]
    assert numbers == ["PublicIPAddresses", 10, 9, 2]


def test_whatever_is_estimated_on_azure_can_be_rehearsed() -> None:
    catalog = Catalog.bundled()
    regions = set(catalog.regions("azure"))
    assert regions <= azure_stock.REGIONS
    machines = catalog.machine_types("azure").values()
    assert {machine.name for machine in machines} <= azure_stock.offered()
    for machine in machines:
        assert azure_stock.vcpus_of(machine.name) == machine.vcpus
        is_arm = azure_stock.architecture_of(machine.name) == "Arm64"
        assert is_arm == (machine.architecture == "arm64")


@pytest.mark.parametrize(
    "module",
    ["providers.rehearsal.azure_cloud", "providers.rehearsal.azure_server", "providers.cloud_init"],
)
def test_no_sdk_is_imported_before_it_is_needed(module: str) -> None:
    program = f"import sys, {module}; print({{'azure', 'requests', 'moto'}} & set(sys.modules))"

    called = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert called.stdout == "set()\n"


def test_a_clock_that_is_given_is_the_only_one_on_which_waits_pass(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    before = manual_clock.now()

    azure.launch(make_azure_spec())

    # The firewall, the network, and the machines take 3 s each, looked at once a second.
    assert 9.0 <= (manual_clock.now() - before).total_seconds() <= 12.0
    del arm
