"""Request ids: the same command sent twice is done once, and answered the same.

A request id is the caller's, unique within its account. It is kept for ever, with a hash of what
was asked, so that the same id with other content is a conflict and not a silent old answer.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from sqlalchemy import Connection, select

from kernel.errors import BadInputError, RequestConflictError
from pricing.ledger.author import BegunCommand, Content
from pricing.ledger.command_log import Outcome, note_command
from pricing.ledger.signing import signature_of
from pricing.tables import REQUESTS, insert_once


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


def remember(  # noqa: PLR0913 - a request, and what the log says of it besides
    conn: Connection,
    account_id: str,
    request_id: str | None,
    *,
    command: str,
    content: Content,
    now: datetime,
    also: Content | None = None,
    is_done: bool = False,
) -> bool:
    """Take note of a request, in the transaction that does what it asks, and put it on the log.

    Args:
        conn: An open write transaction.
        account_id: Whose request.
        request_id: The caller's id of it; None: none was given, and it is always new.
        command: What is asked.
        content: What the id stands for, with the command.
        now: The account's instant.
        also: What the log says of it besides.
        is_done: Whether there is nothing left to do, though the request is new.

    Returns:
        True: it is new, go on. False: it has been done before.

    Raises:
        BadInputError: If the id is empty.
        RequestConflictError: If the id stands for another command or other content.
    """
    check_request_id(request_id)
    begun = BegunCommand(command, {**content, **(also or {})}, request_id)
    if (signature := signature_of(conn)) is not None:
        # What is refused from here on, this conflict of ids to begin with, is this command.
        signature.begun = begun
    is_new = request_id is None or _is_first(
        conn, account_id, request_id, command=command, content=content, now=now
    )
    note_command(
        conn,
        account_id,
        begun,
        at=now,
        outcome=Outcome.DONE if is_new and not is_done else Outcome.REPEATED,
    )
    return is_new


def _is_first(
    conn: Connection,
    account_id: str,
    request_id: str,
    *,
    command: str,
    content: Content,
    now: datetime,
) -> bool:
    """Whether nobody has used the id before, which is taken now."""
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
