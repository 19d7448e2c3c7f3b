"""Names of people, apart from the books and from the commands, so that they can be forgotten.

Rows that stay for ever hold a person's number. What the number stands for is forgotten with the
account; the number goes on telling one person from another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select, update

from pricing.tables import PERSONS, insert_once

OF_NO_ACCOUNT = ""
"""Where the names stand that belong to the installation as a whole."""

_FIND = select(PERSONS.c.id).where(
    PERSONS.c.account_id == bindparam("of"), PERSONS.c.name == bindparam("called")
)


def person_number(
    conn: Connection, account_id: str | None, name: str, *, is_service: bool = False
) -> int:
    """The number that a name has in the matters of an account; a new name gets one.

    Args:
        conn: An open write transaction.
        account_id: Whose matters; None: the installation's.
        name: Who.
        is_service: Whether the name is a role's or a program's, which is never forgotten.
    """
    of = account_id or OF_NO_ACCOUNT
    known: int | None = conn.execute(_FIND, {"of": of, "called": name}).scalar_one_or_none()
    if known is not None:
        return known
    kind = "service" if is_service else "person"
    made = insert_once(
        conn,
        PERSONS,
        ["account_id", "name"],
        {"account_id": of, "name": name, "kind": kind},
    )
    if made is not None:
        return int(made.id)
    # Somebody else gave it one meanwhile, as only accounts' books are locked.
    return int(conn.execute(_FIND, {"of": of, "called": name}).scalar_one())


def names_of(conn: Connection, numbers: Collection[int]) -> Mapping[int, str]:
    """What numbers stand for; who was forgotten is ``person-12``."""
    rows = conn.execute(
        select(PERSONS.c.id, PERSONS.c.name).where(PERSONS.c.id.in_(sorted(numbers)))
    )
    return {row.id: row.name if row.name is not None else f"person-{row.id}" for row in rows}


def forget_persons(conn: Connection, account_id: str) -> int:
    """Forget who the people in an account's matters were; roles and programs stay.

    Returns:
        How many names were forgotten.
    """
    forgotten = conn.execute(
        update(PERSONS)
        .where(
            PERSONS.c.account_id == account_id,
            PERSONS.c.kind == "person",
            PERSONS.c.name.is_not(None),
        )
        .values(name=None)
    )
    return forgotten.rowcount
