"""``loadmuster doctor`` on Azure: what is there, what is missing, what to do; and the role."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from providers.azure.roles import role_definition
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.azure_cloud import Rehearsal, start_rehearsal_server
from providers.rehearsal.faults import Fault, FaultKind
from tests.loadmuster.cli import accounts

if TYPE_CHECKING:
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine

DOCTOR = ("doctor", "--provider", "azure", "--json")
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/identities/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/loadmuster"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    started = start_rehearsal_server(tmp_path_factory.mktemp("azure"), owner_pid=os.getpid())
    yield started
    started.stop()


@pytest.fixture
def on_azure(
    loadmuster: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """The command line of somebody whose Azure is rehearsed."""
    environment = {**accounts.on_azure(server), "LOADMUSTER_AZURE_IDENTITY": IDENTITY}
    accounts.live_in(monkeypatch, environment)
    server.clear()
    yield loadmuster
    server.clear()


def finding(answer: Answer, what: str) -> dict[str, Any]:
    (found,) = [
        each for each in answer.json["findings"] if each["what"] == what and each["of"] == "azure"
    ]
    assert isinstance(found, dict)
    return found


def test_a_ready_subscription_is_ok_in_all_and_nothing_is_left_behind(
    on_azure: CommandLine, server: Rehearsal
) -> None:
    server.inject(Fault(FaultKind.VCPU_LIMIT, available=32))

    answer = on_azure.here(*DOCTOR, "--region", "westeurope")

    assert answer.code == 0, answer.out
    assert {
        each["what"]: each["grade"] for each in answer.json["findings"] if each["of"] == "azure"
    } == dict.fromkeys(
        (
            *("subscription", "clock", "resource providers", "permissions", "storage"),
            *("dead man", "network westeurope", "quota westeurope"),
        ),
        "ok",
    )
    assert finding(answer, "quota westeurope")["said"].startswith("0 of 32 vCPUs in use")
    changed = [
        request.action
        for request in server.requests()
        if request.parameters["method"] in {"PUT", "DELETE"}
    ]
    assert sorted(changed) == [
        *("CreateContainer", "CreateContainer", "DeleteBlob", "DeleteContainer"),
        *("PutBlob", "PutBlob"),
    ]


def test_a_subscription_that_nobody_named_is_a_setting_that_is_missing(
    on_azure: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID")

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 2
    assert "AZURE_SUBSCRIPTION_ID is not set" in finding(answer, "subscription")["said"]
    assert not server.requests()


def test_without_credentials_there_is_no_more_to_look_at(
    on_azure: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 4
    found = finding(answer, "subscription")
    assert found["said"].endswith("no credentials were found")
    assert "az login" in found["remedy"]


def test_a_storage_account_that_nobody_named_is_a_setting_that_is_missing(
    on_azure: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADMUSTER_AZURE_STORAGE")

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 2
    assert "LOADMUSTER_AZURE_STORAGE is not set" in finding(answer, "storage")["said"]


def test_machines_that_nothing_ends_are_said_and_do_not_stop_a_run(
    on_azure: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADMUSTER_AZURE_IDENTITY")

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 0
    assert finding(answer, "dead man")["grade"] == "unknown"
    assert "billed on" in finding(answer, "dead man")["said"]


@pytest.mark.parametrize(
    ("action", "code", "what", "remedy"),
    [
        ("Subscriptions.Get", "AuthorizationFailed", "subscription", "doctor --policy azure"),
        ("Providers.Get", "AuthorizationFailed", "resource providers", "doctor --policy azure"),
        ("PutBlob", "AuthorizationPermissionMismatch", "storage", "doctor --policy azure"),
        ("Usage.List", "MissingSubscriptionRegistration", "quota eastus", "az provider register"),
    ],
)
def test_what_azure_refuses_is_missing_with_what_to_do(
    action: str, code: str, what: str, remedy: str, on_azure: CommandLine, server: Rehearsal
) -> None:
    server.inject(Fault(FaultKind.REFUSAL, action, times=9, code=code))

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 4, answer.out
    found = finding(answer, what)
    assert found["grade"] == "missing"
    assert code in found["said"]
    assert remedy in found["remedy"]


def test_permissions_that_nobody_tells_are_unknown(
    on_azure: CommandLine, server: Rehearsal
) -> None:
    server.inject(Fault(FaultKind.REFUSAL, "Permissions.List", code="AuthorizationFailed"))

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 0, answer.out
    assert finding(answer, "permissions")["grade"] == "unknown"


def test_a_quota_that_is_used_up_is_missing(on_azure: CommandLine, server: Rehearsal) -> None:
    server.inject(Fault(FaultKind.VCPU_LIMIT, available=0))

    answer = on_azure.here(*DOCTOR)

    assert answer.code == 4
    assert finding(answer, "quota eastus")["said"].startswith("0 of 0 vCPUs in use")
    assert "Quotas in the portal" in finding(answer, "quota eastus")["remedy"]


def test_the_role_is_the_documented_one_for_the_subscription_that_was_named(
    on_azure: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    documented = json.loads(Path("docs/azure-role.json").read_text())

    printed = on_azure.here("doctor", "--policy", "azure").json

    assert printed == role_definition(SUBSCRIPTION)
    assert printed == {**documented, "AssignableScopes": [f"/subscriptions/{SUBSCRIPTION}"]}
    assert not server.requests()
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID")
    refused = on_azure.here("doctor", "--policy", "azure")
    assert refused.code == 2
    assert "AZURE_SUBSCRIPTION_ID" in refused.err
