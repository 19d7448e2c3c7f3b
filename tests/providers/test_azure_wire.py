"""Every request that goes to Azure, word for word, and what must be allowed for it.

    python tests/providers/test_azure_wire.py

writes ``goldens/azure_requests.json`` and ``goldens/azure_blob_requests.json`` anew, to be read
before they are committed.
"""

from __future__ import annotations

import base64
import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any
from urllib.parse import parse_qsl

import azure.mgmt.compute.models as compute
import azure.mgmt.network.models as network
import azure.mgmt.resource.resources.models as resources
import pytest

from kernel.clock import ManualClock
from providers.azure.account import (
    check_allowed,
    check_enabled,
    check_registered,
    find_subscription,
)
from providers.azure.clients import AzureClients
from providers.azure.objects import BlobObjects
from providers.azure.roles import (
    CALLED,
    DEAD_MAN,
    ENTAILED,
    STORED,
    STORED_DATA,
    action_of,
    machine_role_definition,
    role_definition,
)
from providers.azure.storage import check_storage
from providers.contract import LaunchSpec
from providers.errors import CapacityUnavailableError
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import (
    STORAGE_IN_PROCESS,
    azure_provider_in_process,
    connection_in_process,
)
from providers.rehearsal.azure_things import AzurePace
from providers.rehearsal.faults import Fault, FaultKind, WireRequest

GOLDEN = Path(__file__).parent / "goldens" / "azure_requests.json"
BLOB_GOLDEN = GOLDEN.with_name("azure_blob_requests.json")
DOCS = Path(__file__).parents[2] / "docs"
START = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
IDENTITY = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/identities/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/loadmuster"
)
NAMED_SUBNET = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/networks/providers/"
    "Microsoft.Network/virtualNetworks/acme/subnets/injectors"
)
CREATE = "VirtualMachineScaleSets.CreateOrUpdate"
MODELS = {
    "Microsoft.Compute/virtualMachineScaleSets/write": compute.VirtualMachineScaleSet,
    "Microsoft.Compute/virtualMachineScaleSets/delete/action": (
        compute.VirtualMachineScaleSetVMInstanceRequiredIDs
    ),
    "Microsoft.Network/networkSecurityGroups/write": network.NetworkSecurityGroup,
    "Microsoft.Network/virtualNetworks/write": network.VirtualNetwork,
    "Microsoft.Resources/subscriptions/resourceGroups/write": resources.ResourceGroup,
    "Microsoft.Resources/deployments/write": resources.GenericResource,
}


def launch_spec(attempt: int, **changes: Any) -> LaunchSpec:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {
        "run_id": "run-28666bb44e",
        "attempt": attempt,
        "token": f"run-28666bb44e-{attempt}",
        "region": "westeurope",
        "machine_types": ("Standard_D2s_v5", "Standard_F2s_v2"),
        "count": 3,
        "min_count": 2,
        "created_at": START,
        "expires_at": START + timedelta(hours=1),
        "owner": "acme",
        "user_data": "#!/bin/sh\necho load\n",
    }
    return LaunchSpec(**(fields | changes))


def requests_of_two_lives() -> list[WireRequest]:
    """A launch with too few machines, and one with some that failed; each looked at and ended."""
    clock = ManualClock(START)

    def now_s() -> float:
        return clock.now().timestamp()

    def wait_until_gone() -> None:
        while provider.observe(spec.run_id, [spec.region]):
            clock.sleep(1.0)

    pace = AzurePace(boot_s=2.0, shutdown_s=2.0, visible_s=1.0, linger_s=1.0, group_s=1.0)
    arm = RehearsedArm(now_s, pace)
    provider = azure_provider_in_process(arm, clock, identity_id=IDENTITY)
    spec = launch_spec(1, machine_types=("Standard_D2pls_v5",))
    clients = AzureClients(clock, connection_in_process(arm))
    check_enabled(find_subscription(clients))
    check_registered(clients)
    check_allowed(clients)
    provider.check(spec)
    arm.world.add(Fault(FaultKind.LATE_FAILURE, CREATE))
    with pytest.raises(CapacityUnavailableError):
        provider.launch(spec)
    wait_until_gone()
    arm.world.add(Fault(FaultKind.SHORT_CAPACITY, available=1))
    # A second process: it was not told where the operation can be asked about.
    azure_provider_in_process(arm, clock, identity_id=IDENTITY).launch(launch_spec(2))
    provider.observe_all([spec.region])
    provider.release(spec.run_id, [spec.region])
    wait_until_gone()
    _read_from_the_machines(arm, clock)
    asked = list(arm.world.requests)
    _launch_in_a_network_of_the_users_own(arm, clock)
    return [*asked, *arm.world.requests]


