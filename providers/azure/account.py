"""What a subscription is good for, before anything is asked of a region: state, providers, rights.

What the SDK has no operation for is read as plain JSON:
https://learn.microsoft.com/rest/api/resources/subscriptions/get and
https://learn.microsoft.com/rest/api/authorization/permissions, at the scope of a subscription.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from azure.core.rest import HttpRequest
from msgspec import Struct

from kernel.errors import ProviderFailedError
from providers.azure.clients import AzureClients
from providers.azure.roles import CALLED, ENTAILED, HOW_TO_ALLOW
from providers.errors import ConfigurationRejectedError, ThrottledError, UnknownOutcomeError

EVERYWHERE = "global"
"""Azure's own word for what belongs to no region."""

NAMESPACES = ("Microsoft.Compute", "Microsoft.Network")
SUBSCRIPTION_API_VERSION = "2022-12-01"
PERMISSIONS_API_VERSION = "2022-04-01"
# https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states
USABLE = frozenset({"Enabled", "PastDue", "Warned"})
REGISTERED = "Registered"


class AzureSubscription(Struct, frozen=True):
    """A subscription as Azure describes it.

    Attributes:
        name: For people.
        state: ``Enabled``, or what is wrong with it.
        date: What Azure's clock said, as HTTP writes it; None: it did not say.
    """

    name: str
    state: str
    date: str | None


def find_subscription(clients: AzureClients) -> AzureSubscription:
    """The subscription of the connection.

    Raises:
        ConfigurationRejectedError: No credentials, or they do not open this subscription.
    """
    document, headers = _get(clients, "Subscriptions.Get", "", SUBSCRIPTION_API_VERSION)
    return AzureSubscription(document["displayName"], document["state"], headers.get("Date"))


def check_enabled(subscription: AzureSubscription) -> None:
    """Refuse a subscription in which Azure makes nothing.

    Raises:
        ConfigurationRejectedError: With ``state``.
    """
    if subscription.state not in USABLE:
        raise ConfigurationRejectedError(
            f"the subscription {subscription.name!r} is {subscription.state}; it has to be "
            "enabled again in the portal, under Subscriptions",
            state=subscription.state,
        )


def check_registered(clients: AzureClients) -> None:
    """Refuse a subscription in which a resource provider was never registered.

    Raises:
        ConfigurationRejectedError: With ``namespace`` and ``state``.
    """
    for namespace in NAMESPACES:
        get = partial(clients.resources.providers.get, namespace)
        found = clients.call("Providers.Get", EVERYWHERE, get)
        if found.registration_state != REGISTERED:
            raise ConfigurationRejectedError(
                f"the resource provider {namespace} is {found.registration_state} in this "
                f"subscription; register it with `az provider register --namespace {namespace}`",
                namespace=namespace,
                state=found.registration_state,
            )


def check_allowed(clients: AzureClients) -> None:
    """Refuse credentials that may not do all that a run does.

    Who may not ask what they may do is let through: that is no reason why a run could not work.

    Raises:
        ConfigurationRejectedError: With ``missing``, the number of actions.
    """
    try:
        missing = missing_actions(clients)
    except (ThrottledError, UnknownOutcomeError):
        raise
    except ProviderFailedError:
        return
    if missing:
        raise not_allowed_error(missing)


def not_allowed_error(missing: Sequence[str]) -> ConfigurationRejectedError:
    """The error for actions that nobody allowed."""
    first, *others = missing
    more = f" and {len(others)} more" if others else ""
    return ConfigurationRejectedError(
        f"{first}{more} not allowed in this subscription; {HOW_TO_ALLOW}", missing=len(missing)
    )


def missing_actions(clients: AzureClients) -> tuple[str, ...]:
    """The actions of a run that the credentials do not allow.

    Raises:
        ProviderFailedError: Azure does not tell.
    """
    document, _ = _get(
        clients,
        "Permissions.List",
        "/providers/Microsoft.Authorization/permissions",
        PERMISSIONS_API_VERSION,
    )
    granted: Sequence[Mapping[str, Any]] = document["value"]
    return tuple(
        action
        for action in sorted((*CALLED, *ENTAILED))
        if not any(
            _covers(one.get("actions") or (), action)
            and not _covers(one.get("notActions") or (), action)
            for one in granted
        )
    )


def _covers(patterns: Iterable[str], action: str) -> bool:
    """Whether one of the patterns, in which ``*`` stands for anything, is the action's."""
    return any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*"), action, re.IGNORECASE)
        for each in patterns
    )


def _get(
    clients: AzureClients, operation: str, path: str, api_version: str
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """A document below the subscription, and the headers that it came with."""
    address = f"/subscriptions/{clients.connection.subscription_id}{path}"

    def ask() -> tuple[dict[str, Any], Mapping[str, str]]:
        request = HttpRequest("GET", f"{address}?api-version={api_version}")
        response = clients.resources.send_request(request)
        response.raise_for_status()
        document: dict[str, Any] = response.json()
        return document, response.headers

    return clients.call(operation, EVERYWHERE, ask)
