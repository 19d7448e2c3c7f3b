"""TOML files that people edit, read strictly.

A field is taken by name and kind; a missing, unknown or wrong one is refused in one line that says
which file, which field and what would be right. Money is text ("0.15"), never a float.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from kernel.errors import BadInputError
from pricing.money import usd_micros

FILE_BYTES_MAX = 1_048_576

_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")

Kind = TypeVar("Kind", bound=StrEnum)


class DataFileError(BadInputError):
    """A tariff or plan file is missing, malformed or says something impossible."""

    code = "bad_data_file"


class Table:
    """One TOML table whose fields are taken one by one.

    Args:
        fields: As ``tomllib`` read them.
        where: File and place, for errors.
    """

    def __init__(self, fields: Mapping[str, object], where: str) -> None:
        self._fields = dict(fields)
        self.where = where

    def text(self, key: str) -> str:
        """A required text that is not empty."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must be a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None where the field is absent."""
        return self.text(key) if key in self._fields else None

    def texts(self, key: str, *, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts; ``default`` where the field is absent."""
        if default is not None and key not in self._fields:
            return default
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(key, "must be a list of texts")
        return tuple(value)

    def integer(self, key: str, *, minimum: int, default: int | None = None) -> int:
        """A whole number of at least ``minimum``; ``default`` where the field is absent."""
        if default is not None and key not in self._fields:
            return default
        return self._checked_integer(key, self._take(key), minimum)

    def optional_integer(self, key: str, *, minimum: int) -> int | None:
        """A whole number of at least ``minimum``, or None where the field is absent."""
        return self.integer(key, minimum=minimum) if key in self._fields else None

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false; ``default`` where the field is absent."""
        if default is not None and key not in self._fields:
            return default
        value = self._take(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def day(self, key: str) -> date:
        """A required date, written without quotes: 2026-11-21."""
        value = self._take(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.wrong(key, "must be a date like 2026-11-21, without quotes")
        return value

    def money_usd_micros(self, key: str) -> int:
        """A required amount in US dollars, written as text; not negative."""
        value = self._take(key)
        if not isinstance(value, str) or not _MONEY.fullmatch(value):
            raise self.wrong(key, 'must be an amount of US dollars in quotes like "12.50"')
        return usd_micros(value)

    def optional_money_usd_micros(self, key: str) -> int | None:
        """An amount in US dollars, or None where the field is absent."""
        return self.money_usd_micros(key) if key in self._fields else None

    def decimal(self, key: str) -> Decimal:
        """A required number of at least 0, written as text with the decimals that it has."""
        value = self._take(key)
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise self.wrong(key, 'must be a number in quotes like "16.67"')
        return Decimal(value)

    def optional_decimal(self, key: str) -> Decimal | None:
        """Such a number, or None where the field is absent."""
        return self.decimal(key) if key in self._fields else None

    def choice(self, key: str, kind: type[Kind], *, default: Kind | None = None) -> Kind:
        """A text that is one of the members of ``kind``; ``default`` where the field is absent."""
        if default is not None and key not in self._fields:
            return default
        value = self._take(key)
        if value not in list(kind):
            raise self.wrong(key, f"must be one of {', '.join(kind)}")
        return kind(str(value))

    def integers(self, key: str, *, names: tuple[str, ...]) -> Mapping[str, int]:
        """A table of positive whole numbers under known names; empty where it is absent."""
        if key not in self._fields:
            return {}
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table")
        for name in value:
            if name not in names:
                raise self.wrong(f"{key}.{name}", f"is unknown; there are {', '.join(names)}")
        return {
            name: self._checked_integer(f"{key}.{name}", number, 1)
            for name, number in value.items()
        }

    def tables(self, key: str) -> tuple[Table, ...]:
        """A required list of tables, with at least one."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(t, dict) for t in value):
            raise self.wrong(key, "must be a list of tables")
        return tuple(
            Table(fields, f"{self.where}: {key} {number}") for number, fields in enumerate(value, 1)
        )

    def optional_tables(self, key: str) -> tuple[Table, ...]:
        """A list of tables; none where the field is absent."""
        return self.tables(key) if key in self._fields else ()

    def finish(self) -> None:
        """Refuse what nobody took."""
        for key in self._fields:
            raise self.wrong(key, "is not a field of this table")

    def wrong(self, key: str, problem: str) -> DataFileError:
        """The error for one field."""
        return DataFileError(f"{self.where}: {key} {problem}", where=self.where, field=key)

    def _take(self, key: str) -> object:
        if key not in self._fields:
            raise self.wrong(key, "is missing")
        return self._fields.pop(key)

    def _checked_integer(self, key: str, value: object, minimum: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.wrong(key, f"must be a whole number of at least {minimum}")
        return value


def read_toml(path: Path) -> Table:
    """The whole file as a table.

    Raises:
        DataFileError: It cannot be read, is larger than 1 MiB, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise DataFileError(f"{path}: larger than 1 MiB; not read", file=str(path))
        return Table(tomllib.loads(content.decode("utf-8")), str(path))
    except OSError as error:
        raise DataFileError(
            f"{path}: cannot be read: {error.strerror or error}", file=str(path)
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path}: not a TOML file: {error}", file=str(path)) from error
