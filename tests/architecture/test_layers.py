"""No circle: neither of modules nor of folders, deferred imports counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.imports import cycle_of, folder_arrows, module_arrows, modules_of

HOME = Path(__file__).parents[2]

ROOTS = ("engine", "kernel", "loadmuster", "pricing", "providers")


@pytest.mark.parametrize("root", ROOTS)
def test_no_module_imports_itself_by_way_of_others(root: str) -> None:
    assert cycle_of(module_arrows(modules_of(HOME / root))) == ()


@pytest.mark.parametrize("root", ROOTS)
def test_no_folder_imports_itself_by_way_of_others(root: str) -> None:
    modules = modules_of(HOME / root)
    assert cycle_of(folder_arrows(modules, module_arrows(modules))) == ()


def test_every_folder_of_a_root_is_looked_at() -> None:
    modules = modules_of(HOME / "pricing")
    folders = folder_arrows(modules, module_arrows(modules))
    assert {str(path.parent) for path in (HOME / "pricing").rglob("*.py")} == set(folders)
    assert str(HOME / "pricing" / "ledger") in folders[str(HOME / "pricing" / "accounts")]


@pytest.mark.parametrize(
    "back",
    [
        "from house.cellar.wine import Bottle",
        "from house.cellar import wine",
        "import house.cellar.wine",
        "from ..cellar.wine import Bottle",
        "def drink():\n    from house.cellar.wine import Bottle",
        "if TYPE_CHECKING:\n    from house.cellar.wine import Bottle",
    ],
)
def test_a_circle_is_found_however_it_is_imported(tmp_path: Path, back: str) -> None:
    _write(tmp_path / "house" / "cellar" / "wine.py", "from house.attic.chest import Lid")
    _write(tmp_path / "house" / "attic" / "chest.py", back)
    modules = modules_of(tmp_path / "house")
    arrows = module_arrows(modules)
    assert set(cycle_of(arrows)) == {"house.attic.chest", "house.cellar.wine"}
    assert set(cycle_of(folder_arrows(modules, arrows))) == {
        str(tmp_path / "house" / "attic"),
        str(tmp_path / "house" / "cellar"),
    }


def test_a_circle_of_folders_alone_is_found(tmp_path: Path) -> None:
    _write(tmp_path / "house" / "cellar" / "wine.py", "from house.attic.chest import Lid")
    _write(tmp_path / "house" / "attic" / "window.py", "from house.cellar.shelf import Board")
    _write(tmp_path / "house" / "attic" / "chest.py", "")
    _write(tmp_path / "house" / "cellar" / "shelf.py", "")
    modules = modules_of(tmp_path / "house")
    arrows = module_arrows(modules)
    assert cycle_of(arrows) == ()
    assert len(set(cycle_of(folder_arrows(modules, arrows)))) == 2


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
