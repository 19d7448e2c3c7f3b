"""Compiled tally: ``Tally.add`` for numba, in one pass over the numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.sweeping import tally as plain
from engine.sweeping.columns import Column
from engine.sweeping.tally import LANES, Tally

CHUNK_NUMBERS = 1_024

_SHIFT, _OF_ONE = plain.SHIFT, plain.OF_ONE


def add(tally: Tally, numbers: Column, first_place: int) -> None:
    """As ``Tally.add``."""
    total, least, most = _count(numbers, tally.lanes)
    tally.note(len(numbers), int(total), int(least), int(most))
    if least < tally.threshold:
        near = np.flatnonzero(numbers < tally.threshold)
        tally.keep(numbers[near], first_place + near)


@njit(nogil=True, cache=True, error_model="numpy")
def _count(numbers: Column, lanes: Column) -> tuple[np.int64, np.int64, np.int64]:
    doubles = np.empty(CHUNK_NUMBERS, np.float64)
    bits: npt.NDArray[np.int64] = doubles.view(np.int64)
    total = np.int64(0)
    least = most = numbers[0]
    for low in range(0, len(numbers), CHUNK_NUMBERS):
        chunk = numbers[low : min(low + CHUNK_NUMBERS, len(numbers))]
        for i in range(len(chunk)):
            total += chunk[i]
            least = min(least, chunk[i])
            most = max(most, chunk[i])
            doubles[i] = float(chunk[i])
        for i in range(len(chunk)):
            bits[i] = max((bits[i] >> _SHIFT) - _OF_ONE + 1, 0)
        for i in range(len(chunk)):
            lanes[np.uint64(i % LANES), np.uint64(bits[i])] += 1
    return total, least, most
