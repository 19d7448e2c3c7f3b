"""The tables of a run's result, by request and over time: in a row of their own, packed.

Whoever lists runs reads none of them, and they take a twentieth of what they would as text.
"""

from __future__ import annotations

import zlib

from msgspec import Struct, json
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, insert, select

from engine.load.driver import LoadResult
from engine.load.figures import RequestFigures, Window
from engine.runs.model.tables import RUN_TABLES

_CONTENT = select(RUN_TABLES.c.content).where(RUN_TABLES.c.run_id == bindparam("of"))


class ResultTables(Struct, frozen=True):
    """What is kept apart from the rest of a result."""

    by_request: tuple[RequestFigures, ...]
    windows: tuple[Window, ...]


def without_tables(result: LoadResult) -> LoadResult:
    """What is kept with the run."""
    return replace(result, by_request=(), windows=())


def keep_tables(conn: Connection, run_id: str, result: LoadResult) -> None:
    """Write them down, once, inside the caller's transaction; nothing where there is none."""
    if not (result.by_request or result.windows):
        return
    tables = ResultTables(result.by_request, result.windows)
    content = zlib.compress(json.encode(tables))
    conn.execute(insert(RUN_TABLES).values(run_id=run_id, content=content))


def with_tables(conn: Connection, run_id: str, result: LoadResult) -> LoadResult:
    """The result as it was measured."""
    content = conn.execute(_CONTENT, {"of": run_id}).scalar_one_or_none()
    if content is None:
        return result
    tables = json.decode(zlib.decompress(content), type=ResultTables)
    return replace(result, by_request=tables.by_request, windows=tables.windows)
