"""Statements are compiled once for all databases of a process, however many the tests open.

A command has one database, and compiles a statement when it first executes it. Tests have a new one
each, for which SQLAlchemy would compile everything again: a fifth of their time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

STATEMENTS_MAX = 5_000


@contextmanager
def compiled_once() -> Iterator[None]:
    """What is compiled for a database is there for the next one of its kind and version."""
    compiled: LRUCache[Any, Any] = LRUCache(STATEMENTS_MAX)
    make = Engine.__init__

    def make_sharing(self: Engine, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed on as given
        make(self, *arguments, **named)
        self._compiled_cache = compiled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "__init__", make_sharing)
        # What has been compiled is found by its dialect, which is an object of each engine's own.
        patch.setattr(DefaultDialect, "__eq__", _is_the_same_kind)
        patch.setattr(DefaultDialect, "__hash__", lambda self: hash(type(self)))
        yield


def _is_the_same_kind(one: DefaultDialect, other: object) -> bool:
    return one is other or (
        type(one) is type(other)
        and isinstance(other, DefaultDialect)
        and one.server_version_info == other.server_version_info
        and one.paramstyle == other.paramstyle
    )
