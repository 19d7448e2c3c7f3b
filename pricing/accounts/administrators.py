"""Who speaks for an account: the administrators that it names (R56, R94, R96).

Every account has one from the start: whoever was named when it was opened, else the owner of the
installation. An account that has none is closed to all but the owner's looks at it.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, select

from kernel.errors import RefusedError
from pricing.accounts.owner import OWNER
from pricing.tables import ADMINISTRATORS


class NotAdministratorError(RefusedError):
    """Only an administrator may do that (R56, R57).

    Facts: ``account``, ``by``, ``administrators``.
    """

    code = "not_administrator"


class Asker(Struct, frozen=True):
    """Who asks for something; never nobody.

    Attributes:
        user: Who is known to ask.
        by: In whose name; None: the own. Only the owner may ask in another's.
    """

    user: str
    by: str | None = None

    @property
    def name(self) -> str:
        """In whose name."""
        return self.user if self.by is None else self.by

    @property
    def is_owner(self) -> bool:
        """The owner of the installation, in the own name."""
        return self.user == self.name == OWNER

    @property
    def backing(self) -> frozenset[str]:
        """The names that may allow it: the own, and where the owner asks, also whose it is said."""
        if self.user == OWNER:
            return frozenset({OWNER, self.name})
        return frozenset({self.user}) & {self.name}


def check_administrator(conn: Connection, account_id: str, asker: Asker, *, otherwise: str) -> None:
    """Whether somebody speaks for the account.

    The owner, who administers it, may also ask in the name of somebody else; of an account that
    names others, the owner may ask in their names.

    Args:
        conn: An open connection.
        account_id: Whose.
        asker: Who asks.
        otherwise: What to say to somebody else; ``{names}`` stands for the administrators.

    Raises:
        NotAdministratorError: If that is none of the account's administrators.
    """
    found = conn.execute(
        select(ADMINISTRATORS.c.name)
        .where(ADMINISTRATORS.c.account_id == account_id)
        .order_by(ADMINISTRATORS.c.name)
    )
    administrators = found.scalars().all()
    if asker.backing.isdisjoint(administrators):
        names = ", ".join(administrators) or "nobody"
        raise NotAdministratorError(
            f"account {account_id}: {asker.name} is no administrator"
            + otherwise.format(names=names),
            account=account_id,
            by=asker.name,
            administrators=names,
        )
