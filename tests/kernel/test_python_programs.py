"""No Python process of ours is started but by ``kernel.python_programs``."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import kernel
from kernel.python_programs import injector_interpreter, python_program

ROOT = Path(kernel.__file__).parents[1]
PACKAGES = ("kernel", "engine", "loadmuster", "pricing", "providers")
THE_ONE = ROOT / "kernel" / "python_programs.py"
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
INTERPRETERS = {"executable", "_base_executable"}
# They start interpreters of their own, with the working folder on the path.
STARTERS = {"multiprocessing", "ProcessPoolExecutor", "runpy"}


def starts(source: str) -> list[str]:
    """What in a module starts an interpreter, or knows where ours is."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name in INTERPRETERS:
                found.append(f"sys.{name}")
            case ast.Attribute(attr="ProcessPoolExecutor"):
                found.append("ProcessPoolExecutor")
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                module = getattr(node, "module", None) or ""
                words = {word for each in names for word in each.name.split(".")}
                words |= set(module.split("."))
                found += sorted(words & STARTERS)
                found += sorted(words & INTERPRETERS) if module == "sys" else []
            case (
                ast.List(elts=[ast.Constant(value=str() as program), *_])
                | ast.Tuple(elts=[ast.Constant(value=str() as program), *_])
            ) if Path(program).name.startswith("python"):
                found.append(program)
            case _:
                pass
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nrun([sys.executable, '-m', 'json'])",
        "from sys import executable",
        "run(['python3', 'x.py'])",
        "run(('/usr/bin/python', 'x.py'))",
        "import multiprocessing.pool",
        "from concurrent.futures import ProcessPoolExecutor",
        "from concurrent import futures\nfutures.ProcessPoolExecutor()",
    ],
)
def test_the_search_finds_every_way_to_start_an_interpreter(source: str) -> None:
    assert starts(source)


def test_no_module_starts_an_interpreter_by_itself() -> None:
    assert len(MODULES) > 300
    found = {
        str(path.relative_to(ROOT)): starts(path.read_text(encoding="utf-8"))
        for path in MODULES
        if path != THE_ONE
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_the_working_folder_is_kept_off_the_path_and_the_environment_is_left_alone() -> None:
    assert python_program("json.tool", "--indent", "2") == [
        *(sys.executable, "-P", "-m", "json.tool"),
        *("--indent", "2"),
    ]
    assert injector_interpreter() == {"LOADMUSTER_PYTHON": sys.executable}