def _read_from_the_machines(arm: RehearsedArm, clock: ManualClock) -> None:
    """A launch whose sender was killed, and whose failure another process explains."""
    spec = launch_spec(3, count=4, min_count=4)
    first = azure_provider_in_process(arm, clock, identity_id=IDENTITY)
    first._create(spec)
    with pytest.raises(CapacityUnavailableError):
        azure_provider_in_process(arm, clock, identity_id=IDENTITY).launch(spec)


def _launch_in_a_network_of_the_users_own(arm: RehearsedArm, clock: ManualClock) -> None:
    clients = AzureClients(clock, connection_in_process(arm))
    clients.resources.resource_groups.create_or_update("networks", {"location": "uksouth"})
    subnet = {"name": "injectors", "properties": {"addressPrefix": "10.7.0.0/24"}}
    space = {"addressPrefixes": ["10.7.0.0/16"]}
    body = {"location": "uksouth", "properties": {"addressSpace": space, "subnets": [subnet]}}
    made = network.VirtualNetwork(body)
    clients.network.virtual_networks.begin_create_or_update("networks", "acme", made, polling=False)
    clock.sleep(10.0)
    arm.world.requests.clear()
    subnets = (NAMED_SUBNET,)
    spec = launch_spec(4, run_id="run-in-uksouth", region="uksouth", token="run-in-uksouth-4")  # noqa: S106 - a name
    azure_provider_in_process(arm, clock, identity_id=IDENTITY, subnets=subnets).launch(spec)


def requests_for_blobs() -> list[WireRequest]:
    """All that a run asks of its storage account, from the look before it to its end."""
    clock = ManualClock(START)

    def now_s() -> float:
        return clock.now().timestamp()

    arm = RehearsedArm(now_s, AzurePace())
    clients = AzureClients(clock, connection_in_process(arm))
    objects = BlobObjects(clients, STORAGE_IN_PROCESS, "rehearsal", "loadmuster", now_s)
    check_storage(objects, STORAGE_IN_PROCESS, "7f3a")
    objects.download_url("runs/run-28666bb44e/bundle.tgz", 3_600)
    return list(arm.world.requests)


def blobs_as_golden(requests: list[WireRequest]) -> list[dict[str, Any]]:
    """Each request once, without what is empty."""
    shown: list[dict[str, Any]] = []
    for request in requests:
        parts = {name: value for name, value in request.parameters.items() if value}
        one = {"action": request.action, **parts}
        if one not in shown:
            shown.append(one)
    return shown


def as_golden(requests: list[WireRequest]) -> list[dict[str, Any]]:
    """Each request once, in the order of their first time."""
    shown: list[dict[str, Any]] = []
    for request in requests:
        query = dict(parse_qsl(request.parameters["query"]))
        one: dict[str, Any] = {
            "action": request.action,
            "method": request.parameters["method"],
            "path": request.parameters["path"],
            "api-version": query.pop("api-version"),
        }
        if query:
            one["query"] = query
        if request.parameters["if-none-match"]:
            one["if-none-match"] = request.parameters["if-none-match"]
        if request.parameters["body"]:
            one["body"] = _readable(json.loads(request.parameters["body"]))
        if one not in shown:
            shown.append(one)
    return shown


