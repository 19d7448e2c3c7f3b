"""``run --provider azure`` for real: settings lead to a rehearsed Azure, and so do credentials.

The program signs in as a managed identity does, where the environment says who gives tokens.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kernel.clock import SystemClock
from providers.azure.roles import CALLED, STORED, STORED_DATA, action_of
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.azure_blobs import ACCOUNT
from providers.rehearsal.azure_cloud import (
    Rehearsal,
    azure_rehearsal_provider,
    start_rehearsal_server,
)
from providers.rehearsal.faults import Fault, FaultKind
from tests.loadmuster.cli.accounts import Account, live_in, on_azure
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

REGION = "eastus"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed Azure whose machines run what they boot."""
    started = start_rehearsal_server(
        tmp_path_factory.mktemp("azure"),
        boot_s=0.2,
        shutdown_s=0.2,
        group_s=0.2,
        owner_pid=os.getpid(),
    )
    yield started
    started.stop()


class AzureAccount(Account):
    """Also tells what was asked of the rehearsed Azure, and what is left there."""

    def called(self) -> set[str]:
        """What the role must allow for the calls so far: actions, and calls to storage by name."""
        return {
            one.action
            if one.service == "blob"
            else action_of(one.parameters["method"], one.parameters["path"])
            for one in self.server.requests()
        }

    def left(self) -> list[str]:
        """What is left in the subscription and in its storage: machines and containers."""
        provider = azure_rehearsal_provider(self.server.endpoint_url, SystemClock())
        machines = [one.machine_id for one in provider.observe_all([REGION])]
        inboxes = {one.parameters["path"] for one in self.server.requests("CreateContainer")}
        deleted = {one.parameters["path"] for one in self.server.requests("DeleteContainer")}
        return [*machines, *(path for path in inboxes - deleted if "-in-" in path)]


@pytest.fixture
def acme_on_azure(
    acme: CommandLine, server: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AzureAccount]:
    live_in(monkeypatch, on_azure(server))
    server.clear()
    yield AzureAccount(acme, server, "azure", "ResourceGroups.CreateOrUpdate")
    server.clear()


@pytest.mark.early
def test_a_real_run_puts_its_load_on_bills_it_and_leaves_nothing(
    acme_on_azure: AzureAccount, shop: str
) -> None:
    answer = acme_on_azure.run(shop, "--request-id", "build-7")

    assert answer.code == 0, answer.err
    run = answer.json
    assert (run["outcome"], run["rehearsal"]) == ("completed", False)
    assert run["result"]["valid"], run["result"]["invalid_reasons"]
    assert run["result"]["peak_users"] == 10
    assert run["bill"]["usd"] == run["quote"]["usd"]
    assert [machine["state"] for machine in run["machines"]] == ["gone"]
    assert acme_on_azure.left() == []
    assert "rehears" not in answer.err
    assert acme_on_azure.called() <= {*CALLED, *STORED, *STORED_DATA}

    acme_on_azure.server.inject(Fault(FaultKind.VCPU_LIMIT, available=0))
    again = acme_on_azure.run(shop, "--request-id", "build-7")
    assert again.json == run, "a request is answered even if its cloud would refuse it by now"


@pytest.mark.promise("cancel-releases-at-any-moment", command="cancel", provider="azure")
@pytest.mark.long
def test_a_run_that_is_cancelled_half_way_is_released_and_costs_its_start_up_only(
    acme_on_azure: AzureAccount, shop: str
) -> None:
    process = acme_on_azure.start(shop, "2m")
    run_id = acme_on_azure.until("running", process)
    os.killpg(process.pid, signal.SIGINT)

    out, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130, err
    run = json.loads(out)
    assert (run["id"], run["outcome"]) == (run_id, "cancelled")
    assert run["bill"]["corrected"]
    assert acme_on_azure.left() == []


