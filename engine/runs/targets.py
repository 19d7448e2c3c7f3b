"""Which hosts an account's runs may load from a real cloud.

A load test from many machines is an attack on whoever did not ask for it, so a host is loaded from
a cloud only after the account has said, once, that it may be. This computer needs no leave.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct
from sqlalchemy import Connection, delete, select

from engine.runs.model.errors import TargetNotAllowedError
from engine.runs.model.tables import ALLOWED_TARGETS
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.accounts.account import check_not_deleted, find_account
from pricing.ledger.idempotency import remember
from pricing.tables import insert_once

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME_LENGTH_MAX = 253


class AllowedTarget(Struct, frozen=True):
    """A host that may be loaded, and since when."""

    host: str
    allowed_at: datetime


def host_of(target: str | None) -> str:
    """The host of a base URL, in small letters; empty if there is none."""
    return ((urlsplit(target or "").hostname) or "").rstrip(".")


def is_this_computer(host: str) -> bool:
    """Whether a host is on loopback."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def check_target(conn: Connection, account_id: str, target: str | None) -> None:
    """Refuse a target that the account has not allowed.

    Raises:
        TargetNotAllowedError: With ``host`` and ``account``.
    """
    host = host_of(target)
    if is_this_computer(host):
        return
    found = conn.execute(
        select(ALLOWED_TARGETS.c.host).where(
            ALLOWED_TARGETS.c.account_id == account_id, ALLOWED_TARGETS.c.host == host
        )
    ).one_or_none()
    if found is None:
        raise TargetNotAllowedError(
            f"account {account_id} may not load {host} from a cloud yet; if it is yours to load, "
            f"say so once: loadmuster account allow-target {account_id} {host}",
            account=account_id,
            host=host,
        )


def allow(conn: Connection, account_id: str, host: str, *, request_id: str, now: datetime) -> None:
    """Let runs of the account load a host from now on; again is no difference.

    Raises:
        BadInputError: It is no host, or the account does not exist.
        AccountDeletedError: The account was deleted.
        RequestConflictError: The request id stands for another request.
    """
    name = _checked(host)
    find_account(conn, account_id)
    if _is_new(conn, account_id, request_id, "allow-target", name, now):
        check_not_deleted(conn, account_id)
        key = {"account_id": account_id, "host": name}
        insert_once(conn, ALLOWED_TARGETS, list(key), {**key, "allowed_at": now})


def forbid(conn: Connection, account_id: str, host: str, *, request_id: str, now: datetime) -> None:
    """Let no run of the account load a host any more; runs that were accepted go on.

    Raises:
        BadInputError: The host was not allowed, or the account does not exist.
        RequestConflictError: The request id stands for another request.
    """
    name = _checked(host)
    find_account(conn, account_id)
    if not _is_new(conn, account_id, request_id, "forbid-target", name, now):
        return
    removed = conn.execute(
        delete(ALLOWED_TARGETS).where(
            ALLOWED_TARGETS.c.account_id == account_id, ALLOWED_TARGETS.c.host == name
        )
    )
    if not removed.rowcount:
        known = [each.host for each in allowed(conn, account_id)]
        raise BadInputError(
            f"{name} is not allowed{meant(name, known)} for account {account_id}; allowed: "
            f"{', '.join(known) or 'none'}",
            host=name,
        )


def allowed(conn: Connection, account_id: str) -> Sequence[AllowedTarget]:
    """The hosts that runs of the account may load, by name."""
    find_account(conn, account_id)
    query = (
        select(ALLOWED_TARGETS.c.host, ALLOWED_TARGETS.c.allowed_at)
        .where(ALLOWED_TARGETS.c.account_id == account_id)
        .order_by(ALLOWED_TARGETS.c.host)
    )
    return [AllowedTarget(row.host, row.allowed_at) for row in conn.execute(query)]


def _is_new(
    conn: Connection, account_id: str, request_id: str, command: str, host: str, now: datetime
) -> bool:
    return remember(conn, account_id, request_id, command=command, content={"host": host}, now=now)


def _checked(host: str) -> str:
    """The host's name as targets are compared."""
    name = host.strip().lower().rstrip(".")
    with suppress(ValueError):
        return str(ip_address(name))
    if len(name) > _NAME_LENGTH_MAX or not _NAME.fullmatch(name):
        shown = name if len(name) <= _NAME_LENGTH_MAX else f"{name[:_NAME_LENGTH_MAX]}..."
        raise BadInputError(
            f"HOST: {shown!r} is no host; write it like shop.example.com, without scheme, port "
            "or path",
            host=shown,
        )
    return name
