"""Who may look at an account's usage and billing: its administrators (R94, R96)."""

from __future__ import annotations

from sqlalchemy import Connection

from pricing.accounts.administrators import check_administrator


def check_may_see(conn: Connection, account_id: str, by: str | None) -> None:
    """Whether somebody may see the account's usage and its invoices.

    Args:
        conn: An open connection.
        account_id: Whose.
        by: Who asks; None: whoever operates the database. An account that names no administrator
            leaves the question to its operator too.

    Raises:
        NotAdministratorError: If the account has administrators, and that is none of them.
    """
    if by is not None:
        check_administrator(
            conn,
            account_id,
            by,
            otherwise=", and usage and billing are for those: {names}",
        )
