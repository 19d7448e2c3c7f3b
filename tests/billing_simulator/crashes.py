"""A process that dies: before any of its statements, before its COMMIT, or right after it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, event


class Where(StrEnum):
    """Where in a command the process dies."""

    STATEMENT = "before a statement"
    BEFORE_COMMIT = "before COMMIT"
    AFTER_COMMIT = "after COMMIT"


class SimulatedCrashError(BaseException):
    """Nothing in the product may catch it; its connection is gone without a ROLLBACK."""


class Crashes:
    """Kills the process of one database at the place that was chosen.

    Attributes:
        statements: How many statements the command has sent so far.
    """

    def __init__(self, db: Engine) -> None:
        self.statements = 0
        self._where: Where | None = None
        self._statement = 0
        event.listen(db, "before_cursor_execute", self._before_statement)
        event.listen(db, "commit", self._before_commit)

    def arm(self, where: Where | None, statement: int = 0) -> None:
        """A command begins; where it dies, if it does.

        Args:
            where: None: it does not.
            statement: Number of the statement before which it dies; if it never comes to that
                many, before its COMMIT.
        """
        self.statements = 0
        self._where, self._statement = where, statement

    def after_commit(self) -> None:
        """The transaction is committed; the client has no answer yet."""
        if self._where is Where.AFTER_COMMIT:
            raise SimulatedCrashError(Where.AFTER_COMMIT)

    def _before_statement(self, conn: Connection, *_details: Any) -> None:  # noqa: ANN401
        self.statements += 1
        if self._where is Where.STATEMENT and self.statements > self._statement:
            self._die(conn, Where.STATEMENT)

    def _before_commit(self, conn: Connection) -> None:
        if self._where in {Where.STATEMENT, Where.BEFORE_COMMIT}:
            self._die(conn, Where.BEFORE_COMMIT)

    @staticmethod
    def _die(conn: Connection, where: Where) -> None:
        conn.invalidate()
        raise SimulatedCrashError(where)
