"""Every error of AWS as one of the five decisions of ``providers.errors``.

Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and
botocore's own list of throttling codes. A code that is not in the table is an unknown outcome if
the service broke (HTTP 5xx) and a rejected request otherwise: going on with what was not
understood could only repeat it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from kernel.errors import ProviderFailedError
from providers.errors import (
    ConfigurationRejectedError,
    QuotaExceededError,
    UnknownOutcomeError,
    decision_table,
)

HOW_TO_SET_CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run `aws configure`"
)

CREDENTIAL_CODES = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
PERMISSION_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
# The token was seen before: with other parameters, or for machines that are gone.
TOKEN_CODES = frozenset({"IdempotentParameterMismatch", "IdempotentInstanceTerminated"})
NOT_FOUND_CODES = frozenset({"InvalidInstanceID.NotFound"})

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_QUOTA = frozenset(
    {
        "AddressLimitExceeded",
        "InstanceLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "LimitExceededException",
        "MaxFleetCountExceeded",
        "NetworkInterfaceLimitExceeded",
        "ResourceLimitExceeded",
        "VcpuLimitExceeded",
        "VolumeLimitExceeded",
    }
)
_CAPACITY = frozenset(
    {
        "InsufficientAddressCapacity",
        "InsufficientCapacity",
        "InsufficientCapacityException",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientHostCapacity",
        "InsufficientInstanceCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientVolumeCapacity",
        "ReservationCapacityExceeded",
        "SpotMaxPriceTooLow",
        "UnfulfillableCapacity",
        # "Your requested instance type is not supported in your requested Availability Zone."
        "Unsupported",
    }
)
_CONFIGURATION = (
    CREDENTIAL_CODES
    | PERMISSION_CODES
    | TOKEN_CODES
    | NOT_FOUND_CODES
    | frozenset(
        {
            "Blocked",
            "ExpiredNextTokenException",
            "InvalidAMIID.Malformed",
            "InvalidAMIID.NotFound",
            "InvalidAMIID.Unavailable",
            "InvalidAction",
            "InvalidFleetConfiguration",
            "InvalidFleetConfig",
            "InvalidInput",
            "InvalidInstanceType",
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "InvalidLaunchTemplateName.NotFoundException",
            "InvalidNextTokenException",
            "InvalidParameter",
            "InvalidParameterCombination",
            "InvalidParameterException",
            "InvalidParameterValue",
            "InvalidSubnetID.NotFound",
            "InvalidUserData.Malformed",
            "MalformedQueryString",
            "MissingInput",
            "MissingParameter",
            "NoSuchBucket",
            "NoSuchKey",
            "NoSuchResourceException",
            "NotFoundException",
            "OperationNotPermitted",
            "OptInRequired",
            "ParameterNotFound",
            "PendingVerification",
            "UnknownParameter",
            "UnsupportedOperation",
            "VPCIdNotSpecified",
            "ValidationError",
        }
    )
)
_UNKNOWN_OUTCOME = frozenset(
    {
        "InternalError",
        "InternalErrorException",
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServerInternal",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
    }
)

DECISIONS: Final[Mapping[str, type[ProviderFailedError]]] = decision_table(
    throttled=_THROTTLED,
    quota=_QUOTA,
    capacity=_CAPACITY,
    configuration=_CONFIGURATION,
    unknown_outcome=_UNKNOWN_OUTCOME,
)

# The first that fits; errors before any answer arrived.
CLIENT_SIDE: Final[tuple[tuple[type[Exception], type[ProviderFailedError]], ...]] = (
    (SSLError, ConfigurationRejectedError),
    (NoConnectionError, UnknownOutcomeError),
    (HTTPClientError, UnknownOutcomeError),
    (ResponseParserError, UnknownOutcomeError),
    (BotoCoreError, ConfigurationRejectedError),
)
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
_SERVER_ERROR = 500
_LIMIT_IN_MESSAGE = re.compile(r"limit of (\d+)")


def decision_for(code: str, status: int = 400) -> type[ProviderFailedError]:
    """The decision that an error code of AWS asks for."""
    known = DECISIONS.get(code.removeprefix("Client.").removeprefix("Server."))
    if known is not None:
        return known
    return UnknownOutcomeError if status >= _SERVER_ERROR else ConfigurationRejectedError


@contextmanager
def translated(operation: str, region: str) -> Iterator[None]:
    """Raise what goes wrong inside as one of the five decisions.

    Args:
        operation: Name of the API call, for the message.
        region: Where it was made.
    """
    try:
        yield
    except ClientError as error:
        raise _from_answer(error, operation, region) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _from_client(error, operation, region) from error


def from_code(code: str, message: str, *, operation: str, region: str) -> ProviderFailedError:
    """The error for a code that stands inside an answer, such as a fleet's."""
    return _build(decision_for(code), code, message, operation, region)


def _from_answer(error: ClientError, operation: str, region: str) -> ProviderFailedError:
    answer = error.response
    code = answer.get("Error", {}).get("Code", "unknown")
    message = answer.get("Error", {}).get("Message", "no message")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
    return _build(decision_for(code, status), code, message, operation, region)


def _build(
    decision: type[ProviderFailedError], code: str, message: str, operation: str, region: str
) -> ProviderFailedError:
    hint = f"; {HOW_TO_SET_CREDENTIALS}" if code in CREDENTIAL_CODES else ""
    text = f"AWS {region}: {operation}: {code}: {' '.join(message.split())}{hint}"
    if decision is QuotaExceededError:
        limit = _LIMIT_IN_MESSAGE.search(message)
        return decision(
            text,
            operation=operation,
            region=region,
            aws_code=code,
            quota=code,
            limit=int(limit[1]) if limit else None,
            wanted=None,
        )
    return decision(text, operation=operation, region=region, aws_code=code)


def _from_client(error: Exception, operation: str, region: str) -> ProviderFailedError:
    decision = next(decision for kind, decision in CLIENT_SIDE if isinstance(error, kind))
    hint = f"; {HOW_TO_SET_CREDENTIALS}" if isinstance(error, _NO_CREDENTIALS) else ""
    return decision(
        f"AWS {region}: {operation}: {' '.join(str(error).split())}{hint}",
        operation=operation,
        region=region,
        aws_code=type(error).__name__,
    )
