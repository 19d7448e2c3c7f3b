"""Every write transaction is signed before anything is posted in it.

The signature is an option of the transaction's connection, so that whatever is posted in it,
however deep, is on record with who had it done. It is kept beside the books and is no part of what
they say: the same command does the same, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from pricing.ledger.author import Author, BegunCommand

_SIGNATURE = "loadmuster_signature"


@dataclass
class Signature:
    """Who writes in one transaction, and under which commands.

    Attributes:
        author: Who.
        doing: What is written down as the command of postings that no other command was begun for.
        begun: The last command that was begun; it says what was refused, if it is.
        numbers: The command that postings belong to, by account; ``None``: of several at once.
    """

    author: Author
    doing: BegunCommand
    begun: BegunCommand | None = None
    numbers: dict[str | None, int] = field(default_factory=dict)


def sign(conn: Connection, author: Author, doing: BegunCommand) -> Signature:
    """Sign a transaction that has just been opened.

    Args:
        conn: Its connection.
        author: Who writes.
        doing: What its postings are put down to while no command was begun: ``advance``.
    """
    signature = Signature(author, doing)
    conn.execution_options(**{_SIGNATURE: signature})
    return signature


def signature_of(conn: Connection) -> Signature | None:
    """Who writes in this transaction; None: nobody signed, as for a look ahead that is undone."""
    signature: Signature | None = conn.get_execution_options().get(_SIGNATURE)
    return signature


@contextmanager
def unsigned(conn: Connection) -> Iterator[None]:
    """Within it nothing is put down to anybody, since it is going to be undone."""
    signature = signature_of(conn)
    conn.execution_options(**{_SIGNATURE: None})
    try:
        yield
    finally:
        conn.execution_options(**{_SIGNATURE: signature})
