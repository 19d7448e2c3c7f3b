"""The bundled catalogue, scenario files, and golden files that ``--update-goldens`` rewrites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from pricing.catalog import Catalog

FOLDER = Path(__file__).parent

Golden = Callable[[str, str], None]
Write = Callable[[str], Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="rewrite the golden files of the estimate"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with its golden file."""

    def compare(name: str, text: str) -> None:
        path = FOLDER / "goldens" / name
        if request.config.getoption("--update-goldens", default=False):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name}; pytest --update-goldens"

    return compare


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a scenario file; its name ends as its content does."""

    def write_file(text: str) -> Path:
        path = tmp_path / ("test.json" if text.startswith("{") else "test.yaml")
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture(scope="session")
def small_catalog() -> Catalog:
    """Few machine types at prices that stay as they are."""
    return Catalog(FOLDER / "catalog")


@pytest.fixture(scope="session")
def example() -> Path:
    """The example that the demonstration uses."""
    return FOLDER.parent.parent / "examples" / "checkout.yaml"


@pytest.fixture
def thousand_users() -> Scenario:
    """1,000 HTTP users for 40 minutes."""
    return Scenario("thousand", Protocol.HTTP, closed([(0, 1000), (2400, 1000)]))
