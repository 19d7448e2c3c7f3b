"""Addresses of blobs that were signed for somebody without credentials, and how they are checked.

Signed with a user delegation key, as on the real Azure; the rehearsal makes a key from its period,
so that it has to keep none. Signature, period and permission are verified; that an address is used
for another blob or container than it was signed for shows in its signature.
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

BLOB, CONTAINER = "b", "c"
# From which version of the service on the fields between these are signed as well.
_DELEGATED_USER_SINCE = "2025-07-05"
_REQUEST_PARTS_SINCE = "2026-04-06"
_KEY = ("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid")
_DELEGATED_USER = ("skdutid", "sduoid")
_ADDRESS = ("sip", "spr", "sv", "sr", "snapshot", "ses")
_REQUEST_PARTS = ("srh", "srq")
_ANSWER = ("rscc", "rscd", "rsce", "rscl", "rsct")


def delegation_key(start: str, expiry: str) -> str:
    """The key of a period, in base64."""
    return base64.b64encode(
        hashlib.sha256(f"rehearsal {start} {expiry}".encode()).digest()
    ).decode()


def is_signed(query: Mapping[str, str]) -> bool:
    """Whether an address carries a signature."""
    return "sig" in query


def sas_refusal(path: str, query: Mapping[str, str], allowed_by: str, now: datetime) -> str | None:
    """The code with which Azure would refuse a signed address; None: it would not.

    Args:
        path: Account, container and blob, decoded.
        query: The address's own.
        allowed_by: The permissions of which one is needed; empty: none would do.
        now: When it is used.
    """
    signed_for = path if query.get("sr") == BLOB else "/".join(path.split("/")[:3])
    key = base64.b64decode(delegation_key(query.get("skt", ""), query.get("ske", "")))
    text = _string_to_sign(f"/blob{signed_for}", query).encode()
    signature = base64.b64encode(hmac.digest(key, text, "sha256")).decode()
    if not hmac.compare_digest(signature, query["sig"]):
        return "AuthenticationFailed"
    if now >= min(_instant(query["se"]), _instant(query["ske"])):
        return "AuthenticationFailed"
    if not set(query["sp"]) & set(allowed_by):
        return "AuthorizationPermissionMismatch"
    return None


def _string_to_sign(resource: str, query: Mapping[str, str]) -> str:
    """Field by field, a line each, in the order that the version of the signature lays down."""
    version = query.get("sv", "")
    names = [
        *_KEY,
        *(_DELEGATED_USER if version >= _DELEGATED_USER_SINCE else ()),
        *_ADDRESS,
        *(_REQUEST_PARTS if version >= _REQUEST_PARTS_SINCE else ()),
        *_ANSWER,
    ]
    first = [query.get("sp", ""), query.get("st", ""), query.get("se", ""), resource]
    return "\n".join([*first, *(query.get(name, "") for name in names)])


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
