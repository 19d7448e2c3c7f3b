"""Every error of Azure as one of the five decisions of ``providers.errors``.

Azure answers a failure at once or, much later, from the operation that it had accepted; both are
read here. A code that is not in the table goes by the status: 429 is throttling, 5xx an unknown
outcome, the rest a rejected request. Going on with what was not understood could only repeat it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    DeserializationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    StreamClosedError,
    StreamConsumedError,
)

from kernel.errors import Fact, ProviderFailedError
from providers.azure.codes import (
    CREDENTIAL_CODES,
    DECISIONS,
    NOT_FOUND_CODES,
    PERMISSION_CODES,
    REGISTRATION_CODES,
    SUBSCRIPTION_CODES,
)
from providers.azure.roles import HOW_TO_ALLOW
from providers.errors import (
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)
from providers.settings import AZURE_SUBSCRIPTION
from providers.throttling import RETRY_AFTER

HOW_TO_SET_CREDENTIALS = (
    "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
)
HOW_TO_REGISTER = "register it with `az provider register --namespace NAME`"
HOW_TO_NAME_SUBSCRIPTION = (
    f"set {AZURE_SUBSCRIPTION} to one that `az account list --output table` shows"
)

REMEDIES: Final = (
    (CREDENTIAL_CODES, HOW_TO_SET_CREDENTIALS),
    (REGISTRATION_CODES, HOW_TO_REGISTER),
    (SUBSCRIPTION_CODES, HOW_TO_NAME_SUBSCRIPTION),
    (PERMISSION_CODES, HOW_TO_ALLOW),
)
"""What to do, by the codes for which it is known."""

# The first that fits; errors before any answer arrived, or without one that can be read.
CLIENT_SIDE: Final[tuple[tuple[type[Exception], type[ProviderFailedError]], ...]] = (
    (ClientAuthenticationError, ConfigurationRejectedError),
    (ServiceRequestError, UnknownOutcomeError),
    (ServiceResponseError, UnknownOutcomeError),
    (DecodeError, UnknownOutcomeError),
    (DeserializationError, UnknownOutcomeError),
    (AzureError, ConfigurationRejectedError),
)
_TOO_MANY = 429
_TIMED_OUT = 408
_SERVER_ERROR = 500
# One code for everything that is not allowed; what a quota forbids says so in words.
_QUOTA_MESSAGE = re.compile(r"quota|exceed\w* approved|limit reached", re.IGNORECASE)
CHAIN = "DefaultAzureCredential failed"
_IS_ABSENT = re.compile(r"unavailable|not (?:be )?found|not installed|to be installed")
_LIMIT = re.compile(r"(?:Current Limit|Limit|limit of):? (\d+)")
_USED = re.compile(r"Current Usage: (\d+)")
_WANTED = re.compile(r"Additional Required: (\d+)")


def decision_for(code: str, message: str = "", status: int = 400) -> type[ProviderFailedError]:
    """The decision that an error of Azure asks for."""
    if code == "OperationNotAllowed" and _QUOTA_MESSAGE.search(message):
        return QuotaExceededError
    known = DECISIONS.get(code)
    if known is not None:
        return known
    if status == _TOO_MANY:
        return ThrottledError
    broke = status >= _SERVER_ERROR or status == _TIMED_OUT
    return UnknownOutcomeError if broke else ConfigurationRejectedError


@contextmanager
def translated(operation: str, region: str) -> Iterator[None]:
    """Raise what goes wrong inside as one of the five decisions.

    Args:
        operation: Name of the call, for the message.
        region: Where it was made.
    """
    try:
        yield
    except HttpResponseError as error:
        if error.response is None or isinstance(error, DecodeError):
            raise _from_client(error, operation, region) from error
        raise _from_answer(error, operation, region) from error
    except (AzureError, DeserializationError) as error:
        raise _from_client(error, operation, region) from error


def from_document(
    document: Mapping[str, Any], *, operation: str, region: str, status: int = 400
) -> ProviderFailedError:
    """The error in a body of Azure's: an answer, or an operation that failed later."""
    code, message = _cause(document.get("error", document))
    return _build(decision_for(code, message, status), code, message, operation, region)


def from_code(code: str, message: str, *, operation: str, region: str) -> ProviderFailedError:
    """The error for a code that stands in the status of a machine."""
    return _build(decision_for(code, message), code, message, operation, region)


def is_not_found(error: ProviderFailedError) -> bool:
    """Whether what was asked about does not exist."""
    return error.facts.get("azure_code") in NOT_FOUND_CODES


def _from_answer(error: HttpResponseError, operation: str, region: str) -> ProviderFailedError:
    status = error.status_code or _SERVER_ERROR
    translated_error = from_document(
        _document(error), operation=operation, region=region, status=status
    )
    if isinstance(translated_error, ThrottledError):
        translated_error.facts[RETRY_AFTER] = _retry_after_s(error)
    return translated_error


def _document(error: HttpResponseError) -> dict[str, Any]:
    """The body of an error answer, or what there is instead of one."""
    try:
        document = json.loads(error.response.text() if error.response else "")
    except (ValueError, StreamConsumedError, StreamClosedError):
        document = None
    if isinstance(document, dict):
        return document
    # Storage answers in XML, or with nothing, and names its code in a header.
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    code = headers.get("x-ms-error-code") or f"HTTP {error.status_code}"
    return {"code": code, "message": error.reason or "no message"}


def _cause(error: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of the innermost error that the table knows, else of the outermost."""
    known = [one for one in _chain(error) if one.get("code") in DECISIONS]
    named = known[-1] if known else error
    return str(named.get("code", "unknown")), str(named.get("message", "no message"))


def _chain(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An error and the errors inside it, outermost first."""
    yield error
    for detail in error.get("details") or []:
        yield from _chain(detail)


def _retry_after_s(error: HttpResponseError) -> int | None:
    """How long Azure asks to be left alone."""
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    text = headers.get("Retry-After", "")
    return int(text) if text.isdigit() else None


def _build(
    decision: type[ProviderFailedError], code: str, message: str, operation: str, region: str
) -> ProviderFailedError:
    text = f"Azure {region}: {operation}: {code}: {' '.join(message.split())}{_hint(code)}"
    facts: dict[str, Fact] = {"operation": operation, "region": region, "azure_code": code}
    if decision is QuotaExceededError:
        facts |= {
            "quota": code,
            "limit": _number(_LIMIT, message),
            "used": _number(_USED, message),
            "wanted": _number(_WANTED, message),
        }
    return decision(text, **facts)


def _hint(code: str) -> str:
    return next((f"; {remedy}" for codes, remedy in REMEDIES if code in codes), "")


def _number(pattern: re.Pattern[str], message: str) -> int | None:
    found = pattern.search(message)
    return int(found[1]) if found else None


def _from_client(error: Exception, operation: str, region: str) -> ProviderFailedError:
    decision = next(decision for kind, decision in CLIENT_SIDE if isinstance(error, kind))
    hint = f"; {HOW_TO_SET_CREDENTIALS}" if isinstance(error, ClientAuthenticationError) else ""
    return decision(
        f"Azure {region}: {operation}: {_words(str(error))}{hint}",
        operation=operation,
        region=region,
        azure_code=type(error).__name__,
    )


def _words(message: str) -> str:
    """One line; of a chain of credentials only what those say that could have worked."""
    first, *tried = message.split("\n\t")
    if not (tried and first.startswith(CHAIN)):
        return " ".join(message.split())
    said = [each.splitlines()[0] for each in tried if not _IS_ABSENT.search(each)]
    return " ".join("; ".join(said).split()) if said else "no credentials were found"