def _readable(body: dict[str, Any]) -> dict[str, Any]:
    profile = body.get("properties", {}).get("virtualMachineProfile")
    if profile:
        script = base64.b64decode(profile["osProfile"]["customData"]).decode()
        profile["osProfile"]["customData"] = script.splitlines()
    return body


@pytest.fixture(scope="module")
def golden() -> list[dict[str, Any]]:
    """The requests on record."""
    document: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
    return document


def test_every_request_is_the_one_on_record(golden: list[dict[str, Any]]) -> None:
    assert as_golden(requests_of_two_lives()) == golden


def test_every_request_for_a_blob_is_the_one_on_record() -> None:
    assert blobs_as_golden(requests_for_blobs()) == json.loads(BLOB_GOLDEN.read_text())


def test_every_body_has_the_shape_of_the_sdks_models(golden: list[dict[str, Any]]) -> None:
    bodies = [one for one in golden if "body" in one]
    assert {action_of(one["method"], one["path"]) for one in bodies} == set(MODELS)
    for one in bodies:
        model = MODELS[action_of(one["method"], one["path"])]
        assert list(misfits(model, as_sent(one["body"]))) == [], one["action"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            {"location": "x", "properties": {"virtualMachineProfile": {"osProfile": {"a": 1}}}},
            "VirtualMachineScaleSetOSProfile.a",
        ),
        ({"location": "x", "sku": {"capacity": "3"}}, "Sku.capacity: '3'"),
        (
            {"location": "x", "properties": {"orchestrationMode": "Flexibel"}},
            "VirtualMachineScaleSetProperties.orchestrationMode: 'Flexibel'",
        ),
        ({"location": "x", "zones": "1"}, "VirtualMachineScaleSet.zones: '1'"),
        ({"tags": {}}, "VirtualMachineScaleSet.location is missing"),
    ],
    ids=["a name", "a kind", "a word", "a list", "one that is required"],
)
def test_what_the_sdk_does_not_know_would_be_noticed(body: dict[str, Any], found: str) -> None:
    assert list(misfits(compute.VirtualMachineScaleSet, body)) == [found]


def test_a_record_of_a_spent_token_is_an_empty_deployment(golden: list[dict[str, Any]]) -> None:
    """The SDK writes it as any resource, so its shape is held here.

    https://learn.microsoft.com/rest/api/resources/deployments/create-or-update
    """
    records = [one for one in golden if one["action"] == "Deployments.CreateOrUpdate"]

    assert records
    for one in records:
        properties = one["body"]["properties"]
        assert set(one["body"]) == {"properties"}
        assert set(properties) == {"mode", "template"}
        assert properties["mode"] in {"Incremental", "Complete"}
        assert set(properties["template"]) == {"$schema", "contentVersion", "resources"}
        assert properties["template"]["resources"] == []


def test_sizes_are_asked_for_as_the_sdk_would(golden: list[dict[str, Any]]) -> None:
    """They are read as plain JSON, which is quicker; the request is the same."""
    arm = RehearsedArm(START.timestamp, AzurePace())
    clients = AzureClients(ManualClock(START), connection_in_process(arm))

    list(clients.compute.resource_skus.list(filter="location eq 'westeurope'"))

    (asked,) = as_golden(list(arm.world.requests))
    assert asked in golden


def test_the_role_allows_what_is_called_and_nothing_that_is_not(
    golden: list[dict[str, Any]],
) -> None:
    called = {action_of(one["method"], one["path"]) for one in golden}

    assert called == set(CALLED)
    assert not set(CALLED) & set(ENTAILED)
    assert set(DEAD_MAN) <= set(CALLED)


def test_the_role_allows_what_is_asked_of_storage_and_nothing_that_is_not() -> None:
    asked = {request.action for request in requests_for_blobs()}

    assert asked == set(STORED) | set(STORED_DATA)
    assert role_definition()["DataActions"] == sorted(set(STORED_DATA.values()))
    assert set(STORED.values()) <= set(role_definition()["Actions"])


