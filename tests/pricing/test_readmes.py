"""The READMEs of the money folders tell the truth: their tables are what the stories come to."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.database import open_database
from tests.pricing.stories import STORIES, Row

PRICING = Path(__file__).parents[2] / "pricing"


@pytest.fixture
def books(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """An open database with empty books; the rules are the same on PostgreSQL."""
    engine = open_database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'story.db')}")
    yield engine
    engine.dispose()


def table_under(readme: str, heading: str) -> list[Row]:
    """The rows of the first table under a heading, its head first."""
    section = readme.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in rows if not all(cell and set(cell) <= set("-:") for cell in row)]


@pytest.mark.parametrize("folder", STORIES)
def test_a_readmes_worked_example_is_what_happens(folder: str, books: Engine) -> None:
    told = table_under(
        (PRICING / folder / "README.md").read_text(encoding="utf-8"), "Worked example"
    )
    assert told == STORIES[folder](books)


@pytest.mark.parametrize("folder", STORIES)
def test_what_a_story_posts_sums_to_zero(folder: str, books: Engine) -> None:
    head, *rows = STORIES[folder](books)
    if "Ledger account" not in head:
        return
    for unit in ("USD", "LI-minutes"):
        amounts = [row[head.index(unit)].replace(",", "") for row in rows]
        assert round(sum(float(amount) for amount in amounts if amount), 2) == 0


def test_the_picture_of_the_stack_is_the_contracts() -> None:
    settings = tomllib.loads((PRICING.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each.get("containers") == ["pricing"])
    readme = (PRICING / "README.md").read_text(encoding="utf-8")
    picture = readme.split("```text\n", 1)[1].split("\n```", 1)[0]
    drawn = [line.split("  ", 1)[0].strip() for line in picture.splitlines()]
    assert drawn == layers


def test_every_floor_of_money_with_a_story_has_a_folder() -> None:
    assert all((PRICING / folder / "__init__.py").is_file() for folder in STORIES)
