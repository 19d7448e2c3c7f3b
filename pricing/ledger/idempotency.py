"""Request ids: the same command sent twice is done once, and answered the same.

A request id is the caller's, unique within its account. It is kept for ever, with a hash of what
was asked, so that the same id with other content is a conflict and not a silent old answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from kernel.errors import BadInputError, RequestConflictError
from pricing.tables import REQUESTS, insert_once

Content = Mapping[str, str | int | None]


def content_hash(content: Content) -> str:
    """A digest that is equal for equal content only."""
    text = json.dumps(dict(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_request_id(request_id: str | None) -> None:
    """Refuse an empty id, as an unset variable of a shell is: it would stand for every request.

    Raises:
        BadInputError: It is empty.
    """
    if request_id == "":
        raise BadInputError("--request-id: an id is not empty; leave it out if there is none")


def remember(
    conn: Connection,
    account_id: str,
    request_id: str,
    *,
    command: str,
    content: Content,
    now: datetime,
) -> bool:
    """Take note of a request, in the transaction that does what it asks.

    Returns:
        True: it is new, go on. False: it has been done before.

    Raises:
        BadInputError: If the id is empty.
        RequestConflictError: If the id stands for another command or other content.
    """
    check_request_id(request_id)
    asked = {"command": command, "content_hash": content_hash(content)}
    key = {"account_id": account_id, "request_id": request_id}
    if insert_once(conn, REQUESTS, list(key), {**key, **asked, "made_at": now}):
        return True
    done = conn.execute(select(REQUESTS.c.command, REQUESTS.c.content_hash).filter_by(**key)).one()
    if done._asdict() != asked:
        raise RequestConflictError(
            f"request id {request_id!r} of account {account_id} stands for another request"
            f" ({done.command}); use a new id",
            request_id=request_id,
            command=done.command,
        )
    return False
