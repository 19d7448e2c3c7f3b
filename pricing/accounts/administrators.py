"""Who speaks for an account: the administrators that it names (R56, R94, R96).

Every account has one from the start: whoever was named when it was opened, else the owner of the
installation. An account that has none is closed to all but the owner's looks at it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from sqlalchemy import Connection, select

from kernel.errors import BadInputError, RefusedError
from pricing.accounts.owner import OWNER
from pricing.tables import ADMINISTRATORS, insert_once

NAME_LETTERS_MAX = 254
"""As long as an e-mail address can be."""


class NotAdministratorError(RefusedError):
    """Only an administrator may do that (R56, R57).

    Facts: ``account``, ``by``, ``administrators``.
    """

    code = "not_administrator"


class LastAdministratorError(RefusedError):
    """An account would have nobody who speaks for it; facts: ``account``, ``administrators``."""

    code = "last_administrator"


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
    administrators = administrators_of(conn, account_id)
    if asker.backing.isdisjoint(administrators):
        names = ", ".join(administrators) or "nobody"
        raise NotAdministratorError(
            f"account {account_id}: {asker.name} is no administrator"
            + otherwise.format(names=names),
            account=account_id,
            by=asker.name,
            administrators=names,
        )


def administrators_of(conn: Connection, account_id: str) -> Sequence[str]:
    """The names of an account's administrators, in order."""
    found = conn.execute(
        select(ADMINISTRATORS.c.name)
        .where(ADMINISTRATORS.c.account_id == account_id)
        .order_by(ADMINISTRATORS.c.name)
    )
    return found.scalars().all()


def check_names(account_id: str, names: Collection[str]) -> None:
    """Whether these can be names of people.

    Raises:
        BadInputError: If one is empty, too long, or not to be printed on one line.
    """
    for name in names:
        if not name.strip() or len(name) > NAME_LETTERS_MAX or not name.isprintable():
            raise BadInputError(
                f"account {account_id}: administrator {name[:40]!r} will not do; a name of 1 to"
                f" {NAME_LETTERS_MAX} printable letters would",
                account=account_id,
                administrator=name[:40],
            )


def set_administrators(
    conn: Connection, account_id: str, *, add: Collection[str], remove: Collection[str]
) -> None:
    """Name more administrators, and others no longer; who is named already stays.

    Raises:
        BadInputError: If somebody is to be both, or is none and to be removed.
        LastAdministratorError: If nobody would be left (C44).
    """
    before = set(administrators_of(conn, account_id))
    both, unknown = set(add) & set(remove), set(remove) - before
    if both or unknown:
        name = min(both or unknown)
        why = "is to be added and to be removed" if both else "is no administrator to be removed"
        raise BadInputError(
            f"account {account_id}: {name} {why}; its administrators are"
            f" {', '.join(sorted(before))}",
            account=account_id,
            administrator=name,
        )
    if not (before | set(add)) - set(remove):
        raise LastAdministratorError(
            f"account {account_id}: {', '.join(sorted(before))} would leave nobody who speaks for"
            " it; add somebody first",
            account=account_id,
            administrators=", ".join(sorted(before)),
        )
    for name in sorted(set(add)):
        row = {"account_id": account_id, "name": name}
        insert_once(conn, ADMINISTRATORS, ["account_id", "name"], row)
    conn.execute(
        ADMINISTRATORS.delete().where(
            ADMINISTRATORS.c.account_id == account_id, ADMINISTRATORS.c.name.in_(sorted(remove))
        )
    )
