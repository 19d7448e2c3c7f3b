"""What is looked at in a subscription before anything is asked of a region."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel.clock import ManualClock
from providers.azure.account import (
    check_allowed,
    check_enabled,
    check_registered,
    find_subscription,
    missing_actions,
)
from providers.azure.clients import AzureClients
from providers.azure.roles import CALLED, ENTAILED, role_definition
from providers.errors import ConfigurationRejectedError, ThrottledError
from providers.rehearsal import azure_account
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import connection_in_process
from providers.rehearsal.faults import Fault, FaultKind

Grant = Callable[..., None]
ALL = set(CALLED) | set(ENTAILED)


@pytest.fixture
def clients(arm: RehearsedArm, manual_clock: ManualClock) -> AzureClients:
    """The clients of a rehearsed subscription in this process."""
    return AzureClients(manual_clock, connection_in_process(arm))


@pytest.fixture
def grant(monkeypatch: pytest.MonkeyPatch) -> Grant:
    """Gives the caller roles, and no other."""
    return lambda *roles: monkeypatch.setattr(azure_account, "GRANTED", roles)


def test_an_enabled_subscription_with_all_providers_passes(clients: AzureClients) -> None:
    found = find_subscription(clients)

    assert (found.name, found.state) == ("Rehearsal", "Enabled")
    check_enabled(found)
    check_registered(clients)
    check_allowed(clients)


@pytest.mark.parametrize("state", ["Disabled", "Expired", "Deleted"])
def test_a_subscription_in_which_nothing_is_made_is_refused(
    state: str, clients: AzureClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_account, "STATE", state)

    with pytest.raises(ConfigurationRejectedError, match=f"'Rehearsal' is {state}; .* portal"):
        check_enabled(find_subscription(clients))


@pytest.mark.parametrize("state", ["NotRegistered", "Registering", "Unregistered"])
def test_a_resource_provider_that_is_not_registered_is_refused_with_the_command(
    state: str, clients: AzureClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_account, "REGISTRATION", state)

    with pytest.raises(ConfigurationRejectedError) as caught:
        check_registered(clients)

    assert caught.value.facts == {"namespace": "Microsoft.Compute", "state": state}
    assert "az provider register --namespace Microsoft.Compute" in caught.value.message


def test_the_role_that_we_print_is_enough_and_each_of_its_actions_is_missed(
    clients: AzureClients, grant: Grant
) -> None:
    whole = role_definition()["Actions"]
    grant({"actions": whole, "notActions": []})
    assert missing_actions(clients) == ()

    for action in ALL:
        grant({"actions": [each for each in whole if each != action], "notActions": []})
        assert missing_actions(clients) == (action,)


def test_stars_stand_for_anything_whatever_its_case(clients: AzureClients, grant: Grant) -> None:
    grant({"actions": ["microsoft.COMPUTE/*"], "notActions": []})

    missing = missing_actions(clients)

    assert set(missing) == {each for each in ALL if not each.startswith("Microsoft.Compute/")}


def test_what_one_role_takes_away_another_may_give(clients: AzureClients, grant: Grant) -> None:
    reader = {"actions": ["*/read"], "notActions": []}
    grant({"actions": ["*"], "notActions": ["Microsoft.Compute/*/read"]})
    assert set(missing_actions(clients)) == {
        each for each in ALL if each.startswith("Microsoft.Compute/") and each.endswith("/read")
    }

    grant({"actions": ["*"], "notActions": ["Microsoft.Compute/*/read"]}, reader)
    assert missing_actions(clients) == ()


def test_a_reader_is_refused_with_the_first_action_and_how_many_more(
    clients: AzureClients, grant: Grant
) -> None:
    grant({"actions": ["*/read"], "notActions": []})

    with pytest.raises(ConfigurationRejectedError) as caught:
        check_allowed(clients)

    writes = [each for each in ALL if not each.endswith("/read")]
    assert caught.value.facts["missing"] == len(writes)
    assert f"and {len(writes) - 1} more not allowed" in caught.value.message
    assert "doctor --policy azure" in caught.value.message


def test_who_may_not_ask_what_they_may_do_is_let_through_and_who_is_throttled_is_not(
    clients: AzureClients, arm: RehearsedArm
) -> None:
    arm.world.add(Fault(FaultKind.REFUSAL, "Permissions.List", code="AuthorizationFailed"))
    check_allowed(clients)

    arm.world.add(Fault(FaultKind.THROTTLING, "Permissions.List", times=99))
    with pytest.raises(ThrottledError):
        check_allowed(clients)
