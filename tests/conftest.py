"""Databases for every test that needs one, on SQLite and on PostgreSQL, a shop, and an instant."""

from __future__ import annotations

import gc
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from engine.calibrating.place import FOLDER_VARIABLE
from engine.database import connect, open_database
from tests import outside_guard, postgres
from tests.compiled_once import compiled_once
from tests.owned import running_shop

# How long an example takes, or to think of one, says how busy the machine is and nothing else.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Real clouds only on request, and how hard to try controllers that share a database."""
    parser.addoption(
        "--cloud", action="store_true", help="hold the provider contract on real accounts too"
    )
    group = parser.getgroup("many controllers")
    group.addoption("--many-runs", type=int, default=30, help="runs that controllers share")
    group.addoption("--kill-every-s", type=float, default=3.0, help="seconds between two kills")
    group.addoption("--kills", type=int, default=3, help="most controllers killed")


def pytest_configure() -> None:
    """What tests start hears what it is told to, however they are started themselves.

    A shell that starts them in the background has all of it deaf to Ctrl-C, and ``nohup`` to a
    terminal that closes.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection() -> None:
    """Modules and tests are there to stay: to look for garbage meanwhile takes a quarter longer."""
    gc.disable()


def pytest_collection_finish() -> None:
    """And they are not looked at again, each time that garbage is collected."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every other worker begins with its share of the longest tests: none is left for the end.

    The longest wait for processes most of the time, while those of other workers compute.
    pytest-xdist gives each worker an equal stretch of the list, and lets the idle take from the
    ends of others' stretches. Every worker has to arrive at the same list.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    early = [item for item in items if item.get_closest_marker("early")]
    late = iter([item for item in items if not item.get_closest_marker("early")])
    waiting = len(range(0, workers, 2))
    cuts = [len(items) * number // workers for number in range(workers + 1)]
    arranged: list[pytest.Item] = []
    for number, end in enumerate(cuts[1:]):
        if number % 2 == 0:
            arranged += early[number // 2 :: waiting]
        arranged += islice(late, max(0, end - len(arranged)))
    items[:] = [*arranged, *late]


@pytest.fixture(autouse=True)
def calibrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of each test's own for what is measured."""
    folder = tmp_path / "calibrations"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def _watched_doors() -> Iterator[None]:
    """Calls to the outside are watched, whatever test makes them."""
    with outside_guard.guarded():
        yield


@pytest.fixture(autouse=True)
def _no_call_in_a_transaction() -> Iterator[None]:
    """No test calls anything outside with a transaction open."""
    outside_guard.CAUGHT.clear()
    yield
    assert outside_guard.CAUGHT == []


@pytest.fixture(scope="session", autouse=True)
def _bundled_prices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever catalogue the developer has refreshed, tests use the bundled one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOADMUSTER_CATALOG", str(tmp_path_factory.mktemp("catalog")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _unflushed() -> Iterator[None]:
    """What tests commit here need not outlive the machine: they end processes."""
    flushed = "synchronous = FULL"
    assert flushed in connect._PRAGMAS
    others = tuple(pragma for pragma in connect._PRAGMAS if pragma != flushed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connect, "_PRAGMAS", ("synchronous = OFF", *others))
        yield


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture
def now() -> datetime:
    """25 January 2027, 10:15 in Paris."""
    return datetime(2027, 1, 25, 9, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The URL of a shop on loopback to put load on."""
    with running_shop() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Engine]:
    """A PostgreSQL server of this worker's own, by its administrative connection."""
    with postgres.postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with empty books, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "books.db"
    open_database(f"sqlite:///{file}").dispose()
    return file


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Engine) -> str:
    """Name of a PostgreSQL database with empty books, to be copied."""
    return postgres.migrate_template(postgres_server)


@pytest.fixture(params=["sqlite", "postgres"])
def blank_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'blank.db'}"
    else:
        with postgres.copied_database(
            request.getfixturevalue("postgres_server"), "template1"
        ) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database, its books empty."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "books.db")
        yield f"sqlite:///{file}"
    else:
        template = request.getfixturevalue("migrated_template")
        with postgres.copied_database(request.getfixturevalue("postgres_server"), template) as url:
            yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Engine]:
    """An open database with empty books."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()
