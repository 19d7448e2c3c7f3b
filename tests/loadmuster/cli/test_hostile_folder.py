"""A working folder that holds modules by the names of ours, and a controller that cannot start."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from engine.api import Engine
from engine.readers import read_scenario
from engine.runs import detached
from engine.runs.model.errors import ControllerNotStartedError
from kernel.python_programs import python_program
from tests.command_line import Answer
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

ROOT = Path(__file__).resolve().parents[3]
CHECKOUT = str(ROOT / "examples" / "checkout.yaml")
RAISES = 'raise RuntimeError(f"{__file__} was imported")\n'
FOLDERS = ("engine", "kernel", "loadmuster", "pricing", "providers", "tenacity")
FILES = ("boto3", "json", "locust", "msgspec", "moto", "shutil", "sqlalchemy", "yaml")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose modules raise as soon as one of them is imported."""
    folder = tmp_path / "hostile"
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(RAISES)
    for name in FILES:
        (folder / f"{name}.py").write_text(RAISES)
    return folder


def loadmuster_in(folder: Path, acme: CommandLine, *arguments: str) -> Answer:
    """The console script, started in that folder."""
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("loadmuster")), *arguments],
        cwd=folder,
        env=acme.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize("provider", ["local", "aws", "azure"])
def test_a_detached_run_ends_well_wherever_it_is_started(
    provider: str, hostile: Path, acme: CommandLine, shop: str
) -> None:
    where = (
        ("--users", "4", "--duration", "2s", "--set", f"TARGET={shop}")
        if provider == "local"
        else ("--dry-run", "--speed", "600")
    )
    answer = loadmuster_in(
        hostile,
        acme,
        *("run", CHECKOUT, "--account", "acme", "--provider", provider, *where),
        *("--detach", "--json"),
    )
    assert answer.code == 0, answer.err
    assert answer.err == ""

    run = ended(acme, answer.json["id"])

    assert run["outcome"] == "completed", run
    log = acme.home / "books.db.runs" / run["id"] / detached.LOG
    assert "Traceback" not in log.read_text()


@pytest.mark.early
def test_a_rehearsal_with_load_ends_well_wherever_it_is_started(
    hostile: Path, acme: CommandLine, shop: str
) -> None:
    answer = loadmuster_in(
        hostile,
        acme,
        *("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run", "--with-load"),
        *("--users", "4", "--duration", "2s", "--set", f"TARGET={shop}", "--json"),
    )
    assert (answer.code, answer.json["outcome"]) == (0, "completed"), answer.err


def ended(acme: CommandLine, run_id: str) -> dict[str, Any]:
    """The run, once it has ended by itself."""
    deadline_s = time.monotonic() + 90
    while True:
        run: dict[str, Any] = acme.here("--json", "show", run_id).json
        if run["state"] == "ended":
            return run
        assert time.monotonic() < deadline_s, run
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("engine.no_such_program", "No module named engine.no_such_program"),
        # It ends after it has said something, and long before it drives anything.
        ("this", "Namespaces are one honking great idea -- let's do more of those!"),
    ],
)
def test_a_controller_that_does_not_start_is_one_line_and_the_run_can_be_started_again(
    program: str, why: str, acme: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsed = (
        *("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run"),
        *("--speed", "600", "--request-id", "build-7", "--detach", "--json"),
    )
    failing = ["sh", "-c", '"$@"; exit 3', "sh", *python_program(program)]
    with monkeypatch.context() as patch:
        patch.setattr(detached, "python_program", lambda *_: failing)
        answer = acme.here(*rehearsed)

    assert answer.code == 4
    assert answer.err.count("\n") == 1
    error = answer.json["error"]
    assert error["code"] == "controller_not_started"
    for word in (why, f"`loadmuster cancel {error['run']}`", "`loadmuster serve`", error["log"]):
        assert word in error["message"]
    assert acme.here("--json", "show", error["run"]).json["state"] == "accepted"

    again = acme.here(*rehearsed)
    assert (again.code, again.json["id"]) == (0, error["run"]), again.err
    assert ended(acme, error["run"])["outcome"] == "completed"


def test_a_controller_that_never_says_it_is_at_work_is_not_waited_for_without_end(
    acme: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "START_TIMEOUT_S", 0.5)
    monkeypatch.setattr(detached, "python_program", lambda *_: ["sleep", "600"])
    engine = Engine(f"sqlite:///{acme.database}")

    with pytest.raises(ControllerNotStartedError, match="not at work after"):
        engine.runs.start(read_scenario(CHECKOUT), account="acme", provider="aws", dry_run=True)
    engine.close()

    (run,) = acme.here("--json", "runs").json["runs"]
    assert acme.here("--json", "cancel", run["id"]).json["outcome"] == "cancelled"


def test_a_folder_that_cannot_be_written_is_one_line(
    acme: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "LOG", "no/such/folder.log")
    answer = acme.here(
        *("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run", "--detach")
    )
    assert (answer.code, answer.err.count("\n")) == (4, 1)
    assert "no/such/folder.log: No such file" in answer.err


def test_a_controller_that_cannot_reach_the_books_says_so(tmp_path: Path) -> None:
    books = tmp_path / "books.db"
    books.write_text("no database, but long enough to be read as the head of one " * 20)
    url = make_url(f"sqlite:///{books}")

    with pytest.raises(ControllerNotStartedError, match=r"books\.db.*not a") as refused:
        detached.spawn("run-0", url, tmp_path / "runs", test_clock=None)

    assert refused.value.facts["run"] == "run-0"
