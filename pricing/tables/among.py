"""Whether a column holds one of many values, which are handed over as one: ``among(column, name)``.

``IN`` has a parameter a value: for hundreds of them the statement is longer than what it finds, and
is read anew each time. PostgreSQL takes an array, SQLite a document of JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Column, ColumnElement, Text, TypeDecorator, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine


class _Many(TypeDecorator[Sequence[Any]]):
    """Values of one type, as one parameter."""

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            Text() if dialect.name == "sqlite" else ARRAY(self.of.dialect_impl(dialect))
        )

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - the driver's own
        assert value is not None
        return (
            msgspec.json.encode(list(value)).decode() if dialect.name == "sqlite" else list(value)
        )


class _Among(FunctionElement[bool]):
    """A column, and the parameter with the values."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:  # noqa: ANN401 - as in the parent
        """As it is: a comparison, which SQLite must not compare with 1 once more."""
        del against
        return self


def among(column: Column[Any], name: str) -> ColumnElement[bool]:
    """A condition: the column holds one of the values of a parameter.

    Args:
        column: Of text or whole numbers.
        name: The parameter's; its value is a sequence.
    """
    return _Among(column, bindparam(name, type_=_Many(column.type)))


@compiles(_Among, "sqlite")
def _on_sqlite(element: _Among, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - handed on
    column, values = (compiler.process(each, **how) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - of SQLAlchemy


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - handed on
    column, values = (compiler.process(each, **how) for each in element.clauses)
    return f"{column} = ANY ({values})"
