"""Where sessions are played: one rehearsed AWS, one shop, and a home for each session."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, select

from engine.api import Engine
from engine.calibrating.place import FOLDER_VARIABLE
from engine.database import open_database, reading
from engine.runs.model.states import Run
from kernel.clock import StartingClock, SystemClock
from kernel.errors import LoadmusterError
from pricing import tables
from providers.contract import RUN_TAG
from providers.rehearsal.aws_cloud import (
    Rehearsal,
    aws_rehearsal_provider,
    start_rehearsal_server,
)
from tests.habits.sessions import Session
from tests.kills.commands import ROOT
from tests.owned import running_shop

if TYPE_CHECKING:
    from providers.aws import AwsProvider

CHECKOUT = ROOT / "examples" / "checkout.yaml"
PROGRAM = ROOT / "examples" / "load.py"
CUSTOM = """\
name: habits
target: ${TARGET}
load: {users: 3, duration: 2s}
load_engine: {name: custom, files: [load.py], command: python3 load.py}
"""
REGIONS = ("us-east-1", "eu-west-1")
CUSTOM_FILE = "habits.yaml"
USERS = "200"
"""No more injectors than any plan allows."""

PACE_S = 0.3
DISK = "16m"
TEST_CLOCK_AT = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
ACCOUNT = "acme"

MONEY: Sequence[Table] = (
    tables.TRANSACTIONS,
    tables.POSTINGS,
    tables.LOTS,
    tables.LOT_CLOSURES,
    tables.SUBSCRIPTIONS,
    tables.PERIODS,
    tables.INVOICES,
    tables.INVOICE_LINES,
    tables.PAYMENTS,
    tables.DEPARTMENT_LOTS,
    tables.EXTRA_PURCHASES,
)
"""Where it is written what somebody owes, pays or has."""

Rows = Mapping[str, Sequence[str]]


def boot_s() -> float:
    """Seconds since this computer was started, as processes are dated."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class Home:
    """What a session has: a folder, a database in it, an account, and its own time.

    Attributes:
        session: Whose.
        folder: All that its commands leave is in it; on a small disk, if that fills.
        logs: What they said, elsewhere.
        rehearsal_url: The AWS that all sessions share.
        shop_url: The target of real load.
        small_disk: It can be filled.
        began_s: When it was made, since this computer was started.
    """

    session: Session
    folder: Path
    logs: Path
    rehearsal_url: str
    shop_url: str
    small_disk: bool
    began_s: float = field(default_factory=boot_s, init=False)
    _clock: StartingClock = field(default_factory=lambda: StartingClock(TEST_CLOCK_AT), init=False)

    @cached_property
    def engine(self) -> Engine:
        """The same database, from this process."""
        return Engine(
            self.url,
            clock=self._clock if self.session.test_clock else SystemClock(),
            folder=self.folder / "books.db.runs",
            environment={},
        )

    @property
    def url(self) -> str:
        """Of the database."""
        return f"sqlite:///{self.folder / 'books.db'}"

    @property
    def environment(self) -> Mapping[str, str]:
        """Of every command."""
        return {
            "LOADMUSTER_DB": self.url,
            "LOADMUSTER_REHEARSAL": self.rehearsal_url,
            FOLDER_VARIABLE: str(self.folder / "calibrations"),
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "TERM": "xterm-256color",
        }

    def run(self, request_id: str) -> Sequence[str]:
        """``loadmuster run`` of that request."""
        here = ("--set", f"TARGET={self.shop_url}")
        source = CHECKOUT
        where: Sequence[str]
        if self.session.rehearsed:
            where = ("--provider", self.session.provider, "--dry-run", "--users", USERS)
            where = (*where, "--speed", str(self.session.speed))
        elif self.session.custom:
            source, where = self.folder.parent / CUSTOM_FILE, here
        else:
            where = ("--users", "3", "--duration", "2s", *here)
        named = ("--account", ACCOUNT, "--request-id", request_id)
        return ("run", str(source), *named, *where)

    @property
    def now(self) -> Sequence[str]:
        """The clock that the account lives by, as a command is told."""
        return ("--now", self.engine.clock.now().isoformat()) if self.session.test_clock else ()

    @property
    def wrong_clock(self) -> Sequence[str]:
        """Another one: years ahead, or on a test clock the real one."""
        ahead = SystemClock().now() + timedelta(days=730)
        return () if self.session.test_clock else ("--now", ahead.isoformat())

    def runs(self) -> Sequence[Run]:
        """All that are on record, newest first; none while the database cannot be read."""
        with suppress(LoadmusterError):
            return self.engine.runs.list()
        return ()

    def recorded(self, request_id: str) -> Run | None:
        """The run of a request; None: it was not accepted."""
        from engine.runs.model.tables import RUNS

        with self.engine._context.reading() as conn:
            run_id = conn.execute(
                select(RUNS.c.id).where(RUNS.c.request_id == request_id)
            ).scalar_one_or_none()
        return None if run_id is None else self.engine.runs.store.load(run_id)

    def money(self) -> Rows:
        """Every row that says what is owed, paid or had."""
        with reading(self.engine._context.db) as conn:
            return {
                table.name: sorted(map(str, conn.execute(select(table)).all())) for table in MONEY
            }

    def fill(self) -> None:
        """Leave no room on the disk."""
        with suppress(OSError), (self.folder / "filling").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def make_room(self) -> None:
        """Take away what filled the disk."""
        (self.folder / "filling").unlink(missing_ok=True)


