"""Who may look at an account's usage and billing: its administrators (R94, R96)."""

from __future__ import annotations

from sqlalchemy import Connection

from pricing.accounts.administrators import Asker, NotAdministratorError, check_administrator


def check_may_see(conn: Connection, account_id: str, asker: Asker) -> None:
    """Whether somebody may see the account's usage and its billing.

    Args:
        conn: An open connection.
        account_id: Whose.
        asker: Who asks; the owner of the installation sees all accounts.

    Raises:
        NotAdministratorError: If that is neither the owner nor one of the account's administrators.
    """
    if not asker.is_owner:
        check_administrator(
            conn,
            account_id,
            asker,
            otherwise=", and usage and billing are for those: {names}",
        )


def may_see(conn: Connection, account_id: str, asker: Asker) -> bool:
    """Whether ``check_may_see`` lets somebody see the account's usage and its billing."""
    try:
        check_may_see(conn, account_id, asker)
    except NotAdministratorError:
        return False
    return True
