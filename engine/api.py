"""The Python API: everything that the command line does, as methods with the same names.

    from engine import Engine, read_scenario

    engine = Engine(database_url="sqlite:///loads.db")
    engine.open_account("acme", plan="starter")
    run = engine.start(read_scenario("checkout.yaml"), account="acme", provider="local")
    run = engine.wait(run.id)
    print(run.outcome, engine.show(run.id).bill)

``run`` drives a run in this process until it has ended; ``start`` leaves it to a process of its
own and returns at once; ``wait`` and ``cancel`` work on either, from any process.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clouds import CLOUDS
from engine.clouds.aws import AWS
from engine.clouds.azure import AZURE
from engine.commands.cloud_calibrations import CloudCalibrationCommands
from engine.commands.departments import DepartmentCommands
from engine.commands.doctor import DoctorCommands
from engine.commands.reports import ReportCommands
from engine.commands.serving import ServingCommands
from engine.data_folder import data_folder
from kernel.clock import Clock, SystemClock
from pricing.plans.on_sale import plans_file

if TYPE_CHECKING:
    import sqlalchemy

    from engine.runs.clouds.registry import CloudRegistry
    from engine.runs.store import RunStore
    from providers.settings import AwsSettings, AzureSettings


def new_run_id() -> str:
    """A random id that is easy to read aloud and to paste."""
    return f"run-{secrets.token_hex(5)}"


class Engine(
    CloudCalibrationCommands, DepartmentCommands, DoctorCommands, ReportCommands, ServingCommands
):
    """Estimates, runs, cancels and bills load tests against one database.

    Args:
        database_url: SQLAlchemy URL; None: a SQLite file in the user's data folder.
        clock: Time; a test clock makes everything behave as at another instant.
        folder: Where runs keep their files; default: beside the database.
        new_id: Makes run ids.
        aws: Bucket and network of real runs on AWS; None: as the environment says.
        azure: Subscription and storage of real runs on Azure; None: as the environment says.
        rehearsal_url: A rehearsed cloud that runs share; default: each run has its own.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        clock: Clock | None = None,
        folder: Path | None = None,
        new_id: Callable[[], str] = new_run_id,
        aws: AwsSettings | None = None,
        azure: AzureSettings | None = None,
        rehearsal_url: str | None = None,
    ) -> None:
        self._url = database_url
        self.clock = clock or SystemClock()
        self._folder = folder
        self._new_id = new_id
        self._said = {AWS.name: aws, AZURE.name: azure}
        self._rehearsal_url = rehearsal_url

    @cached_property
    def _db(self) -> sqlalchemy.Engine:
        from engine.database import open_database

        return open_database(self._url)

    @cached_property
    def store(self) -> RunStore:
        """The runs as they are on record."""
        from engine.runs.store import RunStore

        return RunStore(self._db)

    @cached_property
    def _clouds(self) -> CloudRegistry:
        return self._clouds_in(self.folder)

    def _clouds_in(self, folder: Path) -> CloudRegistry:
        from engine.runs.clouds.registry import CloudRegistry

        settings = {
            name: self._said.get(name) or cloud.settings_in(os.environ)
            for name, cloud in CLOUDS.items()
        }
        return CloudRegistry(folder, self.clock, settings, self._rehearsal_url)

    @cached_property
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""
        return self._folder or folder_beside(self._db.url)

    @property
    def _plans_file(self) -> Path:
        return plans_file(os.environ)

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        if "_db" in self.__dict__:
            self._db.dispose()


def folder_beside(url: sqlalchemy.URL) -> Path:
    """The folder for the runs of a database: beside a file, in the user's data folder otherwise."""
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(f"{url.database}.runs").absolute()
    name = hashlib.sha256(url.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return data_folder() / f"{name}.runs"
