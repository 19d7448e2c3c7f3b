"""Sweep: the single estimate's arithmetic over columns, millions of load tests at once.

Whole numbers throughout, so that each row is to the micro-dollar what ``requirement`` and
``pricing.quotes`` give for that load test alone. Rows go through in chunks that stay in the
processor's cache, which is about twice as fast as whole columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.planning.capacity import FIGURES, STANDARD_INJECTOR, capacity_of, demand_of
from engine.profile import closed
from engine.scenario import Protocol, Scenario
from kernel.durations import MAX_DURATION_S
from kernel.errors import BadInputError
from pricing.money import MICROS_PER_CENT
from pricing.tariffs import Tariff

Column = npt.NDArray[np.int64]

CHUNK_ROWS = 16_384
SECONDS_PER_MINUTE = 60
USERS_MAX = 1_000_000_000
INJECTORS_MAX = 1_000_000
RATE_USD_MICROS_MAX = 8_000_000


class BadColumnError(BadInputError):
    """A column does not hold what a sweep needs; facts: ``column``, ``row``."""

    code = "bad_column"


@dataclass(frozen=True, slots=True)
class Sweep:
    """One row for each load test.

    Attributes:
        injectors: Standard injectors.
        li_minutes: LI-minutes with the floor for the fleet's size.
        usd_micros: The charge in micro-dollars, in whole cents.
    """

    injectors: Column
    li_minutes: Column
    usd_micros: Column


def sweep(
    users: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    users_per_injector: npt.ArrayLike,
    *,
    tariff: Tariff,
) -> Sweep:
    """Injectors, LI-minutes and charge of many load tests.

    Args:
        users: Most users at once, a whole number for each test.
        duration_s: Planned length in whole seconds.
        users_per_injector: A number for each test, or one for all; see ``payloads``.
        tariff: One that counts injectors by the minute and has a rate, such as ``on-demand``.

    Raises:
        BadColumnError: The first row that is no load test.
    """
    assert tariff.counts_li_minutes, tariff.name
    rate = tariff.usd_micros_per_unit
    assert rate is not None, tariff.name
    assert rate <= RATE_USD_MICROS_MAX, "a dearer LI-minute could overflow 64 bits"
    users_column = _column("users", users, USERS_MAX)
    duration_column = _column("duration_s", duration_s, MAX_DURATION_S)
    payload_column = _column("users_per_injector", users_per_injector, USERS_MAX)
    users_column, duration_column, payload_column = _same_length(
        users_column, duration_column, payload_column
    )
    rows = len(users_column)
    result = Sweep(*(np.empty(rows, np.int64) for _ in range(3)))
    for start in range(0, rows, CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        _fill(
            Sweep(result.injectors[chunk], result.li_minutes[chunk], result.usd_micros[chunk]),
            users_column[chunk],
            duration_column[chunk],
            payload_column[chunk],
            tariff,
        )
    _check("users", result.injectors, INJECTORS_MAX, "injectors")
    return result


def payloads(protocols: Sequence[str]) -> Column:
    """The recommended users per injector of each protocol, in the order given.

    Raises:
        BadColumnError: The first row that names no protocol.
    """
    recommended = {protocol.value: _recommended(protocol) for protocol in FIGURES}
    names, inverse = np.unique(np.asarray(protocols, dtype=np.str_), return_inverse=True)
    for index, name in enumerate(names):
        if name not in recommended:
            row = int(np.argmax(inverse == index))
            raise BadColumnError(
                f"protocol, row {row}: {str(name)!r} is unknown; there are "
                + ", ".join(recommended),
                column="protocol",
                row=row,
            )
    return np.array([recommended[name] for name in names], np.int64)[inverse]


def _fill(out: Sweep, users: Column, duration_s: Column, payload: Column, tariff: Tariff) -> None:
    """Compute one chunk into the views that ``out`` holds."""
    np.add(users, payload - 1, out=out.injectors)
    np.floor_divide(out.injectors, payload, out=out.injectors)
    minutes = (duration_s + (SECONDS_PER_MINUTE - 1)) // SECONDS_PER_MINUTE
    np.maximum(minutes, _floor_minutes(out.injectors, tariff), out=minutes)
    np.multiply(out.injectors, minutes, out=out.li_minutes)
    # Half up to whole cents: (2 x exact + cent) // (2 x cent) cents.
    twice = out.li_minutes * (2 * (tariff.usd_micros_per_unit or 0))
    twice += users * (2 * tariff.usd_micros_per_user)
    twice += MICROS_PER_CENT
    twice //= 2 * MICROS_PER_CENT
    np.multiply(twice, MICROS_PER_CENT, out=out.usd_micros)


def _floor_minutes(injectors: Column, tariff: Tariff) -> Column | int:
    """The least minutes of each injector, by the size of its fleet."""
    minutes: Column | int = 0
    for floor in reversed(tariff.floors):
        assert floor.minimum_s % SECONDS_PER_MINUTE == 0, floor
        minimum = floor.minimum_s // SECONDS_PER_MINUTE
        if floor.up_to_injectors is None:
            minutes = minimum
        else:
            minutes = np.where(injectors > floor.up_to_injectors, minutes, minimum)
    return minutes


def _column(name: str, values: npt.ArrayLike, maximum: int) -> Column:
    """Whole numbers from 1 to a maximum, as int64."""
    column = np.asarray(values)
    if column.ndim > 1 or column.dtype.kind not in "iu":
        raise BadColumnError(f"{name}: must be a column of whole numbers", column=name)
    column = np.atleast_1d(column)
    _check(name, column, maximum, name)
    return column.astype(np.int64, copy=False)


def _check(name: str, column: npt.NDArray[Any], maximum: int, what: str) -> None:
    wrong = (column < 1) | (column > maximum)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadColumnError(
            f"{name}, row {row}: {what} must be from 1 to {maximum}, not {column[row]}",
            column=name,
            row=row,
        )


def _same_length(*columns: Column) -> Sequence[Column]:
    """The columns, those of one row repeated for all."""
    try:
        return np.broadcast_arrays(*columns)
    except ValueError:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise BadColumnError(f"the columns have different lengths: {lengths}") from None


def _recommended(protocol: Protocol) -> int:
    scenario = Scenario(protocol.value, protocol, closed([(0, 1), (1, 1)]))
    return capacity_of(STANDARD_INJECTOR, demand_of(scenario)).users
