"""Who administers an account, changed by an administrator of it or by the owner (R88, C44)."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from kernel.errors import BadInputError
from pricing.accounts.administrators import (
    Asker,
    check_administrator,
    check_names,
    set_administrators,
)
from pricing.accounts.command import begin_command
from pricing.payments.gateway import PaymentGateway


def change_administrators(  # noqa: PLR0913 - who asks, for whom
    conn: Connection,
    account_id: str,
    *,
    user: str,
    by: str | None = None,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    now: datetime,
    request_id: str,
    gateway: PaymentGateway,
) -> None:
    """Name more administrators of an account, and others no longer.

    Args:
        conn: An open write transaction.
        account_id: Whose.
        user: Who is known to ask: an administrator, or the owner of the installation, who may give
            an account somebody who speaks for it where nobody can.
        by: In whose name, an administrator's; None: the own.
        add: Who will be one; naming one that is has no effect.
        remove: Who will be none.
        now: The command's instant.
        request_id: The caller's id of this request.
        gateway: Collects what is due by now.

    Raises:
        BadInputError: If nothing is asked for, a name will not do, or one is no administrator.
        NotAdministratorError: If somebody else asks.
        LastAdministratorError: If nobody would be left.
    """
    if not add and not remove:
        raise BadInputError(
            f"account {account_id}: nobody is to be added or removed", account=account_id
        )
    check_names(account_id, add)
    asker = Asker(user, by)
    context = begin_command(
        conn,
        account_id,
        "administrators",
        {
            "by": asker.name,
            "added": json.dumps(sorted(set(add))),
            "removed": json.dumps(sorted(set(remove))),
        },
        request_id=request_id,
        gateway=gateway,
        now=now,
    )
    if context is None:
        return
    if not asker.is_owner:
        check_administrator(conn, account_id, asker, otherwise="; {names} can name others")
    set_administrators(conn, account_id, add=add, remove=remove)
