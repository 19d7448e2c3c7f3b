"""The command line as a program of its own, on a fresh database, against a shop on loopback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO, Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from engine.runs.model.states import RunState
from loadmuster.cli.main import main
from tests.command_line import Answer
from tests.patience import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = (sys.executable, "-m", "loadmuster.cli")
CHARGED = (sys.executable, "-m", "tests.real_charges")
"""The same; runs that it accepts are charged as if their cloud were real."""

OTHER_LOADS = {
    "LOCUST_MODE_WORKER": "true",
    "LOCUST_PROCESSES": "4",
    "LOCUST_RESET_STATS": "true",
    "LOCUST_RUN_TIME": "1s",
    "LOCUST_STOP_TIMEOUT": "600",
    "LOCUST_TAGS": "none-such",
    "LOCUST_USER_CLASSES": "NoSuchUser",
    "K6_VUS": "1000",
    "JAVA_OPTS": "-Xmx1m",
    "JVM_ARGS": "-Xmx1m",
}
"""What somebody's shell may hold for loads of theirs; it must reach none of ours."""

STATES: list[str] = list(RunState)
"""In the order in which a run has them."""

LOCUST_CONF = "reset-stats = true\nrun-time = 1s\ntags = none-such\n"


class CommandLine(Struct, frozen=True):
    """loadmuster in a home of its own, with settings around it that are for something else."""

    home: Path
    program: tuple[str, ...] = PROGRAM

    @property
    def charged(self) -> CommandLine:
        """The same, where processes accept runs that are charged as if their cloud were real."""
        return replace(self, program=CHARGED)

    @property
    def database(self) -> Path:
        return self.home / "books.db"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "LOADMUSTER_DB": f"sqlite:///{self.database}",
            "COLUMNS": "100",
            **OTHER_LOADS,
        }

    def __call__(self, *arguments: str) -> Answer:
        ended = self.printing_to(subprocess.PIPE, *arguments)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def printing_to(
        self, out: IO[str] | int, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The command once it has ended, its standard output being wherever it is wanted."""
        return subprocess.run(
            [*self.program, *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def here(self, *arguments: str, **environment: str) -> Answer:
        """The command in this process: quick, for what ends before anything starts."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(ROOT)
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main(arguments)
        assert isinstance(end.value.code, int)
        return Answer(end.value.code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in a process group of its own, as a terminal starts it."""
        return subprocess.Popen(
            [*self.program, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def until_state(
        self, state: str, process: subprocess.Popen[str] | None = None
    ) -> dict[str, Any]:
        """The newest run, as soon as it is seen in a state, or beyond: a look may come late."""
        return self.until(lambda run: STATES.index(run["state"]) >= STATES.index(state), process)

    def until(
        self,
        happened: Callable[[dict[str, Any]], bool],
        process: subprocess.Popen[str] | None = None,
    ) -> dict[str, Any]:
        """The newest run, as soon as what is waited for has happened to it.

        Args:
            happened: Takes the run as ``loadmuster runs`` tells of it.
            process: What makes it happen; once it has ended, nobody waits any longer.
        """

        def look() -> dict[str, Any] | None:
            over = process is not None and process.poll() is not None
            runs = self.here("--json", "runs").json["runs"]
            if runs and happened(runs[0]):
                run: dict[str, Any] = runs[0]
                return run
            assert not over, (runs, process and process.communicate())
            return None

        seen = until(look, every_s=0.25)
        assert seen is not None
        return seen


@pytest.fixture
def loadmuster(tmp_path: Path) -> CommandLine:
    """The command line with nothing on record."""
    (tmp_path / ".locust.conf").write_text(LOCUST_CONF)
    return CommandLine(tmp_path)


@pytest.fixture
def acme(loadmuster: CommandLine) -> CommandLine:
    """The command line with an account on demand."""
    assert loadmuster.here("account", "open", "acme").code == 0
    return loadmuster
