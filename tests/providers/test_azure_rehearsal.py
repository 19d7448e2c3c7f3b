"""The rehearsed Azure behaves as the real one does, in this process and as a program."""

from __future__ import annotations

import copy
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from kernel.clock import ManualClock, SystemClock
from providers.azure import AzureProvider
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError, UnknownOutcomeError
from providers.rehearsal import azure_cloud
from providers.rehearsal.azure_account import SUBSCRIPTION, TOKEN
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_cloud import (
    azure_rehearsal_provider,
    is_alive,
    start_rehearsal_server,
)
from providers.rehearsal.azure_reply import ArmReply
from providers.rehearsal.faults import Fault, FaultKind
from providers.rehearsal.program import Rehearsal
from providers.rehearsal.serving import is_process
from tests.patience import PATIENCE_S, until

MakeSpec = Callable[..., LaunchSpec]
BASE = f"/subscriptions/{SUBSCRIPTION}"
OPEN = {"Authorization": f"Bearer {TOKEN}", "Host": "arm.test"}
CREATE = "VirtualMachineScaleSets.CreateOrUpdate"
VERSION = "?api-version=2025-04-01"


def ask(
    arm: RehearsedArm,
    method: str,
    path: str,
    body: object = None,
    *,
    headers: Mapping[str, str] = OPEN,
    query: str = VERSION,
) -> ArmReply:
    sent = b"" if body is None else json.dumps(body).encode()
    return arm.answer(method, f"{path}{query}", headers, sent)


def code(reply: ArmReply) -> tuple[int, str]:
    return reply.status, json.loads(reply.body)["error"]["code"]


def last_put(arm: RehearsedArm) -> tuple[str, dict[str, Any]]:
    """Path and body of the last scale set that was asked for."""
    request = [one for one in arm.world.requests if one.action == CREATE][-1]
    return request.parameters["path"], json.loads(request.parameters["body"])


def machines(arm: RehearsedArm, group_path: str) -> list[dict[str, Any]]:
    reply = ask(arm, "GET", f"{group_path}/providers/Microsoft.Compute/virtualMachines")
    found: list[dict[str, Any]] = json.loads(reply.body)["value"]
    return found


def test_who_has_no_token_is_not_let_in(arm: RehearsedArm) -> None:
    reply = ask(arm, "GET", f"{BASE}/resourcegroups", headers={})

    assert code(reply) == (401, "AuthenticationFailed")


@pytest.mark.parametrize(
    ("path", "query", "answer"),
    [
        (f"{BASE}/resourcegroups", "", (400, "MissingApiVersionParameter")),
        (f"{BASE}/resourcegroups", "?api-version=latest", (400, "InvalidApiVersionParameter")),
        ("/subscriptions/theirs/resourcegroups", VERSION, (404, "SubscriptionNotFound")),
        (f"{BASE}/resourcegroups/none", VERSION, (404, "ResourceGroupNotFound")),
        (f"{BASE}/providers/Microsoft.Quantum/cats", VERSION, (404, "NotFound")),
    ],
)
def test_what_arm_does_not_know_it_refuses_in_its_own_words(
    arm: RehearsedArm, path: str, query: str, answer: tuple[int, str]
) -> None:
    reply = ask(arm, "GET", path, query=query)

    assert code(reply) == answer


@pytest.mark.parametrize(
    ("tags", "refused"),
    [
        ({"loadmuster:run": "x"}, False),
        ({"a/b": "x"}, True),
        ({"a?": "x"}, True),
        ({"a": "x" * 257}, True),
        ({str(number): "x" for number in range(51)}, True),
    ],
    ids=["ours", "slash", "question mark", "long", "many"],
)
def test_tags_are_held_to_azures_rules(
    arm: RehearsedArm, tags: dict[str, str], refused: bool
) -> None:
    body = {"location": "westeurope", "tags": tags}

    reply = ask(arm, "PUT", f"{BASE}/resourcegroups/ours", body)

    assert (reply.status == 400) is refused


