"""Who speaks for an account: the administrators that it names (R56, R94, R96)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from kernel.errors import RefusedError
from pricing.tables import ADMINISTRATORS


class NotAdministratorError(RefusedError):
    """Only an administrator may do that (R56, R57).

    Facts: ``account``, ``by``, ``administrators``.
    """

    code = "not_administrator"


def check_administrator(conn: Connection, account_id: str, by: str, *, otherwise: str) -> None:
    """Whether somebody is an administrator of the account.

    Whoever is named, if the account names nobody: its operator vouches for the name.

    Args:
        conn: An open connection.
        account_id: Whose.
        by: Who asks.
        otherwise: What to say to somebody else; ``{names}`` stands for the administrators.

    Raises:
        NotAdministratorError: If the account has administrators, and that is none of them.
    """
    found = conn.execute(
        select(ADMINISTRATORS.c.name)
        .where(ADMINISTRATORS.c.account_id == account_id)
        .order_by(ADMINISTRATORS.c.name)
    )
    administrators = found.scalars().all()
    if administrators and by not in administrators:
        names = ", ".join(administrators)
        raise NotAdministratorError(
            f"account {account_id}: {by} is no administrator{otherwise.format(names=names)}",
            account=account_id,
            by=by,
            administrators=names,
        )
