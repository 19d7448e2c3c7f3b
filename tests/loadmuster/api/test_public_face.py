"""``loadmuster`` is what callers import, and commands close what they open."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy

import engine
import loadmuster
import loadmuster.cli
from engine import database
from kernel.data_folder import data_folder
from tests.command_line import here

CHECKOUT = Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml"
ROOTS = ("loadmuster", "engine", "pricing", "providers", "kernel")
OPENERS = {"Engine", "open_database", "create_engine"}


@pytest.mark.parametrize("face", [loadmuster, engine], ids=lambda face: face.__name__)
def test_every_public_name_is_there_and_types_know_it(face: ModuleType) -> None:
    names = face.__all__
    assert list(names) == sorted(names, key=lambda name: (name.islower(), name))
    assert set(names) == set(face._HOMES)
    for name in names:
        assert getattr(face, name) is getattr(importlib.import_module(face._HOMES[name]), name)
    assert face.__file__ is not None
    assert imported_for_types(Path(face.__file__)) == set(names)
    with pytest.raises(AttributeError, match="has no attribute 'Engin'"):
        _ = face.Engin


def test_the_face_has_all_that_the_engine_has() -> None:
    assert set(engine.__all__) < set(loadmuster.__all__)
    assert dir(loadmuster) == loadmuster.__all__


def imported_for_types(file: Path) -> set[str]:
    """The names that a module imports for type checkers only."""
    return {
        alias.name
        for block in ast.parse(file.read_text()).body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def test_the_face_alone_imports_nothing_of_weight() -> None:
    program = "import sys, loadmuster; print(*{name.partition('.')[0] for name in sys.modules})"
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "loadmuster" in imported
    assert not {"engine", "kernel", "msgspec", "click", "sqlalchemy"}.intersection(imported)


def test_every_package_says_that_it_is_typed() -> None:
    for root in ROOTS:
        module = importlib.import_module(root)
        assert module.__file__ is not None
        assert (Path(module.__file__).parent / "py.typed").is_file(), root


def test_no_command_opens_a_database_past_the_engine_that_is_closed_for_it() -> None:
    folder = Path(str(loadmuster.cli.__file__)).parent
    opened = {
        (file.name, node.func.id)
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in OPENERS
    }
    assert opened == {("settings.py", "Engine")}


@pytest.mark.parametrize(
    "words",
    [
        ("estimate", str(CHECKOUT), "--account", "acme"),
        ("account", "show", "acme"),
        ("account", "show", "nobody"),
        ("run", str(CHECKOUT), "--account", "acme", "--queue"),
        ("runs",),
        ("doctor", "--provider", "local"),
    ],
    ids=" ".join,
)
def test_a_command_lets_go_of_its_database(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = here(capsys, "--db", f"sqlite:///{tmp_path / 'loads.db'}")
    assert command("account", "open", "acme").code == 0
    opened: list[sqlalchemy.Engine] = []
    left: list[sqlalchemy.Engine] = []
    real = database.open_database

    def noted(url: str | None = None, *, at_first_write: bool = False) -> sqlalchemy.Engine:
        made = real(url, at_first_write=at_first_write)
        opened.append(made)
        sqlalchemy.event.listen(made, "engine_disposed", left.append)
        return made

    monkeypatch.setattr(database, "open_database", noted)
    command(*words)
    assert opened, "it has used the database"
    assert left == opened


def test_an_engine_reads_the_environment_that_it_is_given(tmp_path: Path) -> None:
    environment = {"LOADMUSTER_CATALOG": str(tmp_path / "prices")}
    here_only = engine.Engine(environment=environment)
    assert here_only.catalog.versions().folder == tmp_path / "prices"
    assert engine.Engine(environment={}).catalog.versions().folder == data_folder({}) / "catalog"


def test_an_engine_without_a_database_uses_the_one_that_the_environment_names(
    tmp_path: Path,
) -> None:
    named = {"LOADMUSTER_DB": f"sqlite:///{tmp_path / 'named.db'}"}
    with loadmuster.Engine(environment=named) as opened:
        opened.accounts.open("acme")
    given = f"sqlite:///{tmp_path / 'given.db'}"
    with loadmuster.Engine(given, environment=named) as opened:
        assert list(opened.accounts.list()) == []
    assert (tmp_path / "named.db").exists()
    empty = {"LOADMUSTER_DB": "", "XDG_DATA_HOME": str(tmp_path)}
    with loadmuster.Engine(given, environment=empty) as opened:
        assert list(opened.accounts.list()) == []
