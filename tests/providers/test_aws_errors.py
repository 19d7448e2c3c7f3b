"""Every error that AWS can answer is one of the five decisions of a controller."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from kernel.errors import ProviderFailedError
from providers.aws.errors import CLIENT_SIDE, DECISIONS, decision_for, from_code, translated
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)
from providers.rehearsal.gateway import STATUSES

FIVE = {
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
}


def answer(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "Something\nhappened."},
            "ResponseMetadata": {  # type: ignore[typeddict-item] # the rest is of no interest
                "HTTPStatusCode": status
            },
        },
        "CreateFleet",
    )


def raised_for(error: Exception) -> ProviderFailedError:
    with (
        pytest.raises(ProviderFailedError) as caught,
        translated("CreateFleet", "eu-west-1"),
    ):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize("code", sorted(DECISIONS))
def test_every_code_of_the_table_becomes_its_decision(code: str) -> None:
    error = raised_for(answer(code))

    assert type(error) is DECISIONS[code]
    assert error.facts["aws_code"] == code
    assert error.facts["region"] == "eu-west-1"
    assert error.message.startswith(f"AWS eu-west-1: CreateFleet: {code}: Something happened.")


def test_the_table_reaches_all_five_decisions_and_no_other() -> None:
    assert set(DECISIONS.values()) == FIVE
    assert {decision for _, decision in CLIENT_SIDE} <= FIVE


def test_all_codes_that_a_rehearsal_answers_are_in_the_table() -> None:
    assert set(STATUSES) <= set(DECISIONS)


@pytest.mark.parametrize(
    ("code", "status", "decision"),
    [
        ("Client.RequestLimitExceeded", 503, ThrottledError),
        ("Server.InsufficientInstanceCapacity", 500, CapacityUnavailableError),
        ("SomethingNew", 400, ConfigurationRejectedError),
        ("SomethingNew", 500, UnknownOutcomeError),
        ("503", 503, UnknownOutcomeError),
    ],
)
def test_codes_outside_the_table_go_by_who_broke(
    code: str, status: int, decision: type[ProviderFailedError]
) -> None:
    assert decision_for(code, status) is decision
    assert type(raised_for(answer(code, status))) is decision


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (ReadTimeoutError(endpoint_url="https://ec2"), UnknownOutcomeError),
        (ConnectTimeoutError(endpoint_url="https://ec2"), UnknownOutcomeError),
        (EndpointConnectionError(endpoint_url="https://ec2"), UnknownOutcomeError),
        (ConnectionClosedError(endpoint_url="https://ec2"), UnknownOutcomeError),
        (ResponseParserError("a proxy's page"), UnknownOutcomeError),
        (
            SSLError(endpoint_url="https://ec2", error=ValueError("expired")),
            ConfigurationRejectedError,
        ),
        (NoCredentialsError(), ConfigurationRejectedError),
        (ParamValidationError(report="bad"), ConfigurationRejectedError),
        (BotoCoreError(), ConfigurationRejectedError),
    ],
    ids=lambda value: "" if isinstance(value, type) else type(value).__name__,
)
def test_errors_without_an_answer_are_decided_too(
    error: Exception, decision: type[ProviderFailedError]
) -> None:
    assert type(raised_for(error)) is decision


@pytest.mark.parametrize(
    "error",
    [NoCredentialsError(), answer("AuthFailure", 401), answer("ExpiredToken")],
    ids=["none", "wrong", "expired"],
)
def test_trouble_with_credentials_says_how_to_set_them(error: Exception) -> None:
    message = raised_for(error).message

    assert "AWS_ACCESS_KEY_ID" in message
    assert "aws configure" in message


def test_a_limit_in_the_message_becomes_a_fact() -> None:
    error = from_code(
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of 32 allows",
        operation="CreateFleet",
        region="eu-west-1",
    )

    assert isinstance(error, QuotaExceededError)
    assert error.facts["limit"] == 32
    assert error.facts["quota"] == "VcpuLimitExceeded"
