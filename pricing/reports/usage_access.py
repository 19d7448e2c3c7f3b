"""Who may look at an account's usage and billing: its administrators (R94, R96)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from pricing.books.tables import ADMINISTRATORS
from pricing.life.cancellations import NotAdministratorError


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
    if by is None:
        return
    names = conn.execute(
        select(ADMINISTRATORS.c.name)
        .where(ADMINISTRATORS.c.account_id == account_id)
        .order_by(ADMINISTRATORS.c.name)
    )
    administrators = names.scalars().all()
    if administrators and by not in administrators:
        raise NotAdministratorError(
            f"account {account_id}: {by} is no administrator, and usage and billing are for those:"
            f" {', '.join(administrators)}",
            account=account_id,
            by=by,
            administrators=", ".join(administrators),
        )