@pytest.mark.parametrize(
    ("file", "role"),
    [
        ("azure-role.json", role_definition()),
        ("azure-machine-role.json", machine_role_definition()),
    ],
)
def test_the_roles_in_the_documentation_are_those_of_the_program(
    file: str, role: dict[str, Any]
) -> None:
    assert json.loads((DOCS / file).read_text()) == role


def as_sent(body: dict[str, Any]) -> dict[str, Any]:
    """A body whose boot script was taken apart for people, put together again."""
    body = json.loads(json.dumps(body))
    profile = body.get("properties", {}).get("virtualMachineProfile")
    if profile:
        script = "\n".join(profile["osProfile"]["customData"])
        profile["osProfile"]["customData"] = base64.b64encode(script.encode()).decode()
    return body


def misfits(model: type, body: Mapping[str, Any]) -> Iterator[str]:
    """Where a body differs from what a model of the SDK declares, at any depth.

    Fields that there are not, values of another kind, words that are not among those published,
    and required fields that are missing.
    """
    fields = dict(_fields(model))
    for name, (hint, is_read_only) in fields.items():
        if name not in body and not is_read_only and type(None) not in typing.get_args(hint):
            yield f"{model.__name__}.{name} is missing"
    for name, value in body.items():
        if name not in fields:
            yield f"{model.__name__}.{name}"
            continue
        hint, _ = fields[name]
        if not _accepts(hint, value):
            yield f"{model.__name__}.{name}: {value!r}"
        inner = _model_in(hint)
        values = value if isinstance(value, list) else [value]
        for one in values:
            if inner is not None and isinstance(one, dict) and not _is_mapping(hint):
                yield from misfits(inner, one)


def _accepts(hint: Any, value: Any) -> bool:  # noqa: ANN401 - a type, and any JSON
    """Whether a value is of a kind that an annotation names."""
    options: Sequence[Any] = typing.get_args(hint) if _is_union(hint) else (hint,)
    words = [one for one in options if isinstance(one, type) and issubclass(one, Enum)]
    if words and isinstance(value, str):
        return any(value in {each.value for each in one} for one in words)
    return any(_is_of(one, value) for one in options)


def _is_of(kind: Any, value: Any) -> bool:  # noqa: ANN401 - a type, and any JSON
    origin = typing.get_origin(kind) or kind
    if origin is typing.Any:
        return True
    if isinstance(origin, type) and origin.__module__.startswith("azure."):
        return isinstance(value, dict)
    # A bool is an int to Python, and not to Azure.
    return type(value) is origin


def _is_union(hint: Any) -> bool:  # noqa: ANN401 - a type, as annotations write it
    return typing.get_origin(hint) in {typing.Union, UnionType}


def _fields(model: type) -> Iterator[tuple[str, Any]]:
    """Name on the wire of each field, its type, and whether only Azure writes it."""
    for cls in model.__mro__:
        declared = {
            name: field for name, field in vars(cls).items() if type(field).__name__ == "_RestField"
        }
        module = {compute.__name__: compute, network.__name__: network}.get(
            cls.__module__.rpartition(".")[0], resources
        )
        names = {"_models": module, "datetime": __import__("datetime")}
        hints = typing.get_type_hints(cls, localns=names) if declared else {}
        for name, field in declared.items():
            is_read_only = field._visibility == ["read"]
            yield field._rest_name_input or name, (hints[name], is_read_only)


def _model_in(hint: Any) -> type | None:  # noqa: ANN401 - a type, as annotations write it
    """The model inside ``Optional[list[Model]]``, if there is one."""
    for one in (hint, *typing.get_args(hint)):
        if isinstance(one, type) and one.__module__.startswith("azure."):
            return one
        if one is not hint:
            found = _model_in(one)
            if found is not None:
                return found
    return None


def _is_mapping(hint: Any) -> bool:  # noqa: ANN401 - a type, as annotations write it
    return any(typing.get_origin(one) is dict for one in (hint, *typing.get_args(hint)))


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(as_golden(requests_of_two_lives()), indent=2) + "\n")
    BLOB_GOLDEN.write_text(json.dumps(blobs_as_golden(requests_for_blobs()), indent=2) + "\n")
