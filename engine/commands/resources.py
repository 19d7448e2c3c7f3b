"""What there is to work with: time, the database, clouds, who collects money, who asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.clock import Clock, SystemClock
from kernel.data_folder import data_folder
from kernel.login import os_login
from pricing.accounts.owner import OWNER
from pricing.ledger.author import Author, BegunCommand, Via
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.plans.on_sale import find_plan, load_plans, plans_file

if TYPE_CHECKING:
    import sqlalchemy

    from engine.runs.clouds.registry import CloudRegistry
    from engine.runs.record.store import RunStore
    from pricing.taxes.service import TaxService


@dataclass(frozen=True, kw_only=True)
class EngineResources:
    """What every command works with; nothing is opened before it is needed.

    Attributes:
        open_db: Opens the database.
        open_clouds: The registry of the clouds of runs whose files lie in a folder.
        clock: Time.
        gateway: Collects money.
        taxes: Knows how sales are taxed; asked outside of transactions alone.
        environment: What the environment says.
        new_id: Makes run ids.
        new_token: Makes what must be unlike anything before: leases, and the request ids of
            callers that gave none.
        user: Who is known to use the engine.
        via: What commands come through.
        login: The operating system's user.
        runs_folder: Where runs keep their files; None: beside the database.
    """

    open_db: Callable[[], sqlalchemy.Engine]
    open_clouds: Callable[[Path], CloudRegistry]
    clock: Clock
    gateway: PaymentGateway
    environment: Mapping[str, str]
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    taxes: TaxService
    user: str = OWNER
    via: Via = Via.API
    login: Callable[[], str] = os_login
    runs_folder: Path | None = None

    @cached_property
    def db(self) -> sqlalchemy.Engine:
        """The open database."""
        return self.open_db()

    @cached_property
    def store(self) -> RunStore:
        """The runs as they are on record."""
        from engine.runs.record.store import RunStore

        return RunStore(self.db)

    @cached_property
    def clouds(self) -> CloudRegistry:
        """Connections to where runs have machines; one set for all runs, which share limits."""
        return self.open_clouds(self.folder)

    @cached_property
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""
        return self.runs_folder or folder_beside(self.db.url, self.environment)

    @property
    def plans_file(self) -> Path:
        """The file that plans are sold from."""
        return plans_file(self.environment)

    def plan_named(self, name: str, now: datetime) -> Plan:
        """The plan of that name, as it is sold that day.

        Raises:
            UnknownPlanError: There is none.
        """
        return find_plan(name, self.plans_file, at=now.date())

    def plans_on_sale(self, now: datetime) -> Mapping[str, Plan]:
        """The plans by name, as they are sold that day."""
        return load_plans(self.plans_file, at=now.date())

    @cached_property
    def author(self) -> Author:
        """Who has commands done, for the record."""
        return Author(self.user, self.via, self.login(), is_service=self.user == OWNER)

    @contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """One write transaction, signed; what is posted for no command is put to ``advance``."""
        from engine.database import transaction
        from pricing.ledger.signing import sign

        with transaction(self.db) as conn:
            sign(conn, self.author, BegunCommand("advance", {}))
            yield conn

    @property
    def has_test_clock(self) -> bool:
        """Whether time is not the real one."""
        return not isinstance(self.clock, SystemClock)

    def reading(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A connection that only reads."""
        from engine.database import reading

        return reading(self.db)

    def check_there(self) -> None:
        """Refuse to vouch for a database that nobody has made.

        Raises:
            DatabaseNotThereError: It is not there; what only shows what there is reads it as empty.
        """
        from engine.database import check_made

        check_made(self.db)

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        if "db" in self.__dict__:
            self.db.dispose()


def folder_beside(url: sqlalchemy.URL, environment: Mapping[str, str]) -> Path:
    """The folder for the runs of a database: beside a file, in the user's data folder otherwise."""
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(f"{url.database}.runs").absolute()
    name = hashlib.sha256(url.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return data_folder(environment) / f"{name}.runs"
