"""Every error that Azure can answer, at once or late, is one of the five decisions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypedDict

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    DeserializationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from kernel.clock import ManualClock
from kernel.errors import ProviderFailedError
from providers.azure import AzureProvider
from providers.azure.codes import DECISIONS
from providers.azure.errors import (
    CLIENT_SIDE,
    decision_for,
    from_code,
    from_document,
    translated,
)
from providers.contract import LaunchSpec
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_refusals import STATUSES
from providers.rehearsal.faults import Fault, FaultKind

MakeSpec = Callable[..., LaunchSpec]
FIVE = {
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
}
CORES = (
    "Operation could not be completed as it results in exceeding approved Total Regional Cores "
    "quota. Additional details - Current Limit: 10, Current Usage: 8, Additional Required: 4, "
    "(Minimum) New Limit Required: 12."
)


class Put(TypedDict):
    operation: str
    region: str


PUT: Put = {"operation": "VirtualMachineScaleSets.CreateOrUpdate", "region": "westeurope"}


def raised_for(error: Exception) -> ProviderFailedError:
    with (
        pytest.raises(ProviderFailedError) as caught,
        translated("VirtualMachineScaleSets.CreateOrUpdate", "westeurope"),
    ):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize("code", sorted(DECISIONS))
def test_every_code_of_the_table_becomes_its_decision_at_once_and_late(code: str) -> None:
    document = {"error": {"code": code, "message": "Something\nhappened."}}

    at_once = from_document(document, status=400, **PUT)
    late = from_document({"status": "Failed", **document}, **PUT)
    in_a_machine = from_code(code, "Something\nhappened.", **PUT)

    for error in (at_once, late, in_a_machine):
        assert type(error) is DECISIONS[code]
        assert error.facts["azure_code"] == code
        assert error.facts["region"] == "westeurope"
        assert f"CreateOrUpdate: {code}: Something happened." in error.message


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_every_refusal_that_a_rehearsal_answers_arrives_as_its_decision(
    code: str,
    azure: AzureProvider,
    arm: RehearsedArm,
    make_azure_spec: MakeSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.throttling.ATTEMPTS", 1)
    arm.world.add(Fault(FaultKind.REFUSAL, "ResourceSkus.List", code=code, times=9))

    with pytest.raises(ProviderFailedError) as caught:
        azure.check(make_azure_spec())

    assert type(caught.value) is DECISIONS[code]
    assert caught.value.facts["azure_code"] == code


def test_the_table_reaches_all_five_decisions_and_no_other() -> None:
    assert set(DECISIONS.values()) == FIVE
    assert {decision for _, decision in CLIENT_SIDE} <= FIVE


@pytest.mark.parametrize(
    ("code", "status", "decision"),
    [
        ("SomethingNew", 400, ConfigurationRejectedError),
        ("SomethingNew", 429, ThrottledError),
        ("SomethingNew", 408, UnknownOutcomeError),
        ("SomethingNew", 500, UnknownOutcomeError),
        ("SomethingNew", 503, UnknownOutcomeError),
    ],
)
def test_codes_outside_the_table_go_by_who_broke(
    code: str, status: int, decision: type[ProviderFailedError]
) -> None:
    assert decision_for(code, "", status) is decision


def test_what_is_not_allowed_is_a_quota_only_where_the_message_says_so() -> None:
    quota = from_code("OperationNotAllowed", CORES, **PUT)
    assert isinstance(quota, QuotaExceededError)
    facts = [quota.facts[name] for name in ("quota", "limit", "used", "wanted")]
    assert facts == ["OperationNotAllowed", 10, 8, 4]

    other = from_code("OperationNotAllowed", "The machine is marked for deletion.", **PUT)
    assert isinstance(other, ConfigurationRejectedError)


def test_the_innermost_code_that_is_known_decides() -> None:
    document = {
        "error": {
            "code": "DeploymentFailed",
            "message": "At least one resource failed.",
            "details": [
                {
                    "code": "Conflict",
                    "message": "x",
                    "details": [{"code": "ZonalAllocationFailed", "message": "No room."}],
                }
            ],
        }
    }

    error = from_document(document, **PUT)

    assert isinstance(error, CapacityUnavailableError)
    assert error.message.endswith("ZonalAllocationFailed: No room.")


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (ServiceRequestError("no route"), UnknownOutcomeError),
        (ServiceRequestTimeoutError("connect"), UnknownOutcomeError),
        (ServiceResponseError("broken off"), UnknownOutcomeError),
        (ServiceResponseTimeoutError("read"), UnknownOutcomeError),
        (DecodeError("a proxy's page"), UnknownOutcomeError),
        (DeserializationError("a proxy's page"), UnknownOutcomeError),
        (ClientAuthenticationError("nobody is logged in"), ConfigurationRejectedError),
        (AzureError("anything else"), ConfigurationRejectedError),
    ],
    ids=lambda value: "" if isinstance(value, type) else type(value).__name__,
)
def test_errors_without_an_answer_are_decided_too(
    error: Exception, decision: type[ProviderFailedError]
) -> None:
    assert type(raised_for(error)) is decision


def test_trouble_with_credentials_says_how_to_set_them() -> None:
    for error in (
        raised_for(ClientAuthenticationError("nobody is logged in")),
        from_code("ExpiredAuthenticationToken", "It has expired.", **PUT),
    ):
        assert "az login" in error.message
        assert "AZURE_CLIENT_SECRET" in error.message


def test_a_provider_that_is_not_registered_says_how_to_register_it() -> None:
    error = from_code("MissingSubscriptionRegistration", "Not registered.", **PUT)

    assert "az provider register" in error.message


@pytest.mark.parametrize("page", ["<html>Bad gateway</html>", "[]", ""])
def test_an_answer_that_is_not_azures_goes_by_its_status(page: str) -> None:
    error = HttpResponseError(response=_Answer(502, page))

    translated_error = raised_for(error)

    assert isinstance(translated_error, UnknownOutcomeError)
    assert translated_error.facts["azure_code"] == "HTTP 502"


def test_azure_is_left_alone_for_as_long_as_it_asks_and_a_random_while_more(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock
) -> None:
    arm.world.add(Fault(FaultKind.THROTTLING, "ResourceGroups.Get", times=3))
    before = manual_clock.now()

    assert azure.observe("run-1", ["westeurope"]) == ()

    waited_s = (manual_clock.now() - before).total_seconds()
    assert 3.0 < waited_s < 3 * (1 + 20)


def test_throttling_that_does_not_end_is_throttling_and_never_capacity(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    create = "VirtualMachineScaleSets.CreateOrUpdate"
    arm.world.add(Fault(FaultKind.THROTTLING, create, times=99))

    with pytest.raises(ThrottledError) as caught:
        azure.launch(make_azure_spec())

    assert caught.value.facts["retry_after_s"] == 1
    assert sum(request.action == create for request in arm.world.requests) == 6


class _Answer:
    """As much of an HTTP answer as an error of azure-core looks at."""

    reason = "Bad Gateway"
    request = None

    def __init__(self, status: int, page: str) -> None:
        self.status_code = status
        self.headers = {"Content-Type": "text/html"}
        self._page = page

    def text(self) -> str:
        return self._page

    def json(self) -> object:
        return json.loads(self._page)


CHAIN = (
    "DefaultAzureCredential failed to retrieve a token from the included credentials.\n"
    "Attempted credentials:\n"
    "\tEnvironmentCredential: EnvironmentCredential authentication unavailable. Environment "
    "variables are not fully configured.\nVisit https://example.com to troubleshoot this issue.\n"
    "\tAzureCliCredential: {cli}\n"
    "To mitigate this issue, please refer to the troubleshooting guidelines here."
)


@pytest.mark.parametrize(
    ("cli", "words"),
    [
        ("Azure CLI not found on path", "no credentials were found"),
        ("ERROR: AADSTS70043: The refresh token has expired", "AADSTS70043: The refresh token"),
    ],
)
def test_of_many_kinds_of_credentials_only_those_that_could_have_worked_are_heard(
    cli: str, words: str
) -> None:
    with pytest.raises(ConfigurationRejectedError) as caught, translated("Usage.List", "eastus"):
        raise ClientAuthenticationError(CHAIN.format(cli=cli))

    assert words in caught.value.message
    assert "; run `az login`" in caught.value.message
    assert "\n" not in caught.value.message
    assert "EnvironmentCredential" not in caught.value.message


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("InvalidAuthenticationToken", "az login"),
        ("MissingSubscriptionRegistration", "az provider register"),
        ("SubscriptionNotFound", "AZURE_SUBSCRIPTION_ID"),
        ("AuthorizationFailed", "doctor --policy azure"),
        ("AuthorizationPermissionMismatch", "doctor --policy azure"),
    ],
)
def test_what_can_be_put_right_is_said_with_how(code: str, remedy: str) -> None:
    error = from_code(code, "Rehearsed.", operation="Usage.List", region="eastus")

    assert remedy in error.message.partition("; ")[2]
