"""Every request that goes to Azure, word for word, and what must be allowed for it.

    python tests/providers/test_azure_wire.py

writes ``goldens/azure_requests.json`` anew, to be read before it is committed.
"""

from __future__ import annotations

import base64
import json
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import azure.mgmt.compute.models as compute
import azure.mgmt.network.models as network
import azure.mgmt.resource.resources.models as resources
import pytest

from kernel.clock import ManualClock
from providers.azure.roles import (
    CALLED,
    DEAD_MAN,
    ENTAILED,
    action_of,
    machine_role_definition,
    role_definition,
)
from providers.contract import LaunchSpec
from providers.errors import CapacityUnavailableError
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import azure_provider_in_process
from providers.rehearsal.azure_things import AzurePace
from providers.rehearsal.faults import Fault, FaultKind, WireRequest

GOLDEN = Path(__file__).parent / "goldens" / "azure_requests.json"
DOCS = Path(__file__).parents[2] / "docs"
START = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
IDENTITY = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/identities/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/loadmuster"
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
    return list(arm.world.requests)


def _read_from_the_machines(arm: RehearsedArm, clock: ManualClock) -> None:
    """A launch whose sender was killed, and whose failure another process explains."""
    spec = launch_spec(3, count=4, min_count=4)
    first = azure_provider_in_process(arm, clock, identity_id=IDENTITY)
    first._create(spec)
    with pytest.raises(CapacityUnavailableError):
        azure_provider_in_process(arm, clock, identity_id=IDENTITY).launch(spec)


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


def test_every_body_has_the_shape_of_the_sdks_models(golden: list[dict[str, Any]]) -> None:
    bodies = [one for one in golden if "body" in one]
    assert {action_of(one["method"], one["path"]) for one in bodies} == set(MODELS)
    for one in bodies:
        model = MODELS[action_of(one["method"], one["path"])]
        assert list(unknown_fields(model, one["body"])) == [], one["action"]


def test_a_field_that_the_sdk_does_not_know_would_be_noticed() -> None:
    body = {"properties": {"virtualMachineProfile": {"osProfile": {"customDate": "x"}}}}

    found = list(unknown_fields(compute.VirtualMachineScaleSet, body))

    assert found == ["VirtualMachineScaleSetOSProfile.customDate"]


def test_the_role_allows_what_is_called_and_nothing_that_is_not(
    golden: list[dict[str, Any]],
) -> None:
    called = {action_of(one["method"], one["path"]) for one in golden}

    assert called == set(CALLED)
    assert not set(CALLED) & set(ENTAILED)
    assert set(DEAD_MAN) <= set(CALLED)


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


def unknown_fields(model: type, body: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a body that a model of the SDK does not declare, at any depth."""
    fields = dict(_fields(model))
    for name, value in body.items():
        if name not in fields:
            yield f"{model.__name__}.{name}"
            continue
        inner = _model_in(fields[name])
        values = value if isinstance(value, list) else [value]
        for one in values:
            if inner is not None and isinstance(one, dict) and not _is_mapping(fields[name]):
                yield from unknown_fields(inner, one)


def _fields(model: type) -> Iterator[tuple[str, Any]]:
    """Name on the wire and type of each field."""
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
            yield field._rest_name_input or name, hints[name]


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
