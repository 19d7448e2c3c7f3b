"""No code outside a cloud's own rooms knows a cloud by name: it reads the table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.clouds import CLOUDS

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("engine", "loadmuster", "pricing", "kernel")
NAMES = re.compile(rf"\b({'|'.join(CLOUDS)})\b", re.IGNORECASE)

ROOMS = (
    "engine/clouds/{cloud}.py",
    "engine/runs/clouds/{cloud}.py",
    "engine/catalogs/{cloud}.py",
    "pricing/catalog/clouds/{cloud}.py",
    "pricing/refreshing/{cloud}_*.py",
)
"""Each cloud's own: its facts, what connects it, and how its price list is read."""

KNOWN = {
    ("pricing/plans/channels.py", "aws-marketplace"): "AWS's shop, which collects for us",
    ("loadmuster/cli/account.py", "aws-marketplace"): "the same",
    (
        "engine/load_engines/user_figures.py",
        "Azure Load Testing, at most",
    ): "the source of a figure",
}
"""Where else a cloud is named, the text's beginning, and why."""


def strings(source: str) -> Iterator[str]:
    """The strings of a module that are neither documentation nor what ``__all__`` exports."""
    tree = ast.parse(source)
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            left_out |= {id(each) for each in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in left_out:
            yield from [node.value] if isinstance(node.value, str) else []


def rooms() -> set[Path]:
    return {
        path for cloud in CLOUDS for room in ROOMS for path in ROOT.glob(room.format(cloud=cloud))
    }


def named() -> Iterator[tuple[str, str]]:
    """Module and text, wherever code names a cloud outside its rooms."""
    own = rooms()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path not in own:
                for text in strings(path.read_text(encoding="utf-8")):
                    if NAMES.search(text):
                        yield path.relative_to(ROOT).as_posix(), text


def test_a_cloud_is_named_in_its_rooms_only() -> None:
    found = set(named())
    unknown = {
        (path, text)
        for path, text in found
        if not any(path == known and text.startswith(begin) for known, begin in KNOWN)
    }
    assert not unknown
    for known, begin in KNOWN:
        assert any(path == known and text.startswith(begin) for path, text in found), begin


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_cloud_has_its_rooms(cloud: str) -> None:
    for room in ROOMS:
        assert list(ROOT.glob(room.format(cloud=cloud))), room
    assert (ROOT / "providers" / cloud).is_dir()


def test_the_check_sees_what_it_looks_for() -> None:
    source = f'"""{" and ".join(CLOUDS)}."""\nx = ["{next(iter(CLOUDS))}"]\ny = f"on {{x}} AWS"\n'
    assert [text for text in strings(source) if NAMES.search(text)] == ["aws", " AWS"]