@dataclass
class Ground:
    """The cloud and the shop that all sessions share, and a folder for their homes."""

    folder: Path
    rehearsal: Rehearsal
    shop_url: str
    migrated: Path
    _provider: AwsProvider

    @contextmanager
    def home(self, session: Session) -> Iterator[Home]:
        """A home for one session; it is removed afterwards, and its logs stay."""
        folder = self.folder / f"session-{session.number}"
        logs = self.folder / f"logs-{session.number}"
        folder.mkdir()
        logs.mkdir()
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            small = session.fills_disk and _mounted(folder, stack)
            shutil.copy(self.migrated, folder / "books.db")
            home = Home(session, folder, logs, self.rehearsal.endpoint_url, self.shop_url, small)
            stack.callback(home.engine.close)
            yield home

    def machines(self) -> Iterator[tuple[str, bool]]:
        """Of every machine that the cloud remembers: its run, and whether it is still there."""
        for region in REGIONS:
            pages: Any = self._provider._clients.ec2(region).get_paginator("describe_instances")
            for page in pages.paginate():
                for instance in [each for one in page["Reservations"] for each in one["Instances"]]:
                    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
                    yield tags.get(RUN_TAG, ""), instance["State"]["Name"] != "terminated"


@contextmanager
def made_ground(folder: Path) -> Iterator[Ground]:
    """A ground below a folder; its cloud and its shop end with it."""
    migrated = folder / "migrated.db"
    open_database(f"sqlite:///{migrated}").dispose()
    (folder / CUSTOM_FILE).write_text(CUSTOM)
    shutil.copy(PROGRAM, folder / PROGRAM.name)
    with running_shop() as shop_url:
        rehearsal = start_rehearsal_server(
            folder / "cloud", boot_s=PACE_S, shutdown_s=PACE_S, owner_pid=os.getpid()
        )
        try:
            provider = aws_rehearsal_provider(rehearsal.endpoint_url, SystemClock())
            yield Ground(folder, rehearsal, shop_url, migrated, provider)
        finally:
            rehearsal.stop()


def _mounted(folder: Path, stack: ExitStack) -> bool:
    """Whether the folder is a small disk of its own now, which takes rights to mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        return False
    stack.callback(_unmount, folder)
    return True


def _unmount(folder: Path) -> None:
    # Lazily: a fault that leaves a process there is told by what is checked, and keeps no disk.
    subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)  # noqa: S607 - wherever it is
