"""What S3 checks of signed addresses and upload forms, and moto does not.

Signatures themselves are not verified: the rehearsal has no secrets. That they have expired, and
that a form is used for another key than it was signed for, is refused as S3 refuses it.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Request

Environment = dict[str, Any]

MULTIPART = "multipart/form-data"


def object_action(environment: Environment) -> str:
    """The name of the S3 call that a request makes."""
    method, query = environment["REQUEST_METHOD"], environment.get("QUERY_STRING", "")
    has_key = "/" in environment.get("PATH_INFO", "").strip("/")
    if method == "POST":
        return "DeleteObjects" if "delete" in query else "PostObject"
    if method == "GET" and not has_key:
        return "GetBucketLocation" if "location" in query else "ListObjectsV2"
    return f"{method.capitalize()}{'Object' if has_key else 'Bucket'}"


def is_signed_for_another(environment: Environment) -> bool:
    """Whether somebody who has no credentials uses an address or a form that was signed."""
    content_type = environment.get("CONTENT_TYPE", "")
    return "X-Amz-Signature" in environment.get("QUERY_STRING", "") or content_type.startswith(
        MULTIPART
    )


def object_refusal(environment: Environment, now: datetime) -> str | None:
    """Why S3 would refuse a request that somebody signed for somebody else; None: it would not."""
    query = parse_qs(environment.get("QUERY_STRING", ""))
    if "X-Amz-Signature" in query:
        signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if now > signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0])):
            return "Request has expired"
    if environment.get("CONTENT_TYPE", "").startswith(MULTIPART):
        body = environment["wsgi.input"].getvalue()
        form = Request(environment | {"wsgi.input": io.BytesIO(body)}).form
        return _form_refusal(form.get("policy", ""), form.get("key", ""), now)
    return None


def _form_refusal(encoded_policy: str, key: str, now: datetime) -> str | None:
    if not encoded_policy:
        return "Access Denied"
    policy = json.loads(base64.b64decode(encoded_policy))
    if now > datetime.fromisoformat(policy["expiration"]):
        return "Invalid according to Policy: Policy expired."
    for condition in policy["conditions"]:
        is_prefix = isinstance(condition, list) and condition[:2] == ["starts-with", "$key"]
        if is_prefix and key.startswith(condition[2]):
            return None
    return "Invalid according to Policy: Policy Condition failed: key"
