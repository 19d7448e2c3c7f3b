"""The log of commands: who sent what, when, and what became of it; nothing of it is changed.

A command has two instants: the account's, which the caller's clock says and a test clock may move,
and the database's own, which nobody can set from outside. Transactions of the ledger name the
command that wrote them. What falls due while a command begins, a renewal, say, is put down to
``advance`` and not to the command.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, or_, select

from pricing.ledger.author import BegunCommand, Content, Via
from pricing.ledger.persons import names_of, person_number
from pricing.ledger.signing import Signature, signature_of
from pricing.tables import ACCOUNTS, COMMANDS, TRANSACTIONS

PEOPLE = frozenset({"by", "agreed_with", "representative"})
"""What of a command's content names one person."""

MANY_PEOPLE = frozenset({"administrators", "added", "removed"})
"""What of it names several, as a JSON list."""

NOT_KEPT = frozenset({"card", "payment", "reason"})
"""What of it is a key to money, or somebody's own words: that it was given is kept, what it was
stands with what was written, where it can be forgotten."""

_PERSON, _PERSONS = "person", "persons"
_INSERT = COMMANDS.insert().returning(COMMANDS.c.id)
_WRITTEN = (
    select(TRANSACTIONS.c.command_id, TRANSACTIONS.c.natural_key)
    .where(TRANSACTIONS.c.account_id == bindparam("of"), TRANSACTIONS.c.command_id.is_not(None))
    .order_by(TRANSACTIONS.c.id)
)


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    REPEATED = "repeated"
    REFUSED = "refused"


class LoggedCommand(Struct, frozen=True):
    """A command on record.

    Attributes:
        number: Its place in the log of the installation.
        account_id: On which account; None: on the installation.
        command: What, in the words of the command line: ``upgrade``, ``department add``.
        content: What was asked for; names are pseudonyms once they were forgotten.
        request_id: The caller's id of the request; None: none was given.
        actor: Who.
        login: The operating system's user; None: not known.
        via: What it came through.
        at: The account's instant.
        recorded_at: The instant by the database's clock.
        outcome: What became of it.
        code: Why it was refused; None: it was not.
        transactions: Natural keys of what it wrote into the account's ledger.
    """

    number: int
    account_id: str | None
    command: str
    content: Mapping[str, object]
    request_id: str | None
    actor: str
    login: str | None
    via: Via
    at: datetime
    recorded_at: datetime
    outcome: Outcome
    code: str | None
    transactions: tuple[str, ...] = ()


def note_command(
    conn: Connection,
    account_id: str | None,
    begun: BegunCommand,
    *,
    at: datetime,
    outcome: Outcome = Outcome.DONE,
) -> int | None:
    """Put a command on record, in the transaction that does it; its postings belong to it then.

    Args:
        conn: An open write transaction.
        account_id: On which account; None: on the installation.
        begun: What was sent.
        at: The account's instant.
        outcome: What becomes of it, if the transaction is committed.

    Returns:
        Its number; None: nobody signed the transaction.
    """
    signature = signature_of(conn)
    if signature is None:
        return None
    signature.begun = begun
    number = _insert(conn, account_id, signature, begun, at=at, outcome=outcome)
    signature.numbers[account_id] = number
    return number


def note_refusal(
    conn: Connection, account_id: str | None, begun: BegunCommand, *, at: datetime, code: str
) -> None:
    """Put a refused command on record; on a deleted account it names nobody in its matters."""
    signature = signature_of(conn)
    assert signature is not None, "a refusal is noted in a transaction of its own"
    deleted = select(ACCOUNTS.c.deleted_at).where(ACCOUNTS.c.id == account_id)
    people_of = account_id
    if conn.execute(deleted).scalar_one_or_none() is not None:
        people_of, begun = None, BegunCommand(begun.command, {}, begun.request_id)
    row = _row(conn, people_of, signature, begun)
    row |= {"account_id": account_id, "at": at, "outcome": Outcome.REFUSED, "code": code}
    conn.execute(_INSERT, row)


def command_writing(conn: Connection, accounts: Iterable[str], at: datetime) -> int | None:
    """The number of the command that is about to post for these accounts.

    Where none was begun, what the transaction was signed for is put on record.

    Returns:
        Its number; None: nobody signed the transaction.
    """
    signature = signature_of(conn)
    if signature is None:
        return None
    of = set(accounts)
    account_id = of.pop() if len(of) == 1 else None
    if account_id not in signature.numbers:
        signature.numbers[account_id] = _insert(
            conn, account_id, signature, signature.doing, at=at, outcome=Outcome.DONE
        )
    return signature.numbers[account_id]


