"""Where runs are killed: a database, a rehearsed AWS of its own process, and the commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.api import Engine
from engine.runs.model.states import Run, RunState
from engine.runs.model.tables import RUNS
from kernel.clock import SystemClock
from providers.contract import RUN_TAG
from providers.rehearsal.aws_cloud import (
    Rehearsal,
    aws_rehearsal_provider,
    start_rehearsal_server,
)
from tests.kills.commands import ROOT, ColdCommand, Command, WarmCommand
from tests.kills.plans import REGIONS, Life

if TYPE_CHECKING:
    from providers.aws import AwsProvider

CHECKOUT = str(ROOT / "examples" / "checkout.yaml")
SPEED = "400"
"""Ten minutes in a second and a half: no longer than what comes before and after."""

PACE_S = 0.3
"""How long a machine takes to come, and to go."""


@dataclass
class Ground:
    """One database on one cloud, and what is done on them.

    Attributes:
        url: Of the database.
        folder: For everything that the commands leave.
        rehearsal: The cloud.
    """

    url: str
    folder: Path
    rehearsal: Rehearsal
    _commands: int = field(default=0, init=False)

    @cached_property
    def engine(self) -> Engine:
        """The same database, from this process."""
        return Engine(self.url, folder=self.folder / "runs")

    @cached_property
    def _provider(self) -> AwsProvider:
        return aws_rehearsal_provider(self.rehearsal.endpoint_url, SystemClock())

    def start(self, *arguments: str, log: Path, warm: bool = False) -> Command:
        """The command line, as a user starts it; what it says is in the log."""
        environment = {
            "LOADMUSTER_DB": self.url,
            "LOADMUSTER_REHEARSAL": self.rehearsal.endpoint_url,
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }
        return (WarmCommand if warm else ColdCommand)(arguments, environment, log)

    def run(self, account: str, life: Life, log: Path) -> Command:
        """``loadmuster run`` on the rehearsed AWS."""
        return self.start(
            *("run", CHECKOUT, "--account", account, "--provider", "aws", "--dry-run"),
            *("--speed", SPEED, "--request-id", life.request_id),
            *(part for region in life.regions for part in ("--region", region)),
            log=log,
            warm=life.warm,
        )

    def log(self, name: str) -> Path:
        """Where a command says what it says."""
        return self.folder / f"{name}.log"

    def recorded(self, account: str, request_id: str) -> Run | None:
        """The run of a request; None: it was not accepted."""
        with self.engine._context.reading() as conn:
            run_id = conn.execute(
                select(RUNS.c.id).where(
                    RUNS.c.account_id == account, RUNS.c.request_id == request_id
                )
            ).scalar_one_or_none()
        return None if run_id is None else self.engine.runs.store.load(run_id)

    def phase(self, account: str, request_id: str) -> str:
        """Where the run of a request is, on record and in the cloud."""
        run = self.recorded(account, request_id)
        if run is None:
            return "not on record yet"
        if run.state not in (RunState.LAUNCHING, RunState.RELEASING):
            return run.state.value
        there = self._provider.observe(run.id, run.regions)
        return f"{run.state}, {'machines there' if there else 'no machine there'}"

    def machines_ever(self) -> Iterator[tuple[str, bool]]:
        """Of every machine that the cloud remembers: its run, and whether it is still there.

        As the cloud lists them, whatever their marks: those without one have no run.
        """
        for region in REGIONS:
            pages: Any = self._provider._clients.ec2(region).get_paginator("describe_instances")
            for page in pages.paginate():
                for instance in [each for one in page["Reservations"] for each in one["Instances"]]:
                    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
                    yield tags.get(RUN_TAG, ""), instance["State"]["Name"] != "terminated"


@contextmanager
def made_ground(url: str, folder: Path) -> Iterator[Ground]:
    """A ground on a database; its cloud ends with it."""
    with ExitStack() as stack:
        rehearsal = start_rehearsal_server(
            folder / "cloud", boot_s=PACE_S, shutdown_s=PACE_S, owner_pid=os.getpid()
        )
        stack.callback(rehearsal.stop)
        ground = Ground(url, folder, rehearsal)
        stack.callback(ground.engine.close)
        yield ground
