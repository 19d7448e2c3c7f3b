"""What all commands of the Python API share: the time, the database, and who collects money."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from kernel.clock import Clock
from pricing.payments.payer import REHEARSED_PAYER, Payer

if TYPE_CHECKING:
    import sqlalchemy


class Commands:
    """Commands on one database.

    Attributes:
        clock: Time.
        payer: Collects money; the default accepts all but its test cards.
    """

    clock: Clock
    payer: Payer = REHEARSED_PAYER

    @property
    @abstractmethod
    def _db(self) -> sqlalchemy.Engine:
        """The open database."""

    def _transaction(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """One write transaction."""
        from engine.database import transaction

        return transaction(self._db)

    def _reading(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A connection that only reads."""
        from engine.database import reading

        return reading(self._db)