def commands_of(
    conn: Connection, account_id: str, *, last: int | None = None
) -> Sequence[LoggedCommand]:
    """Every command on an account, and every other that wrote into its ledger, oldest first.

    Args:
        conn: A connection.
        account_id: Whose.
        last: Only so many, the latest; None: all.
    """
    written: dict[int, list[str]] = {}
    for row in conn.execute(_WRITTEN, {"of": account_id}):
        written.setdefault(row.command_id, []).append(row.natural_key)
    wrote = select(TRANSACTIONS.c.command_id).where(
        TRANSACTIONS.c.account_id == account_id, TRANSACTIONS.c.command_id.is_not(None)
    )
    query = (
        select(COMMANDS)
        .where(or_(COMMANDS.c.account_id == account_id, COMMANDS.c.id.in_(wrote)))
        .order_by(COMMANDS.c.id.desc())
        .limit(last)
    )
    return _logged(conn, conn.execute(query).all()[::-1], written)


def commands_by_number(conn: Connection, numbers: Collection[int]) -> Mapping[int, LoggedCommand]:
    """Commands by their numbers, without what they wrote."""
    query = select(COMMANDS).where(COMMANDS.c.id.in_(sorted(numbers)))
    return {each.number: each for each in _logged(conn, conn.execute(query).all(), {})}


def writers_of(conn: Connection, account_id: str) -> Mapping[str, LoggedCommand]:
    """The command that wrote each transaction of an account, by its natural key.

    What earlier versions wrote, and what is not posted yet, has none.
    """
    rows = conn.execute(_WRITTEN, {"of": account_id}).all()
    known = commands_by_number(conn, {row.command_id for row in rows})
    return {row.natural_key: known[row.command_id] for row in rows}


def _insert(
    conn: Connection,
    account_id: str | None,
    signature: Signature,
    begun: BegunCommand,
    *,
    at: datetime,
    outcome: Outcome,
) -> int:
    row = _row(conn, account_id, signature, begun)
    row |= {"account_id": account_id, "at": at, "outcome": outcome, "code": None}
    return int(conn.execute(_INSERT, row).scalar_one())


def _row(
    conn: Connection, people_of: str | None, signature: Signature, begun: BegunCommand
) -> dict[str, object]:
    """What was sent and by whom; people are named in the matters of that account."""
    author = signature.author
    actor = person_number(conn, people_of, author.name, is_service=author.is_service)
    login = None if author.login is None else person_number(conn, people_of, author.login)
    return {
        "command": begun.command,
        "content": _with_numbers(conn, people_of, begun.content),
        "request_id": begun.request_id,
        "actor_id": actor,
        "login_id": login,
        "via": author.via,
    }


def _with_numbers(conn: Connection, account_id: str | None, content: Content) -> dict[str, object]:
    """A command's content without names, and without what was not said."""

    def kept(key: str, value: str | int) -> object:
        if key in NOT_KEPT:
            return "not kept"
        if key in PEOPLE:
            return {_PERSON: person_number(conn, account_id, str(value))}
        if key in MANY_PEOPLE:
            names = json.loads(str(value))
            return {_PERSONS: [person_number(conn, account_id, name) for name in names]}
        return value

    return {key: kept(key, value) for key, value in content.items() if value is not None}


def _logged(
    conn: Connection, rows: Sequence[Row[Any]], written: Mapping[int, Sequence[str]]
) -> tuple[LoggedCommand, ...]:
    numbers = {number for row in rows for number in _numbers_in(row)}
    names = names_of(conn, numbers)

    def named(value: object) -> object:
        match value:
            case {"person": int(number)}:
                return names[number]
            case {"persons": list(several)}:
                return [names[number] for number in several]
        return value

    return tuple(
        LoggedCommand(
            number=row.id,
            account_id=row.account_id,
            command=row.command,
            content={key: named(value) for key, value in row.content.items()},
            request_id=row.request_id,
            actor=names[row.actor_id],
            login=None if row.login_id is None else names[row.login_id],
            via=Via(row.via),
            at=row.at,
            recorded_at=row.recorded_at,
            outcome=Outcome(row.outcome),
            code=row.code,
            transactions=tuple(written.get(row.id, ())),
        )
        for row in rows
    )


def _numbers_in(row: Row[Any]) -> Iterable[int]:
    """The numbers of all people that a row names."""
    yield row.actor_id
    if row.login_id is not None:
        yield row.login_id
    for value in row.content.values():
        match value:
            case {"person": int(number)}:
                yield number
            case {"persons": list(several)}:
                yield from several
