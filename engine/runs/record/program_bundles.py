"""The files of the programs that put load on, on record for whichever controller drives a run."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from engine.database import reading
from engine.runs.model.tables import PROGRAM_BUNDLES
from pricing.tables import insert_once


def keep_bundle(conn: Connection, key: str, content: bytes) -> None:
    """Put the packed files on record, once for all runs of the same files."""
    insert_once(conn, PROGRAM_BUNDLES, ("key",), {"key": key, "content": content})


def find_bundle(db: Engine, key: str) -> bytes | None:
    """The packed files; None: they are not on record."""
    with reading(db) as conn:
        query = select(PROGRAM_BUNDLES.c.content).where(PROGRAM_BUNDLES.c.key == key)
        content = conn.execute(query).scalar_one_or_none()
    return None if content is None else bytes(content)
