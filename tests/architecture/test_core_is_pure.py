"""The core computes: no clock, environment, randomness or file reaches it but as an argument."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from engine import compare, estimate, read_scenario, sweep
from engine.planning.cost_curves import cost_curves
from engine.planning.estimate import Estimate
from pricing.catalog import Catalog

ROOT = Path(__file__).parents[2]
CHECKOUT = ROOT / "examples" / "checkout.yaml"
TODAY = date(2026, 11, 30)

CORE = (
    *(
        "engine/scenario/scenario.py",
        "engine/scenario/json.py",
        "engine/scenario/profile.py",
        "engine/scenario/program.py",
    ),
    *(
        "engine/planning",
        "engine/runs/decide.py",
        "engine/runs/model/states.py",
        "engine/runs/model/codec.py",
    ),
    *("engine/runs/acceptance.py", "engine/sweeping", "kernel/division.py", "kernel/errors.py"),
    *("kernel/durations.py", "kernel/plain.py"),
    *(
        "pricing/money.py",
        "pricing/periods.py",
        "pricing/plans/model.py",
        "pricing/plans/quotes.py",
    ),
    *("pricing/tariffs", "pricing/run_charges/caps.py"),
)
READS_DATA = (
    *("pricing/plans/file.py", "pricing/plans/on_sale.py", "pricing/strict_toml.py"),
    *("pricing/catalog/catalog.py", "pricing/catalog/tables.py"),
)
"""What reads files of figures, of the caller's choice or bundled; else as pure as the core."""

WRITES_COLUMNS = frozenset(
    {"files.py", "spread.py", "table_files.py", "sorting.py", "frames.py", "cost_lines.py"}
)
"""The sweep's own rim: files of columns in and out."""

IMPURE_MODULES = frozenset({"random", "secrets", "uuid", "socket", "subprocess"})
IMPURE_NAMES = frozenset({"environ", "environb", "getenv", "urandom"})
IMPURE_CALLS = frozenset(
    f"{of}.{name}"
    for of, names in {
        "time": ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep"),
        "datetime": ("now", "utcnow", "today"),
        "date": ("today",),
        "os": ("open", "stat", "listdir", "scandir"),
    }.items()
    for name in names
)
FILE_CALLS = frozenset({"open", "read_text", "read_bytes", "write_text", "write_bytes"})


def _modules(places: tuple[str, ...]) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        assert path.exists(), f"{place} has moved: say where the core is"
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


CORE_MODULES = [path for path in _modules(CORE) if path.name not in WRITES_COLUMNS]
DATA_MODULES = list(_modules(READS_DATA))


def _impurities(tree: ast.AST, *, may_open: bool = False) -> Iterator[str]:
    for node in ast.walk(tree):
        if any(_is_impure(name) for name in _names(node)) or (not may_open and _opens_a_file(node)):
            yield ast.unparse(node)


def _names(node: ast.AST) -> Iterator[str]:
    """What a node imports or looks up, with dots."""
    match node:
        case ast.Import(names):
            yield from (each.name for each in names)
        case ast.ImportFrom(module=str(module), names=names):
            yield from (f"{module}.{each.name}" for each in names)
        case ast.Attribute():
            yield ast.unparse(node)


def _is_impure(name: str) -> bool:
    first, *_ = parts = name.split(".")
    return (
        first in IMPURE_MODULES or parts[-1] in IMPURE_NAMES or ".".join(parts[-2:]) in IMPURE_CALLS
    )


def _opens_a_file(node: ast.AST) -> bool:
    match node:
        case ast.Call(ast.Name("open")):
            return True
        case ast.Call(ast.Attribute(attr=name)):
            return name in FILE_CALLS
    return False


@pytest.mark.parametrize("path", CORE_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_core_looks_outside(path: Path) -> None:
    assert list(_impurities(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", DATA_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_reads_figures_reads_files_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(_impurities(tree, may_open=True)) == []


@pytest.mark.parametrize(
    "line",
    [
        "import os\nx = os.environ",
        "import os\nx = os.getenv('X')",
        "from os import environ",
        "from os import getenv as asked",
        "import time\nx = time.time()",
        "import time\nx = time.time",
        "from time import time",
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import datetime\nx = datetime.now",
        "from datetime import date\nx = date.today()",
        "import random",
        "from secrets import token_hex",
        "def f():\n    import secrets",
        "def f(path):\n    return open(path)",
        "def f(path):\n    return path.open()",
        "def f(path):\n    return path.read_text()",
    ],
)
def test_the_walk_sees_each_way_out(line: str) -> None:
    assert list(_impurities(ast.parse(line)))


class _NobodyLooks(dict[str, str]):
    """An environment that nobody may look at."""

    def _refuse(self, *_: object) -> NoReturn:
        raise AssertionError("the core looked at the environment")

    __getitem__ = __contains__ = __iter__ = __len__ = get = keys = items = values = _refuse


def _computed() -> tuple[Estimate, Mapping[str, object]]:
    scenario = read_scenario(CHECKOUT)
    catalog = Catalog.bundled()
    estimated = estimate(scenario, catalog=catalog, at=TODAY)
    return estimated, {
        "compared": compare(scenario, catalog=catalog, at=TODAY).rows,
        "curves": cost_curves(scenario, ["starter"], catalog=catalog, at=TODAY),
        "swept": sweep({"users": [1_000], "duration_s": [600]}, at=TODAY).usd_micros.tolist(),
    }


def test_an_estimate_does_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    as_ever = _computed()
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", _NobodyLooks())
        with pytest.raises(AssertionError, match="looked at the environment"):
            os.getenv("HOME")
        assert _computed() == as_ever


def test_an_estimate_without_plans_quotes_the_bundled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the operator's environment says: the rim chooses other plans, and passes them."""
    monkeypatch.setenv("LOADMUSTER_PLANS", str(tmp_path / "nowhere.toml"))
    quoted = [offer.name for offer in _computed()[0].quotes if offer.quote is not None]
    assert quoted == ["on-demand", "starter"]