def test_the_same_put_again_makes_nothing_new_and_another_is_refused(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    path, body = last_put(arm)
    group = "/".join(path.split("/")[:5])

    assert ask(arm, "PUT", path, body).status == 200
    assert len(machines(arm, group)) == 2
    once = {**OPEN, "If-None-Match": "*"}
    assert code(ask(arm, "PUT", path, body, headers=once)) == (412, "PreconditionFailed")
    changed = {**body, "sku": {**body["sku"], "capacity": 5}}
    assert code(ask(arm, "PUT", path, changed)) == (409, "PropertyChangeNotAllowed")


def test_what_was_accepted_names_an_operation_that_goes_on_and_ends(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    path, _ = last_put(arm)

    reply = ask(arm, "DELETE", path, query="?api-version=2026-04-01&forceDeletion=true")

    assert reply.status == 202
    address = urlsplit(reply.headers["Azure-AsyncOperation"])
    assert (address.netloc, reply.headers["Retry-After"]) == ("arm.test", "1")
    status = [json.loads(ask(arm, "GET", address.path).body)["status"]]
    assert code(ask(arm, "GET", f"{address.path}9")) == (404, "NotFound")
    manual_clock.sleep(5)
    status.append(json.loads(ask(arm, "GET", address.path).body)["status"])
    assert status == ["InProgress", "Succeeded"]
    assert ask(arm, "DELETE", path).status == 204


def test_without_force_machines_take_ten_times_as_long_to_go(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    path, _ = last_put(arm)
    group = "/".join(path.split("/")[:5])

    ask(arm, "DELETE", path)

    manual_clock.sleep(19)
    assert len(machines(arm, group)) == 2
    manual_clock.sleep(2)
    assert machines(arm, group) == []


@pytest.mark.parametrize("part", ["osDisk", "interface", "publicIPAddressConfiguration"])
def test_a_part_that_is_not_told_to_go_stays_until_its_group_goes(
    part: str,
    azure: AzureProvider,
    arm: RehearsedArm,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
) -> None:
    azure.launch(make_azure_spec())
    path, body = last_put(arm)
    path, body = path.replace("lm-", "other-"), copy.deepcopy(body)
    profile = body["properties"]["virtualMachineProfile"]
    (interface,) = profile["networkProfile"]["networkInterfaceConfigurations"]
    (address,) = interface["properties"]["ipConfigurations"]
    owners = {
        "osDisk": profile["storageProfile"]["osDisk"],
        "interface": interface["properties"],
        "publicIPAddressConfiguration": address["properties"]["publicIPAddressConfiguration"][
            "properties"
        ],
    }
    del owners[part]["deleteOption"]
    assert ask(arm, "PUT", path, body).status == 201

    ask(arm, "DELETE", path, query="?api-version=2026-04-01&forceDeletion=true")
    manual_clock.sleep(60)
    ask(arm, "GET", f"{BASE}/resourcegroups")

    left = [one for one in arm._holdings.below(BASE) if one.name.startswith("other-")]
    assert len(left) == 2, "one of each of the two machines"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (lambda body: body["sku"].update(capacity=1_001), (400, "InvalidParameter")),
        (lambda body: body["sku"].update(name="Standard_Z9"), (400, "InvalidParameter")),
        (lambda body: body["properties"].pop("orchestrationMode"), (400, "BadRequest")),
        (
            lambda body: body["properties"].pop("platformFaultDomainCount"),
            (400, "InvalidParameter"),
        ),
        (lambda body: body.update(location="mars"), (400, "LocationNotAvailableForResourceType")),
        (lambda body: body["tags"].update({"a/b": ""}), (400, "InvalidTagNameCharacters")),
        (
            lambda body: body["properties"]["virtualMachineProfile"]["networkProfile"].pop(
                "networkApiVersion"
            ),
            (400, "InvalidParameter"),
        ),
        (
            lambda body: body["properties"]["virtualMachineProfile"]["osProfile"].pop(
                "linuxConfiguration"
            ),
            (400, "InvalidParameter"),
        ),
        (
            lambda body: body["properties"]["virtualMachineProfile"]["storageProfile"][
                "imageReference"
            ].update(sku="server-arm64"),
            (400, "BadRequest"),
        ),
    ],
)
def test_a_scale_set_that_azure_would_refuse_is_refused(
    change: Callable[[dict[str, Any]], object],
    answer: tuple[int, str],
    azure: AzureProvider,
    arm: RehearsedArm,
    make_azure_spec: MakeSpec,
) -> None:
    azure.launch(make_azure_spec())
    path, body = last_put(arm)
    change(body)

    assert code(ask(arm, "PUT", path.replace("lm-", "other-"), body)) == answer


def test_two_that_make_the_same_network_at_once_get_in_each_others_way(
    arm: RehearsedArm, manual_clock: ManualClock
) -> None:
    group = f"{BASE}/resourcegroups/shared"
    ask(arm, "PUT", group, {"location": "westeurope"})
    path = f"{group}/providers/Microsoft.Network/networkSecurityGroups/wall"
    body = {"location": "westeurope", "properties": {}}
    assert ask(arm, "PUT", path, body).status == 201

    reply = ask(arm, "PUT", path, body)

    assert code(reply) == (409, "AnotherOperationInProgress")
    assert reply.headers["Retry-After"] == "1"
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    subnet = {"name": "one", "properties": {"networkSecurityGroup": {"id": path}}}
    net_body = {"location": "westeurope", "properties": {"subnets": [subnet]}}
    assert code(ask(arm, "PUT", network, net_body)) == (409, "ReferencedResourceNotProvisioned")
    manual_clock.sleep(5)
    assert ask(arm, "PUT", path, body).status == 200
    assert ask(arm, "PUT", network, net_body).status == 201


def test_nothing_can_be_made_in_a_group_that_is_going(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    path, body = last_put(arm)
    group = "/".join(path.split("/")[:5])
    ask(arm, "DELETE", group)

    for answer in (
        ask(arm, "PUT", group, {"location": "westeurope"}),
        ask(arm, "PUT", path, body),
        ask(arm, "DELETE", group),
    ):
        assert code(answer) == (409, "ResourceGroupBeingDeleted")


def test_a_machine_is_listed_only_some_time_after_it_was_made(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    path, body = last_put(arm)
    group = "/".join(path.split("/")[:5])
    ask(arm, "PUT", path.replace("lm-", "other-"), body)

    assert len(machines(arm, group)) == 2
    manual_clock.sleep(1.5)
    states = [one["properties"]["provisioningState"] for one in machines(arm, group)]
    assert sorted(states) == ["Creating", "Creating", "Succeeded", "Succeeded"]


# As a program ------------------------------------------------------------------------------------


def test_the_program_of_a_folder_is_found_again_and_ends_when_told(tmp_path: Path) -> None:
    first = start_rehearsal_server(tmp_path, idle_timeout_s=PATIENCE_S)
    assert start_rehearsal_server(tmp_path, idle_timeout_s=PATIENCE_S) == first
    address = json.loads((tmp_path / "azure-cloud.json").read_text())
    assert address == {"endpoint_url": first.endpoint_url, "pid": first.pid}

    first.stop()

    until(lambda: not is_process(first.pid))
    assert not is_alive(first.endpoint_url)
    assert not (tmp_path / "azure-cloud.json").exists()


def test_it_ends_itself_when_nobody_calls(tmp_path: Path) -> None:
    server = start_rehearsal_server(tmp_path, idle_timeout_s=1.0)

    until(lambda: not is_process(server.pid))

    assert "nobody has called" in (tmp_path / "azure-cloud.log").read_text()


def test_faults_and_records_travel_to_the_program_and_back(
    azure_server: Rehearsal, make_azure_spec: MakeSpec
) -> None:
    azure_server.clear()
    provider = azure_rehearsal_provider(azure_server.endpoint_url, SystemClock())
    azure_server.inject(Fault(FaultKind.LOST_REQUEST, "ResourceGroups.Get", times=2))
    azure_server.inject(Fault(FaultKind.REFUSAL, "ResourceSkus.List", code="AuthorizationFailed"))

    with pytest.raises(UnknownOutcomeError):
        provider.observe("run-1", ["westeurope"])
    with pytest.raises(ConfigurationRejectedError, match="AuthorizationFailed"):
        provider.check(make_azure_spec())

    assert len(azure_server.requests("ResourceGroups.Get")) == 2
    azure_server.clear()
    assert azure_server.requests() == []


def test_clients_that_leave_half_way_leave_no_traceback(azure_server: Rehearsal) -> None:
    address = urlsplit(azure_server.endpoint_url)
    head = b"PUT / HTTP/1.1\r\nContent-Length: 100\r\n"
    for sent in (b"", b"PUT / HT", head + b'\r\n{"loc'):
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(sent)

    assert is_alive(azure_server.endpoint_url)
    command = psutil.Process(azure_server.pid).cmdline()
    folder = next(one for one in command if one.startswith("--folder=")).removeprefix("--folder=")
    assert "Traceback" not in (Path(folder) / "azure-cloud.log").read_text()


def test_who_asks_before_it_sends_a_body_is_answered_before_it_does(
    azure_server: Rehearsal,
) -> None:
    """As curl asks before it uploads."""
    address = urlsplit(azure_server.endpoint_url)
    head = "PUT /devstoreaccount1/c/b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as client:
        client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"abc")
        assert client.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_program_that_cannot_start_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_cloud, "PROGRAM", "providers.rehearsal.no_such_program")

    with pytest.raises(ConfigurationRejectedError, match=r"of Azure .*azure-cloud\.log says why"):
        start_rehearsal_server(tmp_path)


def test_a_rehearsal_without_azures_sdk_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(ConfigurationRejectedError, match=r"pip install 'loadmuster\[azure\]'"):
        start_rehearsal_server(tmp_path)


def test_help_says_what_it_is_without_starting_anything() -> None:
    called = subprocess.run(
        [sys.executable, "-m", "providers.rehearsal.azure_cloud", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    for words in ("rehearsed Azure", "--folder", "--boot-s", "--group-s", "--idle-timeout-s"):
        assert words in called.stdout
