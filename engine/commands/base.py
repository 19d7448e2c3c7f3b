"""What all commands of the Python API share: the time, the database, and who collects money."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from kernel.clock import Clock
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentGateway

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy

    from engine.runs.clouds.registry import CloudRegistry
    from engine.runs.store import RunStore


class Commands:
    """Commands on one database.

    Attributes:
        clock: Time.
        payer: Collects money; the default accepts all but its test cards.
    """

    clock: Clock
    payer: PaymentGateway = REHEARSED_GATEWAY

    @property
    @abstractmethod
    def _db(self) -> sqlalchemy.Engine:
        """The open database."""

    @property
    @abstractmethod
    def store(self) -> RunStore:
        """The runs as they are on record."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""

    @property
    @abstractmethod
    def _plans_file(self) -> Path:
        """The file that plans are sold from."""

    @property
    @abstractmethod
    def _clouds(self) -> CloudRegistry:
        """Connections to where runs have machines."""

    def _transaction(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """One write transaction."""
        from engine.database import transaction

        return transaction(self._db)

    def _reading(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A connection that only reads."""
        from engine.database import reading

        return reading(self._db)

    @staticmethod
    def _id_of(request_id: str | None) -> str:
        """A caller without a request id gets a random one: it cannot repeat the command safely."""
        return request_id or f"once-{secrets.token_hex(8)}"
