"""The wheel as somebody installs it: with the core dependencies alone, and with its types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
CLIENT = """\
from loadmuster import Engine, RunRequest, estimate, read_scenario

reveal_type(estimate(read_scenario("checkout.yaml")))
with Engine() as engine:
    run = engine.runs.start("checkout.yaml", account="acme", regions=["eu-west-1"])
    reveal_type(engine.runs.show(run.id).bill)
    reveal_type(engine.run(RunRequest(source="checkout.yaml", account="acme", users=7)).outcome)
"""
REVEALED = (
    '3: note: Revealed type is "engine.planning.estimate.Estimate"',
    '6: note: Revealed type is "pricing.run_charges.bill.Bill | None"',
    '7: note: Revealed type is "engine.runs.model.states.Outcome | None"',
)
WRONG_CLIENT = """\
from loadmuster import Engine, RunRequest, Scenario, estimate

estimate(42)
engine = Engine(databse_url="sqlite://")
engine.runs.start("checkout.yaml", acount="acme")
engine.open_account("acme")
RunRequest(source="checkout.yaml")
"""


class Installed:
    """A fresh environment that has the wheel and what the core needs, and nothing else."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._bin = home / "venv" / "bin"

    def program(self, name: str) -> str:
        return str(self._bin / name)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command in a home of its own, where no file of the project lies."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"PYTHONPATH", "MYPYPATH", "VIRTUAL_ENV"}
        }
        return subprocess.run(
            command,
            cwd=self.home,
            env=environment | {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def told_of_types(self, **clients: str) -> dict[str, list[str]]:
        """What mypy says of each client, which knows the program from the wheel alone."""
        files = {f"{name}.py": source for name, source in clients.items()}
        for file, source in files.items():
            (self.home / file).write_text(source)
        told = self.run(
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--python-executable", self.program("python")),
            *("--config-file", os.devnull, "--cache-dir", str(self.home / "types"), *files),
        ).stdout.splitlines()
        return {name: [line for line in told if line.startswith(f"{name}.py:")] for name in clients}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp("wheel")
    built = home / "dist"
    _succeed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built))
    _succeed(sys.executable, "-m", "venv", "--without-pip", str(home / "venv"))
    (site,) = (home / "venv" / "lib").glob("python*/site-packages")
    for each in core_distributions():
        _link(each, site)
    (wheel,) = built.glob("*.whl")
    _succeed(
        *(sys.executable, "-m", "uv", "--no-cache", "--offline", "pip", "install", "--no-deps"),
        *("--python", str(home / "venv" / "bin" / "python"), str(wheel)),
    )
    return Installed(home)


def test_the_program_works_with_the_core_dependencies_alone(installed: Installed) -> None:
    names = ("boto3", "azure", "moto", "locust", "pytest", "mypy", "loadmuster", "tests")
    code = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)])"
    answer = installed.run(installed.program("python"), "-c", code, *names)
    assert answer.stdout.split() == ["loadmuster"]

    checkout = str(ROOT / "examples" / "checkout.yaml")
    answer = installed.run(installed.program("loadmuster"), "estimate", checkout, "--json")
    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert document["scenario"]["name"] == "checkout"
    assert document["fleet"]

    answer = installed.run(installed.program("python"), "-m", "loadmuster", "--help")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("Usage: loadmuster ")
    assert "estimate" in answer.stdout


@pytest.mark.early
def test_a_caller_sees_the_types_and_a_wrong_call_is_an_error(installed: Installed) -> None:
    told = installed.told_of_types(client=CLIENT, wrong=WRONG_CLIENT, readme=from_readme())
    assert told["readme"] == []
    assert told["client"] == [f"client.py:{each}" for each in REVEALED]
    errors = [int(line.split(":")[1]) for line in told["wrong"] if ": error: " in line]
    assert sorted(set(errors)) == [3, 4, 5, 6, 7], told["wrong"]


def from_readme() -> str:
    """What the README shows of Python, block after block."""
    _, _, shown = (ROOT / "README.md").read_text().partition("\n## From Python\n")
    section, _, _ = shown.partition("\n## ")
    blocks = [each.partition("```")[0] for each in section.split("```python\n")[1:]]
    assert blocks
    return "\n".join(blocks)


def core_distributions() -> Iterator[Distribution]:
    """What the core needs, and what that needs, as it is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting: list[str] = list(project["dependencies"])
    seen: set[str] = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(wanted.name)
        if name not in seen:
            seen.add(name)
            found = distribution(name)
            assert wanted.specifier.contains(found.version), wanted
            yield found
            waiting += found.requires or ()


def _link(installed_here: Distribution, site: Path) -> None:
    """The distribution's own files there too, without a copy where the disk allows it."""
    for each in installed_here.files or ():
        # Scripts lie outside; nobody calls them.
        if each.parts[0] == ".." or each.suffix == ".pyc":
            continue
        source, target = Path(str(installed_here.locate_file(each))), site / each
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(source)
        except OSError:
            shutil.copy2(source, target)


def _succeed(*command: str) -> None:
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert ended.returncode == 0, _told(command, ended)


def _told(command: Sequence[str], ended: subprocess.CompletedProcess[str]) -> str:
    return f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
