"""What a rehearsed Azure says of the subscription itself, and the tokens that open it.

Tokens are given out as Azure gives them to what runs on it:
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from providers.rehearsal.azure_reply import ArmReply, Ask, Done

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
STATE = "Enabled"
REGISTRATION = "Registered"
GRANTED = ({"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]},)
TOKEN = "rehearsal"  # noqa: S105 - any token opens a rehearsal
TOKEN_PATH = "/identity/token"  # noqa: S105 - an address
TOKEN_LIFE_S = 3_600


def subscription(_ask: Ask, _match: re.Match[str], _late: str | None) -> Done:
    """The only subscription that there is."""
    document = {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscriptionId": SUBSCRIPTION,
        "displayName": "Rehearsal",
        "state": STATE,
    }
    return Done(200, document)


def registration(_ask: Ask, match: re.Match[str], _late: str | None) -> Done:
    """A resource provider."""
    namespace = match["namespace"]
    document = {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/{namespace}",
        "namespace": namespace,
        "registrationState": REGISTRATION,
    }
    return Done(200, document)


def permissions(_ask: Ask, _match: re.Match[str], _late: str | None) -> Done:
    """What the caller may do."""
    return Done(200, {"value": [{"dataActions": [], "notDataActions": [], **g} for g in GRANTED]})


def token_reply(headers: Mapping[str, str], resource: str, now_s: float) -> ArmReply:
    """A token for a managed identity; the names of the headers are in lower case."""
    if "x-identity-header" not in headers:
        return ArmReply(400, {"Content-Type": "application/json"}, b"{}")
    document = {
        "access_token": TOKEN,
        "expires_on": str(int(now_s) + TOKEN_LIFE_S),
        "resource": resource,
        "token_type": "Bearer",
    }
    return ArmReply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())
