"""The reference of the Python API: what to list is read from the packages, the rest is docstrings.

``FACE`` is the package that programs import; each public name in its ``__all__`` is shown where it
is defined. ``PACKAGES`` are shown whole, module by module, so that a module that is added, moved
or renamed needs no line here.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

FACE = "loadmuster"
PACKAGES = (
    "engine.api",
    "engine.commands",
    "engine.scenario",
    "engine.runs.view",
    "engine.runs.model.states",
    "engine.planning.estimate",
    "engine.planning.requirement",
    "engine.planning.compare",
    "pricing.plans",
    "pricing.reports",
    "providers.contract",
    "kernel",
)
MODULES_HEAD = """# Python, by module

What the names on [Python](python.md) take and return, module by module. Values are frozen; units
stand last in names; amounts of money are integers of micro-dollars.
"""


def face_page(root: Path) -> str:
    """The public names, after what is written of them by hand."""
    face = importlib.import_module(FACE)
    written = (root / "docs" / "generate" / "python.md").read_text(encoding="utf-8")
    homes = sorted({_home(getattr(face, name)) for name in face.__all__})
    return written + "".join(f"\n::: {home}\n" for home in homes if not _is_listed(home))


def _home(value: object) -> str:
    module = getattr(value, "__module__", None)
    assert isinstance(module, str), value
    return f"{module}.{getattr(value, '__qualname__', '')}"


def _is_listed(home: str) -> bool:
    """Whether the page of modules shows it: a name has one place on the site."""
    return any(home.startswith(f"{each}.") for each in PACKAGES)


def modules_page() -> str:
    """Every module of the packages that programs meet."""
    modules = (each for name in PACKAGES for each in _modules(importlib.import_module(name)))
    return MODULES_HEAD + "".join(f"\n::: {each}\n" for each in modules)


def _modules(package: ModuleType) -> list[str]:
    names = [package.__name__]
    if hasattr(package, "__path__"):
        found = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        names += [each.name for each in found if not each.name.rpartition(".")[2].startswith("_")]
    return names
