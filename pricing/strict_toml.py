"""TOML files that people edit, read strictly into values by their types.

A missing, unknown or wrong field is refused in one line that says which file, which field and what
would be right. Money is text ("0.15"), never a float.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from msgspec import Meta, ValidationError, convert

from kernel.errors import BadInputError
from pricing.money import usd_micros

if TYPE_CHECKING:
    from msgspec import inspect

FILE_BYTES_MAX = 1_048_576

Text = Annotated[str, Meta(pattern=r"\S")]
"""A text that is not empty."""

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]

Money = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?\Z",
        extra={"right": 'must be an amount of US dollars in quotes like "12.50"'},
    ),
]
"""US dollars, as ``pricing.money.usd_micros`` takes them; not negative."""

DecimalText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?\Z",
        extra={"right": 'must be a number in quotes like "16.67"'},
    ),
]
"""A number of at least 0 with the decimals that it has."""

_RIGHT = {
    "BoolType": "must be true or false",
    "DateType": "must be a date like 2026-11-21, without quotes",
    "StrType": "must be a text",
    "StructType": "must be a table",
    "VarTupleType": "must be a list of texts",
}
"""What would be right, by the type that a field has."""

Content = TypeVar("Content")

_AT = " - at `$"
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class DataFileError(BadInputError):
    """A tariff or plan file is missing, malformed or says something impossible."""

    code = "bad_data_file"


def read_toml(path: Path, kind: type[Content]) -> Content:
    """The whole file as a value.

    Args:
        path: The file.
        kind: A struct of the file's fields. Structs in it that forbid unknown fields are tables,
            tuples of them lists of tables.

    Raises:
        DataFileError: It cannot be read, is larger than 1 MiB, is no TOML, or is not of that kind.
    """
    try:
        return convert(_fields_of(path), kind, builtin_types=(date,))
    except ValidationError as error:
        raise _explained(str(path), kind, str(error)) from error


def numbered(file: str | Path, key: str, number: int) -> str:
    """The place of a table in a list, for errors; ``number`` counts from 1."""
    return f"{file}: {key} {number}"


def wrong_field(where: str | Path, key: str, problem: str) -> DataFileError:
    """The error for one field.

    Args:
        where: File and table.
        key: The field.
        problem: What would be right, or what is wrong.
    """
    return DataFileError(f"{where}: {key} {problem}", where=str(where), field=key)


def optional_usd_micros(amount: str | None) -> int | None:
    """Micro-dollars of ``Money``; None where the field was left out."""
    return None if amount is None else usd_micros(amount)


def _fields_of(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise DataFileError(f"{path}: larger than 1 MiB; not read", file=str(path))
        return tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise DataFileError(
            f"{path}: cannot be read: {error.strerror or error}", file=str(path)
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path}: not a TOML file: {error}", file=str(path)) from error


def _explained(file: str, kind: type, message: str) -> DataFileError:
    """What msgspec found wrong, in the words of who wrote the file."""
    from msgspec import inspect  # only for what is wrong

    problem, _, path = message.rpartition(_AT) if _AT in message else (message, "", "")
    is_of_table = problem.startswith("Object ")
    steps = _STEP.findall(path)
    if steps and steps[-1][1] and not is_of_table:
        steps.pop()  # one of a list is wrong: the list is
    where, at = file, inspect.type_info(kind)
    keys: list[str] = []
    for name, number in steps:
        at, _ = _bare(at)
        if number:
            assert isinstance(at, inspect.VarTupleType), at
            where, keys, at = numbered(where, ".".join(keys), int(number) + 1), [], at.item_type
        else:
            assert isinstance(at, inspect.StructType), at
            keys.append(name)
            at = next(field.type for field in at.fields if field.name == name)
    if not is_of_table:
        _, is_enum, value = problem.partition("enum value ")
        return wrong_field(
            where, ".".join(keys), _right(at) + (f", not {value}" if is_enum else "")
        )
    at, _ = _bare(at)
    assert isinstance(at, inspect.StructType), at
    what, _, key = problem.partition("`")
    known = ", ".join(field.name for field in at.fields)
    return wrong_field(
        where,
        ".".join((*keys, key.removesuffix("`"))),
        "is missing" if "missing" in what else f"is not a field of this table; there are {known}",
    )


def _bare(kind: inspect.Type) -> tuple[inspect.Type, str | None]:
    """A type without what may be left out and without its note; and the note."""
    from msgspec import inspect

    if isinstance(kind, inspect.UnionType):
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    if isinstance(kind, inspect.Metadata):
        return kind.type, (kind.extra or {}).get("right")
    return kind, None


def _right(kind: inspect.Type) -> str:
    """What would be right where something of that type is expected."""
    from msgspec import inspect

    kind, right = _bare(kind)
    match kind:
        case inspect.IntType():
            right = f"must be a whole number of at least {kind.ge}"
        case inspect.EnumType():
            right = f"must be one of {', '.join(kind.cls)}"
        case inspect.VarTupleType(item_type=inspect.StructType()):
            right = "must be a list of tables"
        case inspect.VarTupleType(item_type=inspect.EnumType(cls=names)):
            right = f"must be a list of one or more of {', '.join(names)}"
    return right or _RIGHT[type(kind).__name__]
