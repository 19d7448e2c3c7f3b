"""Request ids: the same command sent twice is done once, and answered the same.

A request id is the caller's, unique within its account. It is kept for ever, with a hash of what
was asked, so that the same id with other content is a conflict and not a silent old answer.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, select

from kernel.errors import BadInputError, RequestConflictError
from pricing.ledger.author import BegunCommand, Content
from pricing.ledger.command_log import Outcome, note_command
from pricing.ledger.signing import begin
from pricing.parties.digests import digests_of
from pricing.tables import REQUESTS, insert_once

FORGOTTEN = "forgotten"
"""In the place of a digest of what a deleted account asked: a digest of names would tell them."""


def content_hashes(conn: Connection, account_id: str, content: Content) -> tuple[str, str]:
    """Digests that are equal for equal content only, as ``digests_of`` has them."""
    text = json.dumps(dict(content), sort_keys=True, separators=(",", ":"))
    return digests_of(conn, account_id, text.encode())


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
    begin(conn, begun)
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
    digest, *earlier = content_hashes(conn, account_id, content)
    asked = {"command": command, "content_hash": digest}
    key = {"account_id": account_id, "request_id": request_id}
    if insert_once(conn, REQUESTS, list(key), {**key, **asked, "made_at": now}):
        return True
    done = conn.execute(select(REQUESTS.c.command, REQUESTS.c.content_hash).filter_by(**key)).one()
    if done.command != command or done.content_hash not in {digest, *earlier, FORGOTTEN}:
        raise RequestConflictError(
            f"request id {request_id!r} of account {account_id} stands for another request"
            f" ({done.command}); use a new id",
            request_id=request_id,
            command=done.command,
        )
    return False


def forget_content(conn: Connection, account_id: str) -> None:
    """Keep of an account's requests that they were made, and nothing of what they said."""
    conn.execute(
        REQUESTS.update().where(REQUESTS.c.account_id == account_id).values(content_hash=FORGOTTEN)
    )