@pytest.mark.promise("killed-controller-is-succeeded", command="reap", provider="azure")
@pytest.mark.long
def test_a_run_whose_controller_was_killed_is_ended_by_the_reaper_of_another_database(
    acme_on_azure: AzureAccount, shop: str
) -> None:
    process = acme_on_azure.start(shop, "10m")
    run_id = acme_on_azure.until("starting", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    elsewhere = ("--db", f"sqlite:///{acme_on_azure.line.home / 'other.db'}", "--json")
    place = ("reap", "--provider", "azure", "--region", REGION, "--older-than", "0s")

    listed = acme_on_azure.here(*place, *elsewhere)
    ended = acme_on_azure.here(*place, "--yes", *elsewhere)

    assert (listed.code, ended.code) == (0, 0), listed.err + ended.err
    (orphan,) = listed.json["orphans"]
    assert (orphan["run"], orphan["provider"], orphan["why"]) == (run_id, "azure", "unknown")
    provider = azure_rehearsal_provider(acme_on_azure.server.endpoint_url, SystemClock())
    assert provider.observe_all([REGION]) == ()
    cancelled = acme_on_azure.line("--json", "cancel", run_id)
    assert cancelled.json["outcome"] == "cancelled", cancelled.err


@pytest.mark.long
def test_whoever_names_another_subscription_does_not_take_a_run_for_gone(
    acme_on_azure: AzureAccount, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = acme_on_azure.start(shop, "10m")
    run_id = acme_on_azure.until("starting", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    other = SUBSCRIPTION.replace("0", "1")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("AZURE_SUBSCRIPTION_ID", other)
        answer = acme_on_azure.line("--json", "cancel", run_id)
    assert answer.code == 4
    assert answer.json["error"]["host"] == SUBSCRIPTION

    ended = acme_on_azure.line("--json", "cancel", run_id)
    assert ended.json["outcome"] == "cancelled", ended.err
    assert acme_on_azure.left() == []


@pytest.mark.parametrize("setting", ["AZURE_SUBSCRIPTION_ID", "LOADMUSTER_AZURE_STORAGE"])
def test_a_setting_that_is_missing_is_named_and_nothing_is_asked_of_azure(
    setting: str, acme_on_azure: AzureAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(setting)

    error = acme_on_azure.refused(2)

    assert error["setting"] == setting
    assert not acme_on_azure.server.requests()


@pytest.mark.promise("provider-checked-before-charge", command="run", provider="azure")
def test_without_credentials_a_run_is_refused_with_how_to_set_them(
    acme_on_azure: AzureAccount, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")

    error = acme_on_azure.refused(4, "--set", f"TARGET={shop}")

    assert error["message"].endswith(
        "no credentials were found; run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
        "AZURE_CLIENT_SECRET"
    )
    answer = acme_on_azure.run(shop)
    assert (answer.code, answer.err.count("\n")) == (4, 1), "nor does the SDK say more"


def test_a_subscription_that_these_credentials_do_not_open_is_refused(
    acme_on_azure: AzureAccount, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION.replace("0", "1"))

    error = acme_on_azure.refused(4, "--set", f"TARGET={shop}")

    assert "SubscriptionNotFound" in error["message"]
    assert "set AZURE_SUBSCRIPTION_ID to one that" in error["message"]


@pytest.mark.promise("provider-checked-before-charge", command="run", provider="azure")
@pytest.mark.parametrize(
    ("action", "code", "remedy"),
    [
        ("Usage.List", "MissingSubscriptionRegistration", "az provider register"),
        ("ResourceSkus.List", "AuthorizationFailed", "doctor --policy azure"),
        ("PutBlob", "AuthorizationPermissionMismatch", "doctor --policy azure"),
        ("GetUserDelegationKey", "AuthorizationPermissionMismatch", "doctor --policy azure"),
        ("CreateContainer", "AuthorizationFailure", "doctor --policy azure"),
    ],
)
def test_what_azure_refuses_is_refused_with_what_to_do(
    action: str, code: str, remedy: str, acme_on_azure: AzureAccount, shop: str
) -> None:
    acme_on_azure.server.inject(Fault(FaultKind.REFUSAL, action, times=9, code=code))

    error = acme_on_azure.refused(4, "--set", f"TARGET={shop}")

    assert f"{action}: {code}" in error["message"]
    assert remedy in error["message"]


def test_a_storage_account_that_does_not_answer_is_refused_with_how_to_make_one(
    acme_on_azure: AzureAccount, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADMUSTER_AZURE_STORAGE", f"http://127.0.0.1:9/{ACCOUNT}")

    error = acme_on_azure.refused(4, "--set", f"TARGET={shop}")

    assert "az storage account create" in error["message"]


def test_a_region_that_the_catalogue_does_not_know_is_refused(
    acme_on_azure: AzureAccount, shop: str
) -> None:
    error = acme_on_azure.refused(2, "--set", f"TARGET={shop}", "--region", "westeurop")

    assert "westeurope" in error["message"]


def test_a_quota_of_nothing_is_refused_in_numbers(acme_on_azure: AzureAccount, shop: str) -> None:
    acme_on_azure.server.inject(Fault(FaultKind.VCPU_LIMIT, available=0))

    error = acme_on_azure.refused(4, "--set", f"TARGET={shop}")

    assert (error["code"], error["quota"], error["limit"]) == ("provider_quota", "cores", 0)
    assert error["wanted"] > 0


def test_a_load_longer_than_addresses_are_signed_for_is_refused_in_numbers(
    acme_on_azure: AzureAccount, shop: str
) -> None:
    error = acme_on_azure.refused(2, "--set", f"TARGET={shop}", "--duration", "7d")

    assert error["load_s"] == 7 * 24 * 3_600 > error["load_s_max"] > 6 * 24 * 3_600
    assert not acme_on_azure.server.requests()


def test_a_host_is_loaded_only_once_the_account_has_allowed_it(acme_on_azure: AzureAccount) -> None:
    error = acme_on_azure.refused(3, "--set", "TARGET=https://shop.example.com")

    assert (error["code"], error["host"]) == ("target_not_allowed", "shop.example.com")
    assert not acme_on_azure.server.requests(), "nothing is asked of a cloud for it"


def test_spot_is_refused_where_there_is_none(acme_on_azure: AzureAccount) -> None:
    assert "--spot" in acme_on_azure.refused(2, "--spot")["message"]
